"""Charts: frames in, Altair charts out. Nothing is computed here; what a chart shows, a pure part has added up.

Importing this package loads Altair, so import it where a chart is drawn. Every chart carries its data with it, in
dollars and cents, and its alternative text; it is drawn without a network, and the same input gives the same JSON.
Text and grid lines take the colour of the page around them, so that a chart can be read on light and dark.

Every function takes ``unknown``, how many lots (or positions) without a known P&L are left out, which the subtitle
then says; and ``hint``, what an empty chart tells people to do.
"""

from kalshi_portfolio.charts.bars import bars
from kalshi_portfolio.charts.calendar import calendar
from kalshi_portfolio.charts.course import drawdown, equity
from kalshi_portfolio.charts.distribution import distribution
from kalshi_portfolio.charts.exposure import exposure
from kalshi_portfolio.charts.periods import fees, periods
from kalshi_portfolio.charts.position import position
from kalshi_portfolio.charts.render import png, svg
from kalshi_portfolio.charts.words import NOTHING

__all__ = [
    "NOTHING",
    "bars",
    "calendar",
    "distribution",
    "drawdown",
    "equity",
    "exposure",
    "fees",
    "periods",
    "png",
    "position",
    "svg",
]
