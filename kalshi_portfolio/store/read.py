"""Reading: bytes first, under the shared lock; everything else afterwards, from memory.

A file that is replaced between planning and collecting makes a plain ``scan_parquet`` fail or, worse, return no
rows silently. So every file is opened once, read whole, and checked; what Polars decodes can no longer change.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import polars as pl
from polars.io.plugins import register_io_source

from kalshi_portfolio.errors import SchemaError, StoreError
from kalshi_portfolio.schema import VERSION
from kalshi_portfolio.store.files import Part, damaged, version_of
from kalshi_portfolio.store.layout import present
from kalshi_portfolio.store.locks import shared
from kalshi_portfolio.store.merge import day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from datetime import date
    from pathlib import Path

    from kalshi_portfolio.schema import Table

MIGRATIONS: dict[tuple[str, int], Callable[[pl.DataFrame], pl.DataFrame]] = {}
"""(table, version n) → the function that brings its rows from version n to n + 1; none for what did not change."""

_TRIES = 20
_PAUSE_SECONDS = 0.05
_FILES_AT_ONCE = 64


def parts(root: Path, table: Table, *, since: date | None = None, until: date | None = None) -> list[Part]:
    """Read the files of a dataset as they are at one instant, in order of their dates.

    Args:
        root: The data folder.
        table: Which dataset.
        since: The first partition wanted; None for the first there is.
        until: The partition after the last one wanted; None for all.

    Raises:
        StoreError: The folder cannot be locked, and kept changing while it was read.
    """
    for _ in range(_TRIES):
        with shared(root) as held:
            before = _files(root, table, since, until)
            signature = None if held else _signature(before)
            found = _contents_unless_gone(before)
            if found is not None and (held or signature == _signature(_files(root, table, since, until))):
                return found
        time.sleep(_PAUSE_SECONDS)
    raise StoreError(
        f"{root / table.name} kept changing while it was read ({_TRIES} tries). Wait for the sync to end.",
        path=root / table.name,
    )


def frame_of(
    table: Table,
    found: Sequence[Part],
    *,
    columns: Sequence[str] | None = None,
    predicate: pl.Expr | None = None,
) -> pl.DataFrame:
    """Decode files into a conforming frame.

    Args:
        table: What the rows are.
        found: The files, in order of their dates.
        columns: Which columns, in which order; None for all.
        predicate: Which rows; None for all.

    Returns:
        The rows in the table's order (snapshots of several dates: then by date).

    Raises:
        DamagedFileError: A file is not as it was written.
        SchemaVersionError: A newer version of this package wrote a file.
    """
    versions = [version_of(part, table) for part in found]
    if not found:
        lazy = table.empty().lazy()
    elif all(version == VERSION for version in versions):
        lazy = pl.scan_parquet([part.data for part in found], hive_partitioning=False)
    else:
        migrated = (_migrated(table, part, v) for part, v in zip(found, versions, strict=True))
        lazy = pl.concat(list(migrated)).lazy()
    if predicate is not None:
        lazy = lazy.filter(predicate)
    order = [*table.order, table.partition_by] if table.key_within_date and len(found) > 1 else []
    if columns is not None:
        lazy = lazy.select(list(dict.fromkeys([*columns, *(name for name in order if name)])))
    try:
        frame = lazy.collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        _blame(table, found)
        raise
    frame = frame.sort(order, maintain_order=True) if order else frame
    return frame.select(columns) if columns is not None else _conformed(table, frame, found)


def scan(root: Path, table: Table, *, since: date | None = None, until: date | None = None) -> pl.LazyFrame:
    """Give a LazyFrame that opens the files when it is collected, never earlier.

    Args:
        root: The data folder.
        table: Which dataset.
        since: The first partition wanted.
        until: The partition after the last one wanted.

    Returns:
        The rows that :func:`frame_of` gives, of the files that are there at the time of collecting.
    """

    def source(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        for batch in _batches(table, parts(root, table, since=since, until=until), whole=n_rows is None):
            frame = frame_of(table, batch, columns=with_columns, predicate=predicate)
            frame = frame if left is None else frame.head(left)
            yield frame
            left = None if left is None else left - frame.height
            if left == 0:
                return

    return register_io_source(source, schema=table.schema)


def rows_per_partition(root: Path, table: Table) -> dict[date, int]:
    """Count the rows of every partition.

    Returns:
        UTC date → rows, in order of the dates.
    """
    if table.partition_by is None:
        return {}
    frame = frame_of(table, parts(root, table), columns=[table.partition_by])
    return dict(frame.group_by(day(table).alias("date")).len().sort("date").iter_rows())


def _files(root: Path, table: Table, since: date | None, until: date | None) -> list[Path]:
    return [
        path
        for date_, path in present(root, table).items()
        if date_ is None or ((since is None or date_ >= since) and (until is None or date_ < until))
    ]


def contents(paths: Iterable[Path]) -> list[Part]:
    """Read files whole, each through one open handle.

    Raises:
        FileNotFoundError: One is not there any more.
        StoreError: One cannot be read.
    """
    try:
        return [Part(path, path.read_bytes()) for path in paths]
    except FileNotFoundError:
        raise
    except OSError as error:
        raise StoreError(
            f"{error.filename} cannot be read: {error.strerror}. Check its owner and permissions.",
            path=error.filename,
        ) from error


def _contents_unless_gone(paths: Iterable[Path]) -> list[Part] | None:
    try:
        return contents(paths)
    except FileNotFoundError:
        return None


def _signature(paths: Iterable[Path]) -> list[tuple[Path, int, int, int]] | None:
    try:
        return [(path, (s := path.stat()).st_ino, s.st_size, s.st_mtime_ns) for path in paths]
    except FileNotFoundError:
        return None


def _batches(table: Table, found: list[Part], *, whole: bool) -> Iterator[list[Part]]:
    """Split files into batches that can be decoded one by one; snapshots are sorted over all dates."""
    size = len(found) or 1 if whole or table.key_within_date else _FILES_AT_ONCE
    yield from (found[start : start + size] for start in range(0, len(found) or 1, size))


def _migrated(table: Table, part: Part, version: int) -> pl.DataFrame:
    frame = pl.read_parquet(part.data, hive_partitioning=False)
    for number in range(version, VERSION):
        step = MIGRATIONS.get((table.name, number))
        frame = frame if step is None else step(frame)
    return table.conform(frame)


def _conformed(table: Table, frame: pl.DataFrame, found: Sequence[Part]) -> pl.DataFrame:
    try:
        return table.conform(frame)
    except SchemaError:
        _blame(table, found)
        raise


def _blame(table: Table, found: Sequence[Part]) -> None:
    """Raise for the first file that cannot be read by itself; return if each can."""
    for part in found:
        try:
            table.conform(pl.read_parquet(part.data, hive_partitioning=False))
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException, SchemaError) as error:
            raise damaged(part.path, str(error).partition("\n")[0]) from error
