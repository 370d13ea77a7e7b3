"""The syncer: one method per dataset and one for all, each a whole run with the lock held and a report."""

from __future__ import annotations

import asyncio
import time
import uuid
from contextlib import ExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from kalshi_portfolio.errors import ArgumentError, LockedError, StoreError
from kalshi_portfolio.schema import DATASETS, FILLS, SETTLEMENTS
from kalshi_portfolio.store import union
from kalshi_portfolio.sync.account import admit_key, exchange_time, pace, reach, recalled
from kalshi_portfolio.sync.fills import FillSync
from kalshi_portfolio.sync.history import cutoffs, uncovered
from kalshi_portfolio.sync.markets import sync_markets
from kalshi_portfolio.sync.nameless import forget
from kalshi_portfolio.sync.positions import read_positions, write_positions
from kalshi_portfolio.sync.report import SyncReport
from kalshi_portfolio.sync.retry import release_replaced, retry_quarantine
from kalshi_portfolio.sync.run import Run
from kalshi_portfolio.sync.selfcheck import check_fills
from kalshi_portfolio.sync.settlements import log_settlements, read_set_aside, read_settlements
from kalshi_portfolio.sync.transfers import sync_balances, sync_transfers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection

    from kalshi_portfolio.client import KalshiClient
    from kalshi_portfolio.parse import Parsed
    from kalshi_portfolio.store import Holder, Store
    from kalshi_portfolio.sync.run import Progress
    from kalshi_portfolio.sync.windows import Window

SYNCED = ("fills", "settlements", "positions", "markets", "transfers", "balances")
"""The datasets that can be synced, in the order in which a full sync does it."""

_POLL_SECONDS = 0.2


def silent(dataset: str, rows: int) -> None:
    """Tell nobody."""


class PortfolioSyncer:
    """Brings an account's data folder up to date.

    Every method is one run: it waits for the folder's lock, reads what is missing, stores it, and gives a report.
    A run that is interrupted leaves whole files; the next one goes on where it stopped.

    Args:
        client: An open client with the account's key.
        store: The data folder, from :meth:`Store.open_for_sync`.
        since: Do not go back further than this (timezone-aware); None for the whole history.
        overlap: How much of what is covered is read again, for rows that show up late.
        progress: Called with a dataset's name and the number of rows just stored.
        wait: How long to wait for another sync of the same folder, in seconds; below 0 for ever.
        on_wait: Called once with the holder of the lock, if somebody else has it.
        key_fingerprint: A hash of the key id in use, to recognise a key that the folder has not seen.
        paced: Whether to keep to the account's read limit.
        mending: Whether to read only the windows that were complete once and have lost a file since: nothing new,
            and no overlap.

    Raises:
        ArgumentError: ``since`` has no time zone, or ``overlap`` is negative.

    Examples:
        >>> import asyncio, tempfile, kalshi_portfolio as kp
        >>> async def fills(connection, folder):
        ...     store = kp.Store.open_for_sync(folder, connection.identity)
        ...     async with connection.client() as client:
        ...         return await PortfolioSyncer(client, store, paced=connection.paced).sync_trades()
        >>> with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        ...     report = runner.run(fills(kp.demo_connection(), folder))
        >>> report["fills"].new > 1000
        True
    """

    def __init__(
        self,
        client: KalshiClient,
        store: Store,
        *,
        since: datetime | None = None,
        overlap: timedelta = timedelta(hours=24),
        progress: Progress = silent,
        wait: float = 60.0,
        on_wait: Callable[[Holder | None], None] | None = None,
        key_fingerprint: str = "",
        paced: bool = True,
        mending: bool = False,
    ) -> None:
        if since is not None and since.tzinfo is None:
            raise ArgumentError(f"since={since} has no time zone. Use for example datetime(2026, 1, 1, tzinfo=UTC).")
        if overlap < timedelta(0):
            raise ArgumentError(f"overlap={overlap} is negative. Expected a duration such as timedelta(hours=24).")
        self._client = client
        self._store = store
        self._since = since.astimezone(UTC) if since else None
        self._overlap = overlap
        self._progress = progress
        self._wait = wait
        self._on_wait = on_wait
        self._key_fingerprint = key_fingerprint
        self._paced = paced
        self._mending = mending
        self._listed: Parsed | None = None

    async def sync_all(self) -> SyncReport:
        """Sync every dataset, check the fills against the positions, and read again what differs."""
        return await self.sync_only(SYNCED)

    async def sync_trades(self) -> SyncReport:
        """Sync the fills of both tiers (SPEC-013 calls them trades)."""
        return await self.sync_only(["fills"])

    async def sync_positions(self) -> SyncReport:
        """Take a snapshot of the positions, with marks, and close those that ended."""
        return await self.sync_only(["positions"])

    async def sync_settlements(self) -> SyncReport:
        """Sync the settlements that the exchange still lists."""
        return await self.sync_only(["settlements"])

    async def sync_transfers(self) -> SyncReport:
        """Sync deposits, withdrawals and internal transfers."""
        return await self.sync_only(["transfers"])

    async def sync_balances(self) -> SyncReport:
        """Take a snapshot of the balances."""
        return await self.sync_only(["balances"])

    async def sync_markets(self) -> SyncReport:
        """Sync results, titles and quotes of the markets ever traded."""
        return await self.sync_only(["markets"])

    async def sync_only(self, datasets: Collection[str]) -> SyncReport:
        """Sync some datasets, in their order.

        Args:
            datasets: Names out of ``fills, settlements, positions, markets, transfers, balances``.

        Returns:
            What was done.

        Raises:
            ArgumentError: A name is unknown, or none was given.
            KalshiPortfolioError: The sync could not be finished; what was stored until then stays.
        """
        check_names(datasets)
        began = time.monotonic()
        requests, retries = self._client.stats.requests, self._client.stats.retries
        async with self._run() as run:
            try:
                await self._sync(run, set(datasets))
            except BaseException as error:
                # Interrupted, or refused half-way: what was read whole is stored, so that the next sync goes on there.
                if not isinstance(error, StoreError):
                    with suppress(StoreError):
                        run.flush()
                raise
            return SyncReport(
                datasets={name: run.tallies[name] for name in SYNCED if name in run.tallies},
                as_of=run.now,
                requests=self._client.stats.requests - requests,
                retries=self._client.stats.retries - retries,
                seconds=time.monotonic() - began,
                in_quarantine=sum(len(self._store.quarantined(name)) for name in DATASETS),
                warnings=tuple(run.warnings),
                missing=_missing(run),
            )

    async def _sync(self, run: Run, datasets: set[str]) -> None:
        retry_quarantine(run)
        await _sync_history(run, datasets)
        if "positions" in datasets:
            await self._sync_positions(run, check="fills" in datasets)
        elif "markets" in datasets:
            await sync_markets(run)
        release_replaced(run)
        if "transfers" in datasets:
            await sync_transfers(run)
        if "balances" in datasets:
            await sync_balances(run, self._listed)
        run.flush()

    async def _sync_positions(self, run: Run, *, check: bool) -> None:
        """Read positions, then the markets with their quotes, then check, and write the positions with marks."""
        answers = await read_positions(run)
        held = answers.frame.filter(answers.frame["quantity"] > 0)["ticker"].unique().to_list()
        markets = await sync_markets(run, held)
        if check:
            await check_fills(run, answers, markets)
        await write_positions(run, answers, markets)

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[Run]:
        with ExitStack() as held:
            await self._lock(held)
            now = await exchange_time(self._client)
            if self._since is not None and self._since > now:
                raise ArgumentError(
                    f"since={self._since:%Y-%m-%d %H:%M} UTC lies in the future: the exchange's clock says "
                    f"{now:%Y-%m-%d %H:%M} UTC. Expected a time that is past."
                )
            if self._store.new_key:
                await admit_key(self._client, self._store, self._key_fingerprint)
            if self._paced:
                await pace(self._client, self._store, now)
            found = recalled(await reach(self._client, now), self._store)
            self._listed = found.listed
            run = Run(
                client=self._client,
                store=self._store,
                run_id=uuid.uuid4().hex,
                now=now,
                subaccounts=found.numbers,
                key_subaccount=found.locked_to,
                overlap=self._overlap,
                since=self._since,
                progress=self._progress,
                mending=self._mending,
                certain=found.certain,
            )
            if not found.certain:
                run.warn(
                    "The key is restricted, and the exchange does not say to which subaccount: what came is stored, "
                    "but nothing counts as complete, and no position is closed."
                )
            if found.listed is None and found.numbers != (None,):
                _warn_of_subaccounts(run)
            yield run

    async def _lock(self, held: ExitStack) -> None:
        """Wait for the lock without blocking the loop, so that a notebook's stop button works."""
        until = time.monotonic() + self._wait
        told = False
        while True:
            try:
                held.enter_context(self._store.sync_lock(timeout=0))
            except LockedError:
                if self._on_wait is not None and not told:
                    self._on_wait(self._store.holder())
                told = True
                if self._wait >= 0 and time.monotonic() >= until:
                    raise self._still_locked() from None
                await asyncio.sleep(_POLL_SECONDS)
            else:
                return

    def _still_locked(self) -> LockedError:
        who, root = self._store.holder() or "another process", self._store.root
        return LockedError(
            f"{root} is being synced by {who}; waited {self._wait:g} s. Let it finish, or end it, and try again: the "
            "lock goes away with its process.",
            path=root,
        )


def check_names(datasets: Collection[str]) -> None:
    """Refuse names of datasets that cannot be synced.

    Raises:
        ArgumentError: A name is unknown, or none was given.
    """
    unknown = sorted(set(datasets) - set(SYNCED))
    if unknown or not datasets:
        what = f"There is no dataset {', '.join(unknown)!r} to sync" if unknown else "No dataset was named to sync"
        raise ArgumentError(f"{what}. There are: {', '.join(SYNCED)}.")


async def _sync_history(run: Run, datasets: set[str]) -> None:
    """Sync fills and settlements: both lists of the live tier, then the cutoff of both, then the archive of fills."""
    if not datasets & {"fills", "settlements"}:
        return
    fills = FillSync(run) if "fills" in datasets else None
    if fills:
        await fills.read_live()
        _learn_subaccounts(run)
    settlements = await read_settlements(run) if "settlements" in datasets else []
    line = await cutoffs(run)
    if line is not None:
        log_settlements(run, settlements, line.settlements)
        if fills:
            await fills.read_archive(line.fills)
    run.flush()
    if "settlements" in datasets:
        forget(run, SETTLEMENTS)
        await read_set_aside(run)


def _learn_subaccounts(run: Run) -> None:
    """Ask by number where fills of several subaccounts came although the exchange would list none.

    Settlements and positions do not say whose they are: asked for without a number, all would be filed under one.
    """
    if run.subaccounts != (None,) or run.key_subaccount is not None or not run.certain:
        return
    run.flush()
    numbers = {int(number) for number in run.stored(FILLS)["subaccount"].unique()}
    if numbers - {0}:
        run.subaccounts = tuple(sorted(numbers | {0}))
        _warn_of_subaccounts(run)


def _warn_of_subaccounts(run: Run) -> None:
    run.warn(
        "The exchange did not list the subaccounts. Read were: "
        f"{', '.join(map(str, run.subaccounts))}. The next sync asks for the list again."
    )


def _missing(run: Run) -> dict[str, tuple[Window, ...]]:
    """Give the stretches of time that are not covered, of any subaccount, per dataset that was synced."""
    found = {}
    for table in (FILLS, SETTLEMENTS):
        if table.name in run.tallies:
            found[table.name] = tuple(union(w for windows in uncovered(run, table).values() for w in windows))
    return found
