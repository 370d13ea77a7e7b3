"""What is on disk, dataset by dataset, in words that need no explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio.display import Heading, block, counted, moment, pairs, table
from kalshi_portfolio.errors import StoreError
from kalshi_portfolio.portfolio.coverage import complete_to, coverage_of, in_words, latest
from kalshi_portfolio.schema import COVERAGE, DATASETS, MARKETS, SYNC_LOG

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from kalshi_portfolio.schema import Table
    from kalshi_portfolio.store import Store

NOT_SYNCED = "not synced yet: kp.sync() or `kalshi-portfolio sync` fills it"
_ORDER = ("fills", "settlements", "positions", "markets", "transfers", "balances")


@dataclass(frozen=True, slots=True)
class DatasetStatus:
    """One dataset on disk.

    Attributes:
        name: Which dataset.
        rows: How many rows; None if a file cannot be read.
        synced: Whether a sync has ever read it to its end, or at least in part.
        set_aside: How many of its rows lie in quarantine.
        coverage: What is covered, in words, one text per stretch or group of subaccounts.
    """

    name: str
    rows: int | None
    synced: bool
    set_aside: int
    coverage: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """What is on disk. Shows itself in a terminal and a notebook.

    Attributes:
        root: The data folder.
        environment: Where the data come from.
        datasets: Each dataset, fills first.
        complete_to: Up to when the fills of every subaccount are complete; None before the first sync.
        last_sync: When the last sync ended, by the exchange's clock.
        syncing: Who is syncing now, if anybody.
        problems: Files that cannot be read, each with the reason.
    """

    root: Path
    environment: str
    datasets: tuple[DatasetStatus, ...]
    complete_to: datetime | None
    last_sync: datetime | None
    syncing: str | None
    problems: tuple[str, ...] = ()

    @property
    def in_quarantine(self) -> int:
        """How many rows lie in quarantine: they did not fit, are kept as sent, and are tried again at each sync."""
        return sum(dataset.set_aside for dataset in self.datasets)

    def facts(self) -> list[tuple[str, str]]:
        """Give what holds for the whole folder, as label and words."""
        return [
            ("data folder", str(self.root)),
            ("account", self.environment),
            ("complete to", moment(self.complete_to) if self.complete_to else "not complete: see below"),
            ("last sync", moment(self.last_sync) if self.last_sync else "never"),
            ("syncing now", self.syncing or "nobody"),
            (
                "quarantine",
                f"{counted(self.in_quarantine, 'row')} that did not fit" if self.in_quarantine else "no rows",
            ),
            *(("problem", problem) for problem in self.problems),
        ]

    def rows(self) -> list[tuple[str, str, str]]:
        """Give dataset, number of rows and coverage; further lines of a dataset have the last alone."""
        lines = []
        for dataset in self.datasets:
            count = "?" if dataset.rows is None else f"{dataset.rows:,}"
            for first, words in enumerate(dataset.coverage):
                lines.append((dataset.name, count, words) if not first else ("", "", words))
        return lines

    def __str__(self) -> str:
        facts = [f"{label:<12} {words}" for label, words in self.facts()]
        rows = [("dataset", "rows", "covered (UTC)"), *self.rows()]
        return "\n".join([*facts, "", *(f"{name:<12} {count:>9}  {words}".rstrip() for name, count, words in rows)])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Give two small tables for notebooks."""
        headings = [Heading("dataset"), Heading("rows", number=True), Heading("covered (UTC)")]
        return block("What is on disk", pairs(self.facts()), table(headings, self.rows(), label="datasets"))


def status_of(store: Store) -> Status:
    """Look at a data folder. A damaged file is told, not raised."""
    problems: dict[str, None] = {}
    try:
        log, coverage = store.read(SYNC_LOG), coverage_of(store)
    except StoreError as error:
        problems[str(error)] = None
        log, coverage = SYNC_LOG.empty(), COVERAGE.empty()
    holder = store.holder()
    return Status(
        root=store.root,
        environment=store.mark.environment,
        datasets=tuple(_dataset(store, DATASETS[name], coverage, problems) for name in _ORDER),
        complete_to=complete_to(coverage),
        last_sync=latest(log["finished_at"]),
        syncing=None if holder is None else str(holder),
        problems=tuple(problems),
    )


def _dataset(store: Store, table: Table, coverage: pl.DataFrame, problems: dict[str, None]) -> DatasetStatus:
    rows: int | None = None
    try:
        rows = store.read(table, columns=[table.key[0]]).height
    except StoreError as error:
        problems[str(error)] = None
    words = in_words(coverage.filter(pl.col("dataset") == table.name))
    synced = bool(words) or bool(rows)
    if not words:
        words = _read_at(store, rows) if table is MARKETS and rows else (NOT_SYNCED,)
    try:
        aside = len(store.quarantined(table.name))
    except StoreError as error:
        problems[str(error)] = None
        aside = 0
    return DatasetStatus(table.name, rows, synced, aside, words)


def _read_at(store: Store, rows: int) -> tuple[str, ...]:
    """Say when the quotes of the markets were read: the sync log has no windows for them."""
    quoted = latest(store.read(MARKETS, columns=["quoted_at"])["quoted_at"])
    return (f"as of {quoted:%Y-%m-%d %H:%M}" if quoted else f"{rows:,} without quotes",)
