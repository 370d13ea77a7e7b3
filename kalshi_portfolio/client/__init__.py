"""The exchange's API over HTTP: signing, pacing, retrying, paging. It gives raw rows and judges none.

``endpoints`` declares what there is to ask, ``answers`` tells answers from errors, ``session`` sends requests,
``public`` and ``signed`` are the two clients.
"""

from __future__ import annotations

from kalshi_portfolio.client.answers import Page
from kalshi_portfolio.client.endpoints import ENDPOINTS, Endpoint
from kalshi_portfolio.client.pace import Stats
from kalshi_portfolio.client.public import KalshiPublicClient
from kalshi_portfolio.client.signed import KalshiClient

__all__ = ["ENDPOINTS", "Endpoint", "KalshiClient", "KalshiPublicClient", "Page", "Stats"]
