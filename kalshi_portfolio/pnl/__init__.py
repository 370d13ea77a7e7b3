"""Profit and loss: what open positions are worth, what was realised, and how the account went. Pure."""

from kalshi_portfolio.pnl.equity import equity
from kalshi_portfolio.pnl.group import pnl
from kalshi_portfolio.pnl.marks import MARKS, mark
from kalshi_portfolio.pnl.summary import summary

__all__ = ["MARKS", "equity", "mark", "pnl", "summary"]
