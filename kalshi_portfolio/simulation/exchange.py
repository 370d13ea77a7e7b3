"""The exchange without any trading: one member's account, a clock, two tiers of history, and the keys."""

from __future__ import annotations

import heapq
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.simulation import audit
from kalshi_portfolio.simulation.account import Account
from kalshi_portfolio.simulation.amounts import DAY, at_time, moment
from kalshi_portfolio.simulation.dice import Dice
from kalshi_portfolio.simulation.keys import Keyring
from kalshi_portfolio.simulation.world import World

if TYPE_CHECKING:
    from collections.abc import Callable

    from kalshi_portfolio.simulation.books import Books
    from kalshi_portfolio.simulation.keys import Credentials, KeyKind
    from kalshi_portfolio.simulation.records import Fill, Settlement
    from kalshi_portfolio.simulation.world import Event

NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
"""Where the clock of the demo account stands."""

_ARCHIVE_AFTER = timedelta(days=60)
_ORDERS_LIVE = 14 * DAY
_MOST_SUBACCOUNTS = 64


class BareExchange:
    """The exchange without any trading: clock, schedule, tiers, keys, and an empty account.

    Args:
        name: The stream of chance.
        now: The exchange's clock. It stands still until :meth:`advance`.
        subaccounts: How many subaccounts there are, the primary one included.
        legacy_rows: Whether archived fills from before 2026-01-28 lack ``outcome_side`` and ``book_side``.
        bare_legacy_rows: Whether they also lack ``fee_cost``, ``subaccount_number`` and ``exchange_index``.
        overlap: How much of what is archived both tiers serve.
        archive_after: How old what is archived is; the cutoff is a midnight (UTC) and moves with the clock.
    """

    def __init__(
        self,
        name: str,
        *,
        now: datetime = NOW,
        subaccounts: int = 1,
        legacy_rows: bool = True,
        bare_legacy_rows: bool = False,
        overlap: timedelta = timedelta(days=1),
        archive_after: timedelta = _ARCHIVE_AFTER,
    ) -> None:
        if not 1 <= subaccounts <= _MOST_SUBACCOUNTS:
            raise ArgumentError(f"subaccounts: {subaccounts} came; expected 1 to {_MOST_SUBACCOUNTS}.")
        self.world = World()
        self.account = Account(Dice(f"{name}/account"))
        self.keys = Keyring(name)
        self.subaccounts = subaccounts
        self.legacy_rows, self.bare_legacy_rows = legacy_rows, bare_legacy_rows
        self.clock = moment(now)
        self._overlap = overlap // timedelta(microseconds=1)
        self._archive_after = archive_after // timedelta(microseconds=1)
        self._queue: list[tuple[int, int, Callable[[int], None]]] = []
        self._pushed = 0
        self._first: Credentials | None = None
        self.cutoff_at = 0
        self._move_tiers()

    @property
    def now(self) -> datetime:
        """The exchange's clock."""
        return at_time(self.clock)

    @property
    def cutoff(self) -> datetime:
        """What is older is archived."""
        return at_time(self.cutoff_at)

    @property
    def live_since(self) -> int:
        """From when on the live tier serves fills and settled markets, in microseconds."""
        return self.cutoff_at - self._overlap

    @property
    def orders_since(self) -> int:
        """From when on the live tier serves finished orders, in microseconds."""
        return (self.clock - _ORDERS_LIVE) // DAY * DAY

    @property
    def books(self) -> Books:
        """The exact books."""
        return self.account.books

    @property
    def fills(self) -> list[Fill]:
        """All fills until now, the oldest first."""
        self.account.sort()
        return self.account.fills[None, None]

    @property
    def settlements(self) -> list[Settlement]:
        """All settlements until now, archived ones included, in the order they were paid."""
        return self.account.settlements

    def credentials(self, kind: KeyKind = "ed25519", *, subaccount: int | None = None) -> Credentials:
        """Give a key id and a private key that the exchange accepts.

        Args:
            kind: The algorithm: ``"ed25519"`` or ``"rsa"``.
            subaccount: The only subaccount that the key may read; None for all.

        Returns:
            With the defaults always the same, otherwise a new key at each call.
        """
        if kind != "ed25519" or subaccount is not None:
            return self.keys.issue(kind, subaccount=subaccount)
        if self._first is None or self._first.key_id not in self.keys.keys:
            self._first = self.keys.issue()
        return self._first

    def later(self, at: int, action: Callable[[int], None]) -> None:
        """Have something happen at a time (microseconds), when the clock gets there."""
        heapq.heappush(self._queue, (at, self._pushed, action))
        self._pushed += 1

    def advance(self, to: datetime) -> None:
        """Move the clock forward: trades, settlements and cash movements until then happen.

        Args:
            to: The new time, inclusive; not before :attr:`now`.

        Raises:
            ArgumentError: The time is in the past, or has no time zone.
        """
        target = moment(to)
        if target < self.clock:
            raise ArgumentError(f"The clock stands at {self.now}; it cannot go back to {to}.")
        self._run(target)
        self.clock = target
        self._move_tiers()

    def move_cutoff(self, to: datetime) -> None:
        """Move the line between the live and the historical tier.

        Args:
            to: The new cutoff; not after :attr:`now`. It may also go back.

        Raises:
            ArgumentError: The time is in the future, or has no time zone.
        """
        target = moment(to)
        if target > self.clock:
            raise ArgumentError(f"The cutoff {to} is after the exchange's clock, {self.now}.")
        self.cutoff_at = target

    def is_archived(self, event: Event) -> bool:
        """Say whether all markets of an event were paid out before the cutoff."""
        return all(m.settled is not None and m.settled < self.cutoff_at for m in event.markets)

    def verify(self) -> None:
        """Check the books against the records they were made of.

        Raises:
            AssertionError: A figure does not add up; the message says which.
        """
        audit.verify(self.account, self.world)

    def _run(self, until: int) -> None:
        while self._queue and self._queue[0][0] <= until:
            at, _, action = heapq.heappop(self._queue)
            action(at)

    def _move_tiers(self) -> None:
        midnight = self.clock // DAY * DAY
        self.cutoff_at = max(self.cutoff_at, midnight - self._archive_after)
