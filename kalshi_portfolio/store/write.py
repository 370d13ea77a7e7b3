"""Writing new rows into a dataset: which partitions are read, and which change."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio.store.commit import commit
from kalshi_portfolio.store.files import encode
from kalshi_portfolio.store.layout import present, relative
from kalshi_portfolio.store.merge import day, fold, merge
from kalshi_portfolio.store.read import contents, frame_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date
    from pathlib import Path

    from kalshi_portfolio.schema import Table

_DAY, _HASH = "_day", "_hash"


@dataclass(frozen=True, slots=True)
class Upserted:
    """What came of the rows that were written.

    Attributes:
        new: Keys that were not stored before.
        changed: Keys whose stored row changed, in more than when it was seen.
        unchanged: The other keys.
        partitions: The UTC dates whose file was rewritten or removed, in order; empty for ``markets``.
    """

    new: int
    changed: int
    unchanged: int
    partitions: tuple[date, ...]


class KeyIndex:
    """Which date a key is stored under, for tables whose key holds over all dates.

    A settlement can be settled again on another day; its old row must then go. The index is built from the key
    columns at the first row that is new to its own date, kept up to date by the writer, and valid only while
    that writer holds the sync lock. It keeps 64-bit hashes: a collision costs reading one file too many.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[str, pl.DataFrame] = {}

    def dates(self, table: Table, rows: pl.DataFrame) -> set[date]:
        """Give the dates where these keys may be stored."""
        if rows.is_empty():
            return set()
        if table.name not in self._known:
            self._known[table.name] = self._built(table)
        hashes = rows.select(_hash(table))
        return set(self._known[table.name].join(hashes, on=_HASH, how="semi")[_DAY].to_list())

    def forget(self, table: Table) -> None:
        """Build the index of a table anew at its next use: the table was rewritten."""
        self._known.pop(table.name, None)

    def add(self, table: Table, rows: pl.DataFrame) -> None:
        """Note rows that were written. Dates that a key has left stay in: they cost a read, no mistake."""
        if table.name in self._known and rows.height:
            added = rows.select(_hash(table), day(table).alias(_DAY))
            self._known[table.name] = pl.concat([self._known[table.name], added], rechunk=False)

    def _built(self, table: Table) -> pl.DataFrame:
        paths = list(present(self._root, table).values())
        if not paths:
            return table.empty().select(_hash(table), day(table).alias(_DAY))
        assert table.partition_by is not None  # noqa: S101  (asked for partitioned tables only)
        keys = pl.scan_parquet(paths, hive_partitioning=False).select(*table.key, table.partition_by)
        try:
            return keys.select(_hash(table), day(table).alias(_DAY)).collect()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
            for path in paths:
                frame_of(table, contents([path]))  # names the damaged one
            raise


def upsert(root: Path, table: Table, frame: pl.DataFrame, index: KeyIndex) -> Upserted:
    """Merge rows into a dataset in one commit. The caller holds the sync lock.

    Args:
        root: The data folder.
        table: Which dataset.
        frame: Rows with at least the table's columns; keys may come twice.
        index: Where keys are stored.

    Returns:
        Counts of keys, and the dates that were rewritten. Nothing new: nothing is written.

    Raises:
        SchemaError: The rows do not conform to the table.
        DamagedFileError: A file that would have to be merged is damaged.
        StoreError: The files could not be written. Nothing was changed.
    """
    came = fold(table, table.conform(frame))
    if came.is_empty():
        return Upserted(0, 0, 0, ())
    files = present(root, table)
    dates = set(came.select(day(table)).to_series().unique().to_list())
    stored = _stored(table, files, dates)
    if table.partition_by is not None and not table.key_within_date and files.keys() - dates:
        strangers = came.join(stored, on=table.key, how="anti")
        elsewhere = index.dates(table, strangers) - dates
        stored = pl.concat([stored, _stored(table, files, elsewhere)])
    merged = merge(table, stored, came)
    replace(root, table, merged.frame, merged.dirty, files, first=merged.left)
    index.add(table, came)
    rewritten = sorted(d for d in merged.dirty if d is not None)
    return Upserted(merged.new, merged.changed, merged.unchanged, tuple(rewritten))


def replace(
    root: Path,
    table: Table,
    frame: pl.DataFrame,
    dates: Collection[date | None],
    files: Collection[date | None],
    *,
    first: Collection[date] = (),
) -> None:
    """Put rows in place of what some partitions hold, in one commit; one that is left without rows is deleted.

    Args:
        root: The data folder.
        table: Which dataset.
        frame: All rows of these partitions, in the table's order; rows of others are passed over.
        dates: Which partitions.
        files: Those that there are.
        first: Which to put in place first: where a key has left one for another, a program that reads the files
            without us may miss its row for a moment, but does not see it twice.
    """
    split = {d: rows for d, rows in by_day(table, frame).items() if d in dates}
    order = sorted(split, key=lambda d: d not in first)
    writes = [(relative(table, d), partial(encode, table, split[d])) for d in order]
    gone = [relative(table, d) for d in files if d in dates and d not in split]
    commit(root, writes, gone)


def by_day(table: Table, frame: pl.DataFrame) -> dict[date | None, pl.DataFrame]:
    """Split rows into partitions, keeping their order."""
    if table.partition_by is None:
        return {None: frame} if frame.height else {}
    dated = frame.with_columns(day(table).alias(_DAY))
    groups = dated.partition_by(_DAY, include_key=False, as_dict=True, maintain_order=True)
    return {key[0]: rows for key, rows in groups.items()}


def _stored(table: Table, files: dict[date | None, Path], dates: set[date | None] | set[date]) -> pl.DataFrame:
    return frame_of(table, contents([path for d, path in files.items() if d in dates]))


def _hash(table: Table) -> pl.Expr:
    return pl.struct(table.key).hash(seed=1).alias(_HASH)
