"""What is on disk, dataset by dataset, in words that need no explanation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio.errors import StoreError
from kalshi_portfolio.portfolio.coverage import BEGINNING, coverage_frame, numbers
from kalshi_portfolio.schema import DATASETS, FILLS, MARKETS, SETTLEMENTS, SYNC_LOG

if TYPE_CHECKING:
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
            ("quarantine", f"{self.in_quarantine:,} rows that did not fit" if self.in_quarantine else "no rows"),
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
        """Give two small tables for notebooks, in the notebook's own colours."""
        facts = "".join(f"<tr><td>{escape(a)}</td><td>{escape(b)}</td></tr>" for a, b in self.facts())
        rows = "".join(
            f"<tr><td>{escape(a)}</td><td style='text-align:right'>{escape(b)}</td>"
            f"<td style='text-align:left'>{escape(c)}</td></tr>"
            for a, b, c in self.rows()
        )
        head = "<tr><th>dataset</th><th>rows</th><th style='text-align:left'>covered (UTC)</th></tr>"
        return (
            f"<div><table><tbody>{facts}</tbody></table><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>"
        )


def status_of(store: Store) -> Status:
    """Look at a data folder. A damaged file is told, not raised."""
    problems: dict[str, None] = {}
    try:
        log = store.coverage_log([FILLS, SETTLEMENTS])
    except StoreError as error:
        problems[str(error)] = None
        log = SYNC_LOG.empty()
    coverage = coverage_frame(log)
    holder = store.holder()
    return Status(
        root=store.root,
        environment=store.mark.environment,
        datasets=tuple(_dataset(store, DATASETS[name], coverage, problems) for name in _ORDER),
        complete_to=complete_to(coverage),
        last_sync=_latest(log["finished_at"]),
        syncing=None if holder is None else str(holder),
        problems=tuple(problems),
    )


def complete_to(coverage: pl.DataFrame) -> datetime | None:
    """Give the time up to which the fills of every subaccount are complete; None where some are missing before it."""
    fills = coverage.filter(pl.col("dataset") == "fills")
    ends = fills.group_by("subaccount").agg(pl.col("covered_to").max())["covered_to"]
    earliest = ends.min()
    missing = (fills["status"] != "complete").any()
    return earliest if isinstance(earliest, datetime) and not missing else None


def moment(at: datetime) -> str:
    """Write a time as people read it.

    Examples:
        >>> from datetime import UTC, datetime
        >>> moment(datetime(2026, 11, 20, 16, 59, tzinfo=UTC))
        '2026-11-20 16:59 UTC'
    """
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _latest(times: pl.Series) -> datetime | None:
    latest = times.max()
    return latest if isinstance(latest, datetime) else None


def _dataset(store: Store, table: Table, coverage: pl.DataFrame, problems: dict[str, None]) -> DatasetStatus:
    rows: int | None = None
    try:
        rows = store.read(table, columns=[table.key[0]]).height
    except StoreError as error:
        problems[str(error)] = None
    words = _words(coverage.filter(pl.col("dataset") == table.name))
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
    quoted = _latest(store.read(MARKETS, columns=["quoted_at"])["quoted_at"])
    return (f"as of {quoted:%Y-%m-%d %H:%M}" if quoted else f"{rows:,} without quotes",)


def _words(coverage: pl.DataFrame) -> tuple[str, ...]:
    """Say what is covered; subaccounts of which the same is true are named together."""
    alike: dict[tuple[str, ...], list[int]] = {}
    for (subaccount,), stretches in coverage.group_by("subaccount", maintain_order=True):
        rows = stretches.sort("covered_from").select("covered_from", "covered_to", "status").iter_rows()
        alike.setdefault(tuple(_stretch(*row) for row in rows), []).append(int(str(subaccount)))
    if len(alike) == 1:
        return next(iter(alike))
    return tuple(f"{numbers(subaccounts)}: {words}" for texts, subaccounts in alike.items() for words in texts)


def _stretch(start: datetime, end: datetime, status: str) -> str:
    if start == end:
        return f"as of {end:%Y-%m-%d %H:%M}"
    begin = "the beginning" if start <= BEGINNING else f"{start:%Y-%m-%d %H:%M}"
    words = f"from {begin} to {end:%Y-%m-%d %H:%M}"
    if status == "missing":
        return f"missing {words}: the next sync fetches it"
    if status == "archived":
        return f"{words}: rebuilt from fills and results (no longer listed)"
    return words
