"""The cash of the demo account: deposits, withdrawals, and a trip to the margined exchange."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from kalshi_portfolio.simulation.amounts import CENT, DAY, HOUR, MICROS, MINUTE

if TYPE_CHECKING:
    from collections.abc import Callable

    from kalshi_portfolio.simulation.account import Account

    Later = Callable[[int, Callable[[int], None]], None]

_DEPOSITS = (
    (0, 400_000, "ach"), (12, 150_000, "wire"), (75, 100_000, "ach"), (160, 150_000, "ach"), (270, 50_000, "crypto"),
    (365, 200_000, "ach"), (470, 100_000, "ach"), (610, 100_000, "apm"), (700, 75_000, "ach"), (752, 50_000, "ach"),
)  # fmt: skip
"""(days after the account's birth, cents, how)."""

_WITHDRAWALS = (
    (120, 40_000, "ach"), (240, 60_000, "ach"), (410, 90_000, "wire"), (560, 50_000, "ach"), (690, 80_000, "ach"),
    (745, 30_000, "ach"),
)  # fmt: skip
_MARGINED_OUT, _MARGINED_BACK = 40_000 * CENT, 38_150 * CENT


def plan(account: Account, later: Later, *, birth: int, now: int, scale: int) -> None:
    """Schedule all movements of cash, past and future.

    Args:
        account: The account.
        later: The schedule.
        birth: When the account starts.
        now: The exchange's clock.
        scale: By what all amounts are multiplied.
    """
    move = partial(_move, account, later)
    for day, cents, method in _DEPOSITS:
        at = birth + day * DAY + 15 * HOUR
        late = MINUTE if day == 0 else 30 * HOUR
        later(at, partial(move, "deposit", cents * scale, 0, method, (("applied", late),)))
    for day, cents, method in _WITHDRAWALS:
        at = birth + day * DAY + 16 * HOUR
        later(at, partial(_withdraw, account, later, cents * scale, method))
    card = (("applied", MINUTE),)
    later(birth + 40 * DAY, partial(move, "deposit", 10_204, 204, "debit", card))
    later(now - 20 * DAY, partial(move, "deposit", 25_510, 510, "debit", card))
    later(birth + 200 * DAY, partial(move, "deposit", 30_000, 0, "ach", (("failed", 2 * DAY),)))
    returned = (("applied", HOUR), ("returned", 5 * DAY))
    later(birth + 300 * DAY, partial(move, "deposit", 50_000, 0, "ach", returned))
    later(now - 30 * HOUR, partial(move, "deposit", 25_000, 0, "ach", (("applied", 3 * DAY),)))
    later(now - 20 * HOUR, partial(move, "withdrawal", 15_000, 0, "ach", (("applied", 2 * DAY),)))
    later(birth + 520 * DAY, partial(_margined, account, _MARGINED_OUT))
    later(birth + 548 * DAY, partial(_margined, account, -_MARGINED_BACK))


def _move(
    account: Account,
    later: Later,
    kind: str,
    cents: int,
    fee_cents: int,
    method: str,
    course: tuple[tuple[str, int], ...],
    at: int,
) -> None:
    """Ask for a movement, and schedule what becomes of it: (status, how much later)."""
    movement = account.announce(kind, amount_cents=cents, fee_cents=fee_cents, method=method, at=at)
    for status, after in course:
        later(at + after, partial(account.finalize, movement, status))


def _withdraw(account: Account, later: Later, cents: int, method: str, at: int) -> None:
    """Withdraw at once, if the cash is there."""
    if account.fund(0, 0, cents * CENT + 100 * MICROS, at):
        _move(account, later, "withdrawal", cents, 0, method, (("applied", 0),), at)


def _margined(account: Account, micros: int, at: int) -> None:
    went = any(t.target == "margined" for t in account.instance_transfers)
    if went if micros < 0 else account.fund(0, 0, micros, at):
        account.move_margined(micros, at)
