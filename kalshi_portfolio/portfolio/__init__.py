"""The portfolio of an account: its datasets and the frames that are computed from them.

portfolio   Portfolio: trades, lots, positions, P&L        datasets   what the exchange reported, as it is on disk
links       linking, kept until something on disk changes  filters    tickers and bounds in time
coverage    what is complete and what is missing           status     the same in words; rows, last sync, quarantine
card        how a portfolio shows itself
"""

from kalshi_portfolio.portfolio.card import dollars
from kalshi_portfolio.portfolio.portfolio import Portfolio
from kalshi_portfolio.portfolio.status import Status

__all__ = ["Portfolio", "Status", "dollars"]
