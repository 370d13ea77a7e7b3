"""Profit and loss: what open positions are worth, what was realised, and how the account went. Pure."""

from kalshi_portfolio.pnl.days import calendar
from kalshi_portfolio.pnl.equity import equity
from kalshi_portfolio.pnl.exposure import exposure
from kalshi_portfolio.pnl.group import pnl, zone
from kalshi_portfolio.pnl.histogram import histogram
from kalshi_portfolio.pnl.marks import MARKS, mark
from kalshi_portfolio.pnl.path import Path, path
from kalshi_portfolio.pnl.ranking import ranked, stacked
from kalshi_portfolio.pnl.span import fitting_freq, unknown_lots, unknown_positions
from kalshi_portfolio.pnl.standing import best, held_sums, largest_held, of_period, worst
from kalshi_portfolio.pnl.summary import summary

__all__ = [
    "MARKS",
    "Path",
    "best",
    "calendar",
    "equity",
    "exposure",
    "fitting_freq",
    "held_sums",
    "histogram",
    "largest_held",
    "mark",
    "of_period",
    "path",
    "pnl",
    "ranked",
    "stacked",
    "summary",
    "unknown_lots",
    "unknown_positions",
    "worst",
    "zone",
]
