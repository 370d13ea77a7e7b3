"""Pull a Kalshi account into deduplicated Parquet and link its trades to positions.

    >>> import kalshi_portfolio as kp
    >>> pf = kp.demo()                      # or kp.sync() and kp.Portfolio() for your own account
    >>> trades = pf.trades()                # every fill, linked to its position
    >>> held = pf.positions(status="open")  # entry, mark, unrealised P&L
    >>> monthly = pf.pnl(by="category", freq="1mo", tz="America/New_York")

What is exported here is the public interface; everything else may change.
"""

from kalshi_portfolio import errors, schema
from kalshi_portfolio.client import KalshiClient, KalshiPublicClient
from kalshi_portfolio.demo import demo, demo_connection
from kalshi_portfolio.doctor import doctor
from kalshi_portfolio.errors import KalshiPortfolioError
from kalshi_portfolio.money import dollars
from kalshi_portfolio.portfolio import Portfolio
from kalshi_portfolio.settings import Settings, load_settings
from kalshi_portfolio.store import Store
from kalshi_portfolio.sync import (
    Connection,
    PortfolioSyncer,
    SyncReport,
    sync,
    sync_balances,
    sync_fills,
    sync_markets,
    sync_positions,
    sync_settlements,
    sync_transfers,
)

__version__ = "0.1.0"

__all__ = [
    "Connection",
    "KalshiClient",
    "KalshiPortfolioError",
    "KalshiPublicClient",
    "Portfolio",
    "PortfolioSyncer",
    "Settings",
    "Store",
    "SyncReport",
    "__version__",
    "demo",
    "demo_connection",
    "doctor",
    "dollars",
    "errors",
    "load_settings",
    "schema",
    "sync",
    "sync_balances",
    "sync_fills",
    "sync_markets",
    "sync_positions",
    "sync_settlements",
    "sync_transfers",
]
