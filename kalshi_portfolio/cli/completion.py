"""What the Tab key offers: short lists, and the tickers of the data folder. It never fails and never prints."""

import zoneinfo
from contextlib import suppress

import typer

from kalshi_portfolio.errors import KalshiPortfolioError
from kalshi_portfolio.schema import MARKETS
from kalshi_portfolio.settings import load_settings
from kalshi_portfolio.store import Store, find_root
from kalshi_portfolio.sync import SYNCED

_GROUPS = (
    "event_ticker",
    "series_ticker",
    "category",
    "side",
    "is_taker",
    "subaccount",
    "price_bucket",
    "hour",
    "weekday",
    "result",
    "ticker",
)
_FREQUENCIES = ("1h", "1d", "1w", "1mo", "1q", "1y")
_MOST = 200
_HARMLESS = r"^[A-Za-z0-9._-]+$"  # a shell evaluates what is offered, and tickers come from outside


def tickers(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the markets ever traded, newest last close first."""
    with suppress(KalshiPortfolioError, OSError):
        root = ctx.params.get("root")
        store = Store.open(find_root(root, None if root else load_settings().data))
        found = store.read(MARKETS, columns=["ticker", "close_time"]).sort("close_time", descending=True)["ticker"]
        fitting = found.filter(found.str.starts_with(incomplete.upper()) & found.str.contains(_HARMLESS))
        return fitting.head(_MOST).to_list()
    return []


def zones(incomplete: str) -> list[str]:
    """Offer time zones."""
    return sorted(zone for zone in zoneinfo.available_timezones() if zone.startswith(incomplete))


def groups(incomplete: str) -> list[str]:
    """Offer what P&L can be grouped by."""
    return _starting([*_GROUPS, *(name for name in MARKETS.schema.names() if name not in _GROUPS)], incomplete)


def frequencies(incomplete: str) -> list[str]:
    """Offer lengths of periods."""
    return _starting(_FREQUENCIES, incomplete)


def datasets(incomplete: str) -> list[str]:
    """Offer datasets that can be synced."""
    return _starting(SYNCED, incomplete)


def _starting(words: list[str] | tuple[str, ...], incomplete: str) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
