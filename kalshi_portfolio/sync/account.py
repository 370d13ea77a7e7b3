"""Find out whom a key reads for: the exchange's time, the account's limits, its subaccounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from kalshi_portfolio.errors import (
    ApiError,
    NotFoundError,
    PermissionDeniedError,
    RootMismatchError,
)
from kalshi_portfolio.parse import Parsed, Source, parse_balances, parse_times
from kalshi_portfolio.schema import FILLS

if TYPE_CHECKING:
    from kalshi_portfolio.client import KalshiClient
    from kalshi_portfolio.store import Store

_LIMITS_KEPT = timedelta(days=1)
_LIMITS = "read_limit"


async def exchange_time(client: KalshiClient) -> datetime:
    """Give the instant up to which the exchange's answers are complete.

    It is ``/exchange/user_data_timestamp``, capped by the ``Date`` of its answer; never the local clock, unless the
    exchange tells neither.
    """
    as_of: datetime | None = None
    try:
        answer = await client.get_user_data_timestamp()
        as_of = _time(answer.get("as_of_time"))
    except (NotFoundError, PermissionDeniedError):
        pass  # the Date header has to do
    now = client.server_time()
    if now is not None and as_of is not None:
        return min(now, as_of)
    return now or as_of or datetime.now(UTC).replace(microsecond=0)


def _time(text: Any) -> datetime | None:
    found = parse_times(pl.Series([text if isinstance(text, str) else None], dtype=pl.String)).item()
    return found.astimezone(UTC) if isinstance(found, datetime) else None


async def pace(client: KalshiClient, store: Store, now: datetime) -> None:
    """Pace the client to the account's read limit, which is asked for once a day."""
    known = store.get_fact(_LIMITS)
    try:
        fresh = known is not None and now - datetime.fromisoformat(known["at"]) < _LIMITS_KEPT
        if known is not None and fresh:
            client.set_read_limit(known["refill_rate"], known["bucket_capacity"])
            return
    except (KeyError, TypeError, ValueError):
        pass  # somebody edited the file: ask again
    try:
        read = (await client.get_account_limits())["read"]
        rate, capacity = int(read["refill_rate"]), int(read["bucket_capacity"])
    except (ApiError, KeyError, TypeError, ValueError):
        return  # a restricted key may not ask; the client keeps its own careful pace
    client.set_read_limit(rate, capacity)
    store.put_fact(_LIMITS, {"at": now.isoformat(), "refill_rate": rate, "bucket_capacity": capacity})


async def subaccounts(client: KalshiClient, now: datetime) -> tuple[tuple[int | None, ...], int | None, Parsed | None]:
    """Find the subaccounts that a key may read.

    Returns:
        The numbers to ask for (None: ask without a number), the one that the key is locked to (None: it is
        not), and the balances that the exchange listed on the way (None: it would not).
    """
    try:
        answer = await client.get_subaccount_balances()
    except (PermissionDeniedError, NotFoundError):
        return (None,), await _locked_to(client), None
    balances = parse_balances([msgspec.json.encode(answer)], Source(now))
    numbers = sorted(set(balances.frame["subaccount"].to_list()) | {0})
    return tuple(numbers), None, balances


async def _locked_to(client: KalshiClient) -> int | None:
    try:
        keys = (await client.get_api_keys()).get("api_keys") or []
    except ApiError:
        return None
    own = [key for key in keys if isinstance(key, dict) and client.is_own_key(str(key.get("api_key_id")))]
    number = own[0].get("subaccount") if own else None
    return number if isinstance(number, int) else None


async def admit_key(client: KalshiClient, store: Store, fingerprint: str) -> None:
    """Accept a key that the folder has not seen, once it re-reads a fill that the folder holds.

    Raises:
        RootMismatchError: It does not. Nothing was written.
    """
    days = store.partitions(FILLS)
    if days:
        stored = store.read(FILLS, since=days[-1]).row(-1, named=True)
        if not await _reads(client, stored):
            raise RootMismatchError(
                f"The data folder {store.root} belongs to another account: this key cannot read the fill of "
                f"{stored['executed_at']:%Y-%m-%d} in {stored['ticker']} that is stored there. Use the account's own "
                "key, or another folder (root=..., --root, or KALSHI_PORTFOLIO_DATA).",
                path=store.root,
            )
    store.accept_key(fingerprint)


async def _reads(client: KalshiClient, stored: dict[str, Any]) -> bool:
    for endpoint in ("fills", "historical_fills"):
        try:
            async for page in client.pages(endpoint, ticker=stored["ticker"]):
                if stored["kalshi_trade_id"].encode() in page.body:
                    return True
        except (NotFoundError, PermissionDeniedError):
            continue
    return False
