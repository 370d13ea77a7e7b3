"""A long series as a small line: inline SVG for a notebook, eight heights of blocks for a terminal."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from kalshi_portfolio.display.html import Html, element

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    Number = Decimal | int

MOST_POINTS = 120

_WIDTH, _HEIGHT, _EDGE = 480, 64, 3
_BLOCKS = "▁▂▃▄▅▆▇█"


def pick(values: Sequence[Number], most: int = MOST_POINTS) -> list[int]:
    """Choose the points of a series that keep its shape: the first, the last, and each stretch's lowest and highest.

    Nothing is computed but which value is greater, so that every point drawn is one of the series.

    Args:
        values: The series.
        most: How many points at most; at least 4.

    Returns:
        Positions in the series, rising.

    Examples:
        >>> pick([0, 9, 1, 2, 3, -5, 4, 5], most=4)
        [0, 1, 5, 7]
    """
    if len(values) <= most:
        return list(range(len(values)))
    stretches = (most - 2) // 2
    inner = len(values) - 2
    edges = [1 + inner * number // stretches for number in range(stretches + 1)]
    chosen = {0, len(values) - 1}
    for start, end in pairwise(edges):
        chosen.add(min(range(start, end), key=values.__getitem__))
        chosen.add(max(range(start, end), key=values.__getitem__))
    return sorted(chosen)


def sparkline(values: Sequence[Number], *, label: str) -> Html:
    """Draw a series as a small line with a dashed line at 0, in the colour of the text around it.

    Args:
        values: The series, evenly spaced; at least two values, else nothing is drawn.
        label: What the picture shows, in words: the alternative for those who do not see it.

    Returns:
        An ``<svg>`` as wide as its place; an empty text where there is nothing to draw.

    Examples:
        >>> picture = sparkline([0, 5, -3, 8], label="P&L rose to $8")
        >>> 'role="img"' in picture, "<title>P&amp;L rose to $8</title>" in picture
        (True, True)
    """
    if len(values) < 2:  # noqa: PLR2004  (a line has two ends)
        return Html("")
    low, high = min(*values, 0), max(*values, 0)
    span = float(high - low) or 1.0

    def place(number: int) -> str:
        x = number * _WIDTH / (len(values) - 1)
        return f"{x:.1f} {height(values[number]):.1f}"

    def height(value: Number) -> float:
        return _EDGE + float(high - value) / span * (_HEIGHT - 2 * _EDGE)

    zero = f"{height(0):.1f}"
    points = [place(number) for number in pick(values)]
    line = "M" + "L".join(points)
    area = f"{line}L{_WIDTH} {zero}L0 {zero}Z"
    return element(
        "svg",
        element("title", label),
        element("path", d=area, fill="currentColor", fill_opacity="0.1", stroke="none"),
        element("path", d=f"M0 {zero}H{_WIDTH}", **_STROKE, stroke_width="1", stroke_dasharray="3 3", opacity="0.5"),
        element("path", d=line, **_STROKE, stroke_width="1.5", stroke_linejoin="round"),
        cls="kp-line",
        role="img",
        aria_label=label,
        viewBox=f"0 0 {_WIDTH} {_HEIGHT}",
        preserveAspectRatio="none",
        width="100%",
        height=str(_HEIGHT),
    )


_STROKE = {"fill": "none", "stroke": "currentColor", "vector_effect": "non-scaling-stroke"}


def blocks(values: Sequence[Number], width: int = 32) -> str:
    """Draw a series as a line of blocks, for a terminal: the end of each stretch, from the lowest to the highest.

    Examples:
        >>> blocks([0, 1, 2, 3, 4, 5, 6, 7])
        '▁▂▃▄▅▆▇█'
        >>> blocks([])
        ''
    """
    count = min(len(values), width)
    ends = [values[len(values) * (number + 1) // count - 1] for number in range(count)]
    if not ends:
        return ""
    low, span = min(ends), float(max(ends) - min(ends)) or 1.0
    top = len(_BLOCKS) - 1
    return "".join(_BLOCKS[round(float(value - low) / span * top)] for value in ends)
