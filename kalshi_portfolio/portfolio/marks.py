"""Fresh quotes for what is held."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio.client import KalshiPublicClient
from kalshi_portfolio.errors import SettingsError
from kalshi_portfolio.parse import Source, parse_markets
from kalshi_portfolio.schema import MARKETS
from kalshi_portfolio.settings import load_settings
from kalshi_portfolio.store import SIMULATED, way_to_simulated

if TYPE_CHECKING:
    from collections.abc import Callable

    from kalshi_portfolio.store import Store

_AT_ONCE = 100


def client_for(store: Store) -> Callable[[], KalshiPublicClient]:
    """Say where the quotes of a data folder come from: public data, for which no key is needed.

    Raises:
        SettingsError: The folder was synced from an address that the settings no longer name, or from no address.
    """
    environment = store.mark.environment
    if environment == SIMULATED:
        raise SettingsError(
            f"The data of {store.root} come from a simulated exchange, to which no settings lead. "
            f"{way_to_simulated(store.root)} (Portfolio(..., client=...))."
        )
    if environment in {"prod", "demo"}:
        settings = load_settings(environment=environment, api_base_url=None)
    else:
        settings = load_settings()
    if settings.environment_name != environment:
        raise SettingsError(
            f"The data of {store.root} come from '{environment}' ({store.mark.host}), but the settings name "
            f"'{settings.environment_name}'. Set KALSHI_API_BASE_URL to the address that it was synced from, or give "
            "Portfolio(..., client=...)."
        )
    return lambda: KalshiPublicClient(base_url=settings.base_url)


async def read_quotes(client: KalshiPublicClient, tickers: list[str]) -> pl.DataFrame:
    """Read the quotes of some markets.

    Returns:
        One row per market that the exchange still lists as live, ``schema.MARKETS``, without event and series.
    """
    frames = [MARKETS.empty()]
    async with client:
        for start in range(0, len(tickers), _AT_ONCE):
            batch = tickers[start : start + _AT_ONCE]
            async for page in client.pages("markets", tickers=batch):
                seen_at = client.server_time() or datetime.now(UTC)
                parsed = parse_markets([page.body], Source(seen_at))
                frames.append(parsed.frame.filter(pl.col("ticker").is_in(batch)))
    return pl.concat(frames)
