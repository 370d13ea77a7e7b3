"""Which windows of time to ask for: pure arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

Window = tuple[datetime, datetime]
"""A stretch of time, UTC: start inclusive, end exclusive."""

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""The start of a window without a start: such a window is asked for without ``min_ts``."""

_FIRST_MARKET = datetime(2021, 6, 1, tzinfo=UTC)  # the exchange opened to the public in July 2021
_MOST_PIECES = 30
_MONTHS_OF = (12, 3, 1)
_STEPS = (timedelta(days=7), timedelta(days=1), timedelta(hours=3))
_DECEMBER = 12


def clip(windows: list[Window], start: datetime, end: datetime) -> list[Window]:
    """Give the parts of windows that lie in ``[start, end)``; empty ones are left out.

    Examples:
        >>> day = [datetime(2026, 1, d, tzinfo=UTC) for d in range(1, 5)]
        >>> clip([(day[0], day[2])], day[1], day[3]) == [(day[1], day[2])]
        True
    """
    inside = ((max(a, start), min(b, end)) for a, b in windows)
    return [(a, b) for a, b in inside if a < b]


def split(window: Window) -> list[Window]:
    """Cut a window along the calendar into pieces that are read, and resumed, on their own.

    Args:
        window: What to cut. Time before the exchange's first market belongs to the first piece.

    Returns:
        At most about 30 adjoining pieces: years, quarters, months, weeks, days or hours, the finest that gives
        so few; the window itself where it is shorter than three hours.

    Examples:
        >>> [f"{a:%y-%m}" for a, _ in split((BEGINNING, datetime(2022, 5, 15, tzinfo=UTC)))][:4]
        ['70-01', '21-07', '21-08', '21-09']
    """
    start, end = max(window[0], _FIRST_MARKET), window[1]
    if start >= end:
        return [window]
    best = [window]
    for edges in (*(_months(start, end, n) for n in _MONTHS_OF), *(_steps(start, end, s) for s in _STEPS)):
        if len(edges) + 1 > _MOST_PIECES:
            break
        bounds = [window[0], *edges, end]
        best = list(pairwise(bounds))
    return best


def _months(start: datetime, end: datetime, every: int) -> list[datetime]:
    edges = []
    year, month = start.year, 1
    while (edge := datetime(year, month, 1, tzinfo=UTC)) < end:
        if edge > start:
            edges.append(edge)
        month += every
        if month > _DECEMBER:
            year, month = year + 1, month - _DECEMBER
    return edges


def _steps(start: datetime, end: datetime, step: timedelta) -> list[datetime]:
    first = BEGINNING + ((start - BEGINNING) // step + 1) * step
    count = max(-(-(end - first) // step), 0)
    if count > _MOST_PIECES:
        return [first] * count
    return [first + n * step for n in range(count)]


def widened(window: Window) -> dict[str, int | None]:
    """Give the query of a window: a second more on both sides, since it is not documented which ends are inclusive.

    Returns:
        ``min_ts`` (None for a window without a start) and ``max_ts``, in Unix seconds.
    """
    start, end = window
    min_ts = None if start <= BEGINNING else int(start.timestamp()) - 1
    return {"min_ts": min_ts, "max_ts": int(end.timestamp()) + 2}
