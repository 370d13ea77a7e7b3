"""Which stretches of time are covered: pure arithmetic on the rows of ``sync_log``.

Windows are half-open, ``[from, to)``, in UTC. A row of the log says that one question (dataset, tier,
subaccount, shard) was answered to its last page over one window, and how many rows were found on each UTC date.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from kalshi_portfolio.schema import SYNC_LOG

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

Window: TypeAlias = tuple[datetime, datetime]
"""A stretch of time, UTC: start inclusive, end exclusive."""

ALL_SHARDS = -1
_QUESTION = ("dataset", "tier", "subaccount", "exchange_index")
_SNAPSHOT = "snapshot"


def union(windows: Iterable[Window]) -> list[Window]:
    """Merge windows that overlap or adjoin.

    Returns:
        Disjoint windows with time between them, in order; windows without length are left out.

    Examples:
        >>> from datetime import datetime, UTC
        >>> a, b, c = (datetime(2026, 1, d, tzinfo=UTC) for d in (1, 2, 3))
        >>> union([(b, c), (a, b), (c, c)]) == [(a, c)]
        True
    """
    merged: list[Window] = []
    for start, end in sorted(w for w in windows if w[0] < w[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def gaps(covered: Iterable[Window], start: datetime, end: datetime) -> list[Window]:
    """Give what of ``[start, end)`` is not covered.

    Args:
        covered: Windows in any order.
        start: Inclusive.
        end: Exclusive.

    Returns:
        The missing windows, in order.

    Examples:
        >>> from datetime import datetime, UTC
        >>> a, b, c, d = (datetime(2026, 1, n, tzinfo=UTC) for n in (1, 2, 3, 4))
        >>> gaps([(b, c)], a, d) == [(a, b), (c, d)]
        True
    """
    inside = [(max(a, start), min(b, end)) for a, b in covered]
    edges = [(start, start), *union(inside), (end, end)]
    return [(before[1], after[0]) for before, after in pairwise(edges) if before[1] < after[0]]


def covered(
    log: pl.DataFrame,
    dataset: str,
    *,
    subaccount: int,
    exchange_index: int = ALL_SHARDS,
    tier: str | None = None,
) -> list[Window]:
    """Give the windows over which a question has been answered.

    Args:
        log: Rows of ``sync_log``; pass them through :func:`reopened` first.
        dataset: Which dataset.
        subaccount: The subaccount asked for.
        exchange_index: The shard. A window that covers all shards (-1) covers each of them.
        tier: ``live`` or ``historical``; None takes either.

    Returns:
        Disjoint windows, in order.
    """
    rows = log.filter(
        pl.col("dataset") == dataset,
        pl.col("subaccount") == subaccount,
        pl.col("exchange_index").is_in([ALL_SHARDS, exchange_index]),
        pl.lit(value=True) if tier is None else pl.col("tier") == tier,
    )
    return union(rows.select("window_from", "window_to").iter_rows())


def reopened(log: pl.DataFrame, present: Mapping[str, Collection[date]]) -> pl.DataFrame:
    """Cut out of the log's windows every UTC day whose rows are no longer on disk.

    Args:
        log: Rows of ``sync_log``.
        present: Dataset → the dates that have a file. A dataset that is not named here is left alone.

    Returns:
        The log; a window that found rows on a date without a file comes without that day, in pieces.
    """
    kept: list[dict[str, Any]] = []
    for row in log.iter_rows(named=True):
        missing = _missing(row, present)
        if not missing:
            kept.append(row)
            continue
        days = (_whole_day(day) for day in missing)
        pieces = gaps(days, row["window_from"], row["window_to"])
        left = [part for part in row["partitions"] if part["date"] not in missing]
        kept.extend(_cut(row, piece, left) for piece in pieces)
    return pl.DataFrame(kept, schema=SYNC_LOG.schema) if kept else SYNC_LOG.empty()


def compact_log(log: pl.DataFrame) -> pl.DataFrame:
    """Say the same in few rows: adjoining and overlapping windows of one question become one.

    Args:
        log: Rows of ``sync_log``.

    Returns:
        A log that covers the same windows. Of snapshots, only the latest of each question is kept. Where a file
        is missing, a merged row reopens its whole day, as the widest of its rows would have.
    """
    rows: list[dict[str, Any]] = []
    unsure = pl.col("cutoff").is_null().alias("_unsure")  # what was read before a cutoff was known says less
    for (_, tier, *_rest), group in log.group_by(*_QUESTION, unsure, maintain_order=True):
        ordered = group.sort("finished_at", "run_id", "window_from").to_dicts()
        rows.extend(ordered[-1:] if tier == _SNAPSHOT else _merged(ordered))
    return pl.DataFrame(rows, schema=SYNC_LOG.schema).sort(SYNC_LOG.order) if rows else SYNC_LOG.empty()


def _missing(row: dict[str, Any], present: Mapping[str, Collection[date]]) -> set[date]:
    there = present.get(row["dataset"])
    if there is None:
        return set()
    return {part["date"] for part in row["partitions"] if part["rows"] > 0 and part["date"] not in there}


def _whole_day(day: date) -> Window:
    start = datetime.combine(day, time(), UTC)
    return start, start + timedelta(days=1)


def _cut(row: dict[str, Any], piece: Window, partitions: list[dict[str, Any]]) -> dict[str, Any]:
    start, end = piece
    inside = [p for p in partitions if start < _whole_day(p["date"])[1] and _whole_day(p["date"])[0] < end]
    found = sum(part["rows"] for part in inside)
    return row | {"window_from": start, "window_to": end, "partitions": inside, "rows": found}


def _merged(ordered: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Merge the rows of one question, which come in the order in which they were finished."""
    result = []
    for window in union((row["window_from"], row["window_to"]) for row in ordered):
        inside = [r for r in ordered if window[0] <= r["window_from"] and r["window_to"] <= window[1]]
        claims = _claims(inside)
        cutoffs = [row["cutoff"] for row in inside if row["cutoff"] is not None]
        result.append(
            inside[-1]
            | {"window_from": window[0], "window_to": window[1], "cutoff": max(cutoffs, default=None)}
            | {"rows": sum(claims.values()), "partitions": _listed(claims)}
        )
    return result


def _claims(rows: list[dict[str, Any]]) -> dict[date, int]:
    """Say how many rows each date should have: the latest full answer for it, or more of a later partial one."""
    claims: dict[date, int] = {}
    for row in rows:
        found = {part["date"]: part["rows"] for part in row["partitions"]}
        full = {day for day in claims if _within(_whole_day(day), row)}
        claims = {day: n for day, n in claims.items() if day not in full}
        claims |= {day: n if day in full else max(n, claims.get(day, 0)) for day, n in found.items()}
    return {day: n for day, n in claims.items() if n > 0}


def _within(window: Window, row: dict[str, Any]) -> bool:
    start, end = row["window_from"], row["window_to"]
    return bool(start <= window[0] and window[1] <= end)


def _listed(claims: dict[date, int]) -> list[dict[str, Any]]:
    return [{"date": day, "rows": claims[day]} for day in sorted(claims)]
