"""How objects show themselves: HTML that fits a notebook, words for a terminal. Pure: it knows no data and no clock.

html       Html, element, block, table, pairs, figures, entries, remarks: escaped HTML in one look, for light and dark
style      the look itself: one small sheet of CSS
sparkline  sparkline (inline SVG), blocks (text), pick: a small line of a long series
words      dollars, counted, moment, ago, clean: figures and times as people read them

A block of HTML is put together so, and what is not :class:`Html` is escaped on the way:

    >>> shown = block("My account", pairs([("net P&L", dollars(1250))]), aside="as of today")
    >>> "<td>$12.50</td>" in shown, "net P&amp;L" in shown
    (True, True)
"""

from kalshi_portfolio.display.html import (
    Heading,
    Html,
    Remark,
    block,
    code,
    element,
    entries,
    figures,
    pairs,
    remarks,
    table,
)
from kalshi_portfolio.display.sparkline import blocks, pick, sparkline
from kalshi_portfolio.display.style import STYLE
from kalshi_portfolio.display.words import (
    ago,
    aligned,
    clean,
    counted,
    dollars,
    left_out_of_held,
    moment,
    percent,
    tone,
)

__all__ = [
    "STYLE",
    "Heading",
    "Html",
    "Remark",
    "ago",
    "aligned",
    "block",
    "blocks",
    "clean",
    "code",
    "counted",
    "dollars",
    "element",
    "entries",
    "figures",
    "left_out_of_held",
    "moment",
    "pairs",
    "percent",
    "pick",
    "remarks",
    "sparkline",
    "table",
    "tone",
]
