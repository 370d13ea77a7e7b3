"""API rows, of today's shape and of every older one, become conforming frames; what does not fit is set aside."""

from kalshi_portfolio.parse.batch import Parsed, SetAside, Source, parse_times
from kalshi_portfolio.parse.fills import parse_fills
from kalshi_portfolio.parse.markets import parse_events, parse_markets
from kalshi_portfolio.parse.portfolio import parse_balances, parse_positions, parse_settlements
from kalshi_portfolio.parse.transfers import KINDS, parse_transfers

__all__ = [
    "KINDS",
    "Parsed",
    "SetAside",
    "Source",
    "parse_balances",
    "parse_events",
    "parse_fills",
    "parse_markets",
    "parse_positions",
    "parse_settlements",
    "parse_times",
    "parse_transfers",
]
