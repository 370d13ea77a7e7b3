"""What the exchange says: whether it is there, whose clock is off, and what the key may do."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from kalshi_portfolio.client import KalshiClient
from kalshi_portfolio.doctor.findings import Finding
from kalshi_portfolio.errors import (
    ApiError,
    AuthenticationError,
    ConnectionFailedError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
)
from kalshi_portfolio.parse import parse_times

if TYPE_CHECKING:
    from kalshi_portfolio.client import KalshiPublicClient

_NO_ANSWER = (ApiError, ConnectionFailedError, ProtocolError)
_REFUSED = (NotFoundError, PermissionDeniedError)
_CHECK_NETWORK = "Check the network, a proxy (HTTPS_PROXY) and KALSHI_API_BASE_URL. --offline leaves the exchange out."
_CLOCK_SECONDS = 5.0
_LATE_SECONDS = 900.0
_TOKENS_PER_REQUEST = 10
_MAKE_READ_KEY = "Make a key with the scope 'read' on kalshi.com, and use it here."


async def examine_exchange(client: KalshiPublicClient, name: str) -> list[Finding]:
    """Ask the exchange, in a handful of requests.

    Args:
        client: Not open yet; one without a key is asked what everybody may know.
        name: What to call the exchange.

    Returns:
        Findings; nothing is raised for an exchange that does not answer.
    """
    async with client:
        there = await _reached(client, name)
        if there.state == "fail":
            return [there]
        findings = [there, await _fresh(client), _clock(client)]
        if isinstance(client, KalshiClient):
            findings += await _key(client)
        return findings


async def _reached(client: KalshiPublicClient, name: str) -> Finding:
    try:
        status = await client.get_exchange_status()
        began = time.perf_counter()
        await client.get_exchange_status()  # again: the first had to connect
    except _NO_ANSWER as error:
        return Finding("exchange", "reachable", f"{name} does not answer: {error}", "fail", _CHECK_NETWORK)
    taken = f"{name} answers in {(time.perf_counter() - began) * 1000:.0f} ms"
    if status.get("exchange_active") is False:
        return Finding("exchange", "reachable", f"{taken}, and says that it is down", "warn", "Sync again later.")
    paused = " (trading is paused)" if status.get("trading_active") is False else ""
    return Finding("exchange", "reachable", taken + paused)


async def _fresh(client: KalshiPublicClient) -> Finding:
    """Say up to when the exchange's answers are complete."""
    try:
        text = (await client.get_user_data_timestamp()).get("as_of_time")
    except _NO_ANSWER as error:
        return Finding("exchange", "data up to", f"not told: {error}", "warn", "A sync goes by the clock instead.")
    at = parse_times(pl.Series([text if isinstance(text, str) else None], dtype=pl.String)).item()
    now = client.server_time()
    if not isinstance(at, datetime):
        return Finding("exchange", "data up to", "not told", "warn", "A sync goes by the exchange's clock instead.")
    words = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    if now is not None and (now - at).total_seconds() > _LATE_SECONDS:
        late = f"{words}, {(now - at).total_seconds() / 60:,.0f} minutes ago"
        return Finding("exchange", "data up to", late, "warn", "The exchange lags behind: sync again later.")
    return Finding("exchange", "data up to", words)


def _clock(client: KalshiPublicClient) -> Finding:
    error = client.clock_error
    if error is None:
        return Finding(
            "exchange", "clock", "the exchange did not tell its time", "warn", "Check this computer's clock."
        )
    if abs(error) <= 1:
        return Finding("exchange", "clock", "equals the exchange's to a second")
    words = f"{abs(error):,.0f} s {'behind' if error > 0 else 'ahead of'} the exchange's"
    if abs(error) <= _CLOCK_SECONDS:
        return Finding("exchange", "clock", words)
    advice = "Set this computer's clock, best by network time. Until then requests are signed by the exchange's time."
    return Finding("exchange", "clock", words, "warn", advice)


async def _key(client: KalshiClient) -> list[Finding]:
    try:
        limits: dict[str, Any] | None = await client.get_account_limits()
    except _REFUSED:
        limits = None
    except AuthenticationError as error:
        return [Finding("exchange", "key", f"not accepted: {error}", "fail", "Check id, key, environment and clock.")]
    except _NO_ANSWER as error:
        return [Finding("exchange", "key", f"could not be tried: {error}", "fail", "Try again later.")]
    return [await _accepted(client, limits), await _permissions(client), *_limit(limits)]


async def _accepted(client: KalshiClient, limits: dict[str, Any] | None) -> Finding:
    """Try the key on the fills: that is what it is for."""
    try:
        await client.get_fills(limit=1)
    except _NO_ANSWER as error:
        return Finding("exchange", "key", f"cannot read the fills: {error}", "fail", _MAKE_READ_KEY)
    return Finding("exchange", "key", "accepted" if limits else "accepted, but restricted")


async def _permissions(client: KalshiClient) -> Finding:
    try:
        keys = (await client.get_api_keys())["api_keys"]
    except _REFUSED:
        return Finding("exchange", "permissions", "the exchange does not tell: a restricted key may not ask")
    except _NO_ANSWER as error:
        return Finding("exchange", "permissions", f"not told: {error}", "warn", "Try again later.")
    own = next((k for k in keys if isinstance(k, dict) and client.is_own_key(str(k.get("api_key_id")))), None)
    if own is None:
        return Finding("exchange", "permissions", "the exchange does not list this key")
    scopes = [scope for scope in own.get("scopes") or [] if isinstance(scope, str)]
    number = own.get("subaccount")
    words = f"{', '.join(scopes) or 'no scopes listed'}{'' if number is None else f', of subaccount {number} alone'}"
    if any(scope.partition("::")[0] == "write" for scope in scopes):
        return Finding("exchange", "permissions", f"{words}: more than is needed", "warn", _MAKE_READ_KEY)
    if scopes and "read" not in scopes:
        return Finding("exchange", "permissions", f"{words}: the scope 'read' is missing", "warn", _MAKE_READ_KEY)
    return Finding("exchange", "permissions", words)


def _limit(limits: dict[str, Any] | None) -> list[Finding]:
    if limits is None:
        return [Finding("exchange", "read limit", "not told to a restricted key: 5 requests a second are used")]
    try:
        each = float(limits["read"]["refill_rate"]) / _TOKENS_PER_REQUEST
    except (KeyError, TypeError, ValueError):
        return [Finding("exchange", "read limit", "not told: 5 requests a second are used")]
    words = f"{each:,.0f} requests a second for all programs of the account; a sync takes half of it"
    tier = limits.get("usage_tier")
    return [
        Finding("exchange", "read limit", words),
        *([Finding("exchange", "usage tier", tier)] if isinstance(tier, str) else []),
    ]
