"""One run of a sync: what all its parts share, and how they read and store rows."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import polars as pl

from kalshi_portfolio.parse import Parsed, Source
from kalshi_portfolio.schema import FILLS, SNAPSHOTS, SYNC_LOG, Table
from kalshi_portfolio.sync.report import Tally

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Collection, Coroutine, Iterable
    from datetime import date, datetime, timedelta

    from kalshi_portfolio.client import KalshiClient, Page
    from kalshi_portfolio.store import Store
    from kalshi_portfolio.sync.windows import Window

ALL_SHARDS = -1
NO_SUBACCOUNT = -1

_COMMIT_ROWS = 10_000
_COUNTED = ("ticker", "subaccount", "side", "quantity", "executed_at")


class Progress(Protocol):
    """Who is told how far a sync has come."""

    def __call__(self, dataset: str, rows: int) -> None:
        """Hear that so many more rows of a dataset were read."""


@dataclass
class Run:
    """One run of a sync.

    Attributes:
        client: The open client.
        store: The data folder, locked.
        run_id: What the log calls this run.
        now: Up to when the exchange's data are complete: the end of every window.
        subaccounts: The subaccounts to ask for by number; None asks without a number.
        key_subaccount: The one subaccount that the key is locked to, if it is.
        overlap: How much of what is covered is read again.
        since: The start of what is wanted; None for everything.
        progress: Who is told how far the sync has come.
        tallies: Rows counted, per dataset.
        mending: Whether to read only what was complete once and is not any more, and nothing new.
        certain: Whether it is known which subaccount the answers are about. If not, nothing is logged as
            covered, and nothing is closed.
        warnings: What could not be done or looked odd.
        nameless: Windows in which rows without a ticker did not fit, per dataset and subaccount.
    """

    client: KalshiClient
    store: Store
    run_id: str
    now: datetime
    subaccounts: tuple[int | None, ...]
    key_subaccount: int | None
    overlap: timedelta
    since: datetime | None
    progress: Progress
    mending: bool = False
    certain: bool = True
    tallies: dict[str, Tally] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    nameless: dict[str, list[Window]] = field(default_factory=dict)
    _waiting: list[tuple[Table, Parsed]] = field(default_factory=list)
    _unlogged: list[dict[str, Any]] = field(default_factory=list)
    _aside: dict[str, set[str]] = field(default_factory=dict)
    _stored: dict[str, pl.DataFrame] = field(default_factory=dict)

    def tally(self, dataset: str) -> Tally:
        """Give the tally of a dataset, made at first use."""
        return self.tallies.setdefault(dataset, Tally())

    def warn(self, text: str) -> None:
        """Add a warning, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def source(self, tier: str = "live", subaccount: int | None = None) -> Source:
        """Say where pages come from."""
        return Source(self.now, tier, subaccount, self.key_subaccount)

    def number(self, subaccount: int | None) -> int:
        """Give the number under which an answer is filed: the one asked for, else the key's, else 0."""
        return subaccount if subaccount is not None else self.key_subaccount or 0

    async def pages(self, endpoint: str, **params: Any) -> AsyncGenerator[Page]:
        """Read a list page by page, to the last."""
        async with aclosing(self.client.pages(endpoint, **params)) as pages:
            async for page in pages:
                self.progress(page.rows_key, page.count)
                yield page

    async def bodies(self, endpoint: str, **params: Any) -> list[bytes]:
        """Read a list whole."""
        return [page.body async for page in self.pages(endpoint, **params)]

    def stored(self, table: Table) -> pl.DataFrame:
        """Give what is on disk, read once until this run changes it.

        Returns:
            Of fills only the columns that counting needs; of positions the latest row of every key; else all.
        """
        if table.name not in self._stored:
            if table is SNAPSHOTS:
                frame = self.store.latest(table)
            else:
                frame = self.store.read(table, columns=_COUNTED if table is FILLS else None)
            self._stored[table.name] = frame
        return self._stored[table.name]

    def buffer(self, table: Table, parsed: Parsed) -> None:
        """Store what was parsed together with what comes next: fewer, larger commits."""
        self._waiting.append((table, parsed))
        if sum(waiting.frame.height for _, waiting in self._waiting) >= _COMMIT_ROWS:
            self.flush()

    def flush(self) -> None:
        """Store what waits, and only then log what is covered by it.

        What waits is let go of once it is stored: an interruption may come in between, and then this is called again.
        """
        while self._waiting:
            table = self._waiting[0][0]
            its = [parsed for other, parsed in self._waiting if other is table]
            frame = pl.concat([parsed.frame for parsed in its])
            self.keep(table, Parsed(frame, [row for parsed in its for row in parsed.set_aside]))
            self._waiting = [waiting for waiting in self._waiting if waiting[0] is not table]
        if self._unlogged:
            self.store.log(SYNC_LOG.conform(pl.DataFrame(self._unlogged, schema=SYNC_LOG.schema)))
            self._unlogged = []

    def keep(self, table: Table, parsed: Parsed, *, received: int | None = None) -> None:
        """Store what was parsed at once, put aside what did not fit, and count both.

        Args:
            table: The dataset.
            parsed: What was parsed.
            received: How many rows the exchange sent; None for all that were parsed.
        """
        tally = self.tally(table.name)
        tally.received += parsed.frame.height + len(parsed.set_aside) if received is None else received
        if parsed.set_aside:
            # Before the rows: a crash in between must not make a market look complete.
            tally.set_aside += self.store.quarantine(table.name, parsed.set_aside)
            self._aside.setdefault(table.name, set()).update(row.digest for row in parsed.set_aside)
        if parsed.frame.height:
            done = self.store.upsert(table, parsed.frame)
            tally.new += done.new
            tally.changed += done.changed
            if done.partitions or table.partition_by is None:
                self._stored.pop(table.name, None)

    def seen_aside(self, table: Table) -> set[str]:
        """Give the digests of the rows that this run has set aside."""
        return self._aside.get(table.name, set())

    def release_unseen(self, table: Table, tiers: Collection[str] | None = None) -> None:
        """Let go of the rows in quarantine that a whole reading did not bring again: the exchange mended them.

        Args:
            table: A dataset that is read whole at each sync.
            tiers: Only rows of these tiers, because others were not read; None for all.
        """
        seen = self.seen_aside(table)
        gone = [
            row.digest
            for row in self.store.quarantined(table.name)
            if row.digest not in seen and (tiers is None or row.tier in tiers)
        ]
        if gone:
            self.store.release(table.name, gone)

    def log(
        self,
        dataset: str,
        tier: str,
        subaccount: int,
        window: Window,
        *,
        cutoff: datetime | None = None,
        found: dict[date, int] | None = None,
    ) -> None:
        """Write down, at the next flush, that a window is complete on disk.

        Args:
            dataset: Which dataset.
            tier: Which tier answered.
            subaccount: For which subaccount.
            window: What was read to its last page.
            cutoff: The exchange's cutoff then.
            found: Rows found per UTC date; dates outside of the window are passed over.
        """
        if not self.certain:
            return
        first, last = window[0].date(), window[1].date()
        inside = {day: rows for day, rows in sorted((found or {}).items()) if first <= day <= last}
        row = {
            "run_id": self.run_id,
            "dataset": dataset,
            "tier": tier,
            "subaccount": subaccount,
            "exchange_index": ALL_SHARDS,
            "window_from": window[0],
            "window_to": window[1],
            "cutoff": cutoff,
            "rows": sum(inside.values()),
            "partitions": [{"date": day, "rows": rows} for day, rows in inside.items()],
            "finished_at": self.now,
        }
        self._unlogged.append(row)

    def log_snapshot(self, dataset: str, subaccount: int) -> None:
        """Write down that a list without time windows was read whole."""
        self.log(dataset, "snapshot", subaccount, (self.now, self.now))


async def all_of(work: Iterable[Coroutine[Any, Any, None]], *, at_once: int = 4) -> None:
    """Do pieces of work, a few at once; the first error stops the others and is raised as it is."""
    slots = asyncio.Semaphore(at_once)

    async def one(piece: Coroutine[Any, Any, None]) -> None:
        async with slots:
            await piece

    pieces = list(work)
    tasks: list[asyncio.Task[None]] = []
    try:
        async with asyncio.TaskGroup() as group:
            tasks.extend(group.create_task(one(piece)) for piece in pieces)
    except BaseExceptionGroup as errors:
        first = _first(errors)
        raise first from first.__cause__
    finally:
        for piece in pieces:
            piece.close()  # what was never begun
    if any(task.cancelled() for task in tasks):  # which a group passes over in silence
        raise asyncio.CancelledError


def _first(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
