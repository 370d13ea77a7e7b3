"""What is on disk completely, what the next sync will fetch, and what the exchange no longer lists."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from kalshi_portfolio.schema import COVERAGE, FILLS, SETTLEMENTS, SYNC_LOG
from kalshi_portfolio.store import Window, covered, gaps, union

if TYPE_CHECKING:
    from collections.abc import Iterable

    from kalshi_portfolio.store import Store

BEGINNING = datetime.fromisoformat("1970-01-01T00:00:00+00:00")

_NEVER = datetime.fromisoformat("9999-12-31T00:00:00+00:00")
_WINDOWED = ("fills", "settlements")
_NOTES = {
    "complete": None,
    "missing": "The next sync fetches it.",
    "archived": "The exchange lists these no longer. Markets of this time are settled from their fills and results.",
}
_SNAPSHOT = "Read whole at that time."


def coverage_of(store: Store) -> pl.DataFrame:
    """Lay out what a data folder covers: :func:`coverage_frame` of its sync log.

    Raises:
        StoreError: A file cannot be read; it is named.
    """
    return coverage_frame(store.coverage_log([FILLS, SETTLEMENTS]), store.read(SYNC_LOG))


def coverage_frame(log: pl.DataFrame, logged: pl.DataFrame) -> pl.DataFrame:
    """Lay the sync log out as stretches of time.

    Args:
        log: Rows of ``sync_log``, without the windows whose files are gone.
        logged: All its rows: what was complete once and is not any more is missing, also at the end.

    Returns:
        One row per stretch of a dataset and subaccount, ``schema.COVERAGE``, by dataset, subaccount and time; no
        subaccount where an endpoint answers for all at once. A stretch from 1970 reaches back to the beginning. For
        datasets that are read whole, start and end are the time of the last reading.
    """
    rows: list[dict[str, Any]] = []
    for dataset in _WINDOWED:
        for subaccount in _subaccounts(logged, dataset):
            rows.extend(_stretches(log, logged, dataset, subaccount))
    whole = log.filter(pl.col("tier") == "snapshot").group_by("dataset", "subaccount").agg(pl.col("window_to").max())
    rows.extend(_row(name, number, (at, at), "complete", _SNAPSHOT) for name, number, at in whole.rows())
    frame = pl.DataFrame(rows, schema=COVERAGE.schema) if rows else COVERAGE.empty()
    known = pl.when(pl.col("subaccount") >= 0).then("subaccount")
    return COVERAGE.conform(frame.with_columns(subaccount=known).sort(COVERAGE.order))


def unread_fills(log: pl.DataFrame, logged: pl.DataFrame, subaccounts: Iterable[int]) -> dict[int, list[Window]]:
    """Give the stretches of time whose fills have not been read.

    Args:
        log: Rows of ``sync_log``, without the windows whose files are gone.
        logged: All its rows: what was complete once and is not any more is a gap, also at the end.
        subaccounts: Those that have fills. One that the log does not know has been read of no time at all.

    Returns:
        Per subaccount, in order. What comes after the last sync is no gap.
    """
    found = {}
    for number in set(subaccounts) | set(_subaccounts(logged, "fills")):
        ends = [end for _, end in covered(logged, "fills", subaccount=number)]
        found[number] = gaps(covered(log, "fills", subaccount=number), BEGINNING, max(ends, default=_NEVER))
    return found


def positions_read(log: pl.DataFrame) -> dict[int, datetime]:
    """Say when the positions of each subaccount were last read whole."""
    whole = log.filter(pl.col("dataset") == "positions").group_by("subaccount").agg(pl.col("window_to").max())
    return dict(whole.rows())


def complete_to(coverage: pl.DataFrame) -> datetime | None:
    """Give the time up to which the fills of every subaccount are complete; None where some are missing before it."""
    fills, complete = coverage.filter(pl.col("dataset") == "fills"), pl.col("status") == "complete"
    ends = fills.group_by("subaccount").agg(
        pl.col("covered_to").filter(complete).max().alias("end"),
        pl.col("covered_from").filter(~complete).min().alias("gap"),
    )
    missing = (ends["end"].is_null() | (ends["gap"] < ends["end"])).any()
    return None if missing else latest(ends["end"], first=True)


def latest(times: pl.Series, *, first: bool = False) -> datetime | None:
    """Give the latest of some times, or the first; None if there is none."""
    found = times.min() if first else times.max()
    return found if isinstance(found, datetime) else None


def in_words(coverage: pl.DataFrame) -> tuple[str, ...]:
    """Say what is covered of one dataset; subaccounts of which the same is true are named together."""
    alike: dict[tuple[str, ...], list[int | None]] = {}
    for (number,), stretches in coverage.group_by("subaccount", maintain_order=True):
        rows = stretches.sort("covered_from").select("covered_from", "covered_to", "status").iter_rows()
        alike.setdefault(tuple(_stretch(*row) for row in rows), []).append(number if isinstance(number, int) else None)
    if len(alike) == 1:
        return next(iter(alike))
    return tuple(f"{numbers(subaccounts)}: {words}" for texts, subaccounts in alike.items() for words in texts)


def numbers(subaccounts: list[int | None]) -> str:
    """Name subaccounts; None stands for an endpoint that knows none.

    Examples:
        >>> numbers([0, 1, 2, 5]), numbers([7]), numbers([None])
        ('subaccounts 0-2, 5', 'subaccount 7', 'all subaccounts')
    """
    known = sorted(number for number in subaccounts if number is not None)
    if not known:
        return "all subaccounts"
    runs: list[list[int]] = []
    for number in known:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
    return f"subaccount{'s' if len(known) > 1 else ''} {shown}"


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


def _subaccounts(log: pl.DataFrame, dataset: str) -> list[int]:
    return sorted(log.filter(pl.col("dataset") == dataset)["subaccount"].unique().to_list())


def _stretches(log: pl.DataFrame, logged: pl.DataFrame, dataset: str, subaccount: int) -> list[dict[str, Any]]:
    kinds = {
        "complete": [
            *covered(log, dataset, subaccount=subaccount, tier="live"),
            *covered(log, dataset, subaccount=subaccount, tier="historical"),
        ],
        "archived": covered(log, dataset, subaccount=subaccount, tier="archived"),
    }
    whole = union(kinds["complete"])
    ends = [end for _, end in covered(logged, dataset, subaccount=subaccount)]
    archived = [part for window in kinds["archived"] for part in gaps(whole, *window)]
    missing = gaps([*whole, *archived], BEGINNING, max(ends, default=BEGINNING))
    stretches = {"complete": whole, "archived": archived, "missing": missing}
    return [
        _row(dataset, subaccount, window, status, _NOTES[status])
        for status, windows in stretches.items()
        for window in windows
    ]


def _row(dataset: str, number: int, window: tuple[datetime, datetime], status: str, note: str | None) -> dict[str, Any]:
    return {
        "dataset": dataset,
        "subaccount": number,
        "covered_from": window[0],
        "covered_to": window[1],
        "status": status,
        "note": note,
    }
