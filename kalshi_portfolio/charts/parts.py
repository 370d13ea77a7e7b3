"""What several charts are built from: data, axes, tooltips, the zero line, the chart that has nothing to show."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import altair as alt
import polars as pl

from kalshi_portfolio.charts.canvas import Layered, dressed
from kalshi_portfolio.charts.style import GROUPS, HEIGHT, INK, REST, WIDTH
from kalshi_portfolio.charts.words import safe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MONEY = "$,.2f"
_MONEY_AXIS = "$,.2~f"
_Tick: TypeAlias = tuple[Literal["day", "week", "month", "year"] | None, int, str]
_TICKS: tuple[tuple[float, _Tick], ...] = (
    (1 / 6, (None, 5, "%H:%M:%S")),
    (24, (None, 6, "%H:%M")),
    (24 * 2.5, (None, 6, "%-d %b %H:%M")),
    (24 * 9, ("day", 1, "%-d %b")),
    (24 * 24, ("day", 3, "%-d %b")),
    (24 * 100, ("week", 2, "%-d %b")),
    (24 * 270, ("month", 1, "%b %Y")),
    (24 * 500, ("month", 2, "%b %Y")),
    (24 * 366 * 2.2, ("month", 3, "%b %Y")),
    (24 * 366 * 5.2, ("month", 6, "%b %Y")),
)
"""Up to how many hours an axis has a tick every so often (or so many ticks), and how it is written."""
_YEARS: _Tick = ("year", 1, "%Y")


def inline(rows: pl.DataFrame | Iterable[dict[str, Any]]) -> alt.InlineData:
    """Give rows as data that the chart carries with it, whatever Altair's data transformer and row limit are.

    Dates and times become text in UTC, which every place draws alike; text stays text; what is null is left out.
    """
    listed = rows.to_dicts() if isinstance(rows, pl.DataFrame) else rows
    values = [{name: _plain(value) for name, value in row.items() if value is not None} for row in listed]
    return alt.InlineData(values=values)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return f"{value.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"
    if isinstance(value, str):
        return safe(value)
    return value.isoformat() if isinstance(value, date) else value


def money_axis(title: str | None = None, **more: Any) -> alt.Axis:
    """Give an axis of dollars."""
    return alt.Axis(
        title=title,
        format=_MONEY_AXIS,
        labelOverlap=True,
        tickCount=6,
        domain=False,
        ticks=False,
        labelSeparation=8,
        **more,
    )


def time_axis(first: date, last: date) -> alt.Axis:
    """Give an axis of time whose labels suit its length."""
    hours = (last - first).total_seconds() / 3600
    unit, step, fmt = next((tick for most, tick in _TICKS if hours <= most), _YEARS)
    every = step if unit is None else alt.TimeIntervalStep(interval=unit, step=step)
    within = isinstance(first, datetime) and isinstance(last, datetime) and first.date() == last.date()
    title = f"{first.day} {first:%b %Y}" if within else None  # the labels say the hour alone
    return alt.Axis(
        title=title, grid=False, format=fmt, tickCount=every, labelOverlap=True, labelSeparation=8, labelFlush=False
    )


def time_x(frame: pl.DataFrame, field: str = "period", last: str | None = None, *, padding: float = 0) -> alt.X:
    """Give the axis of time for a column of dates or times."""
    first, final = frame[field].min(), frame[last or field].max()
    assert isinstance(first, date) and isinstance(final, date)  # noqa: S101, PT018  (empty frames do not come here)
    return alt.X(f"{field}:T", scale=alt.Scale(type="utc", nice=False, padding=padding), axis=time_axis(first, final))


def tip(field: str, title: str, fmt: str | None = None) -> alt.Tooltip:
    """Give one line of a tooltip; numbers need a format."""
    return alt.Tooltip(f"{field}:N", title=title) if fmt is None else alt.Tooltip(f"{field}:Q", title=title, format=fmt)


def zero(channel: str = "y") -> alt.Chart:
    """Give the line at zero of an axis."""
    line: alt.Chart = alt.Chart(inline([{"zero": 0}])).mark_rule(color=INK, opacity=0.5, aria=False)
    return line.encode(x=alt.X("zero:Q")) if channel == "x" else line.encode(y=alt.Y("zero:Q"))


def colours(ranks: Sequence[tuple[str, int]]) -> alt.Scale:
    """Give the scale of groups: names with how many groups each stands for, the largest first."""
    named = [*GROUPS, *GROUPS][: len(ranks)]
    return alt.Scale(
        domain=[name for name, _ in ranks],
        range=[REST if groups > 1 else colour for (_, groups), colour in zip(ranks, named, strict=True)],
    )


def nothing(title: str, hint: str, short: str = "") -> Layered:
    """Give the chart of an empty frame: it says what to do."""
    words = alt.Chart(inline([{"words": hint}])).mark_text(color=INK, fontSize=13, limit=WIDTH - 40)
    frame = alt.Chart(inline([{}])).mark_rect(fill=None, stroke=INK, strokeOpacity=0.3, strokeDash=[4, 4], aria=False)
    return Layered(
        layer=[frame, words.encode(text=alt.Text("words:N"))],
        width=WIDTH,
        height=HEIGHT // 2,
        **dressed(title, [short], " ".join(part for part in (f"{title}: an empty chart. {hint}", short) if part)),
    )
