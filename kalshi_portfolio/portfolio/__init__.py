"""The portfolio of an account: its datasets and the frames that are computed from them.

portfolio   Portfolio: trades, lots, positions, P&L         datasets   what the exchange reported, as it is on disk
links       linking, kept until something on disk changes   filters    tickers and bounds in time
tickers     tickers that nothing on disk has, and near ones coverage   what is complete and what is missing
status      the same in words; rows, last sync, quarantine  kept       something computed, until the disk changes
look        the figures of a portfolio's card               card       the card; `advice` says what is missing and next
views       frames that show themselves                     shown      the words in which they do
checks      reconciling what is on disk
"""

from kalshi_portfolio.display import dollars
from kalshi_portfolio.portfolio.portfolio import Portfolio
from kalshi_portfolio.portfolio.status import Status

__all__ = ["Portfolio", "Status", "dollars"]
