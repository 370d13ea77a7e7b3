"""Find out whom a key reads for: the exchange's time, the account's limits, its subaccounts."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from kalshi_portfolio.errors import (
    ApiError,
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    RootMismatchError,
)
from kalshi_portfolio.parse import Parsed, Source, parse_balances, parse_times
from kalshi_portfolio.schema import FILLS, TRANSFERS
from kalshi_portfolio.sync.transfers import ENDPOINTS

if TYPE_CHECKING:
    from kalshi_portfolio.client import KalshiClient
    from kalshi_portfolio.store import Store

_LIMITS_KEPT = timedelta(days=7)
_LIMITS = "read_limit"
_FILLS_TRIED = 5
_NUMBERS = 2**31  # what the column holds


@dataclass(frozen=True)
class Reach:
    """What a key may read.

    Attributes:
        numbers: The subaccounts to ask for; None asks without a number.
        locked_to: The one subaccount that the key is locked to; None: it is not.
        certain: Whether it is known which subaccount answers are about.
        listed: The balances that the exchange listed on the way; None: it would not.
    """

    numbers: tuple[int | None, ...] = (None,)
    locked_to: int | None = None
    certain: bool = True
    listed: Parsed | None = None


async def exchange_time(client: KalshiClient) -> datetime:
    """Give the instant up to which the exchange's answers are complete.

    It is ``/exchange/user_data_timestamp``, capped by the ``Date`` of its answer; never the local clock, unless the
    exchange tells neither.
    """
    as_of: datetime | None = None
    try:
        answer = await client.get_user_data_timestamp()
        as_of = _time(answer.get("as_of_time"))
    except AuthenticationError:
        raise
    except (ApiError, ProtocolError):
        pass  # the Date header has to do
    now = client.server_time()
    if now is not None and as_of is not None:
        return min(now, as_of)
    return now or as_of or datetime.now(UTC).replace(microsecond=0)


def _time(text: Any) -> datetime | None:
    found = parse_times(pl.Series([text if isinstance(text, str) else None], dtype=pl.String)).item()
    return found.astimezone(UTC) if isinstance(found, datetime) else None


async def pace(client: KalshiClient, store: Store, now: datetime) -> None:
    """Pace the client to the account's read limit, which is asked for once a week."""
    known = store.get_fact(_LIMITS)
    try:
        if known is not None and abs(now - datetime.fromisoformat(known["at"])) < _LIMITS_KEPT:
            client.set_read_limit(known["refill_rate"], known["bucket_capacity"])
            return
    except (KeyError, TypeError, ValueError, OverflowError):
        pass  # somebody edited the file: ask again
    try:
        read = (await client.get_account_limits())["read"]
        rate, capacity = int(read["refill_rate"]), int(read["bucket_capacity"])
        client.set_read_limit(rate, capacity)
    except AuthenticationError:
        raise
    except (ApiError, ProtocolError, KeyError, TypeError, ValueError, OverflowError):
        return  # a restricted key may not ask; the client keeps its own careful pace
    store.put_fact(_LIMITS, {"at": now.isoformat(), "refill_rate": rate, "bucket_capacity": capacity})


async def reach(client: KalshiClient, now: datetime) -> Reach:
    """Find the subaccounts that a key may read.

    The list of subaccounts is for members who may have some, and for keys that are not locked to one: a 404 means
    the only one, a 403 may mean either.
    """
    try:
        answer = await client.get_subaccount_balances()
    except NotFoundError:
        return Reach()
    except PermissionDeniedError:
        return await _restricted(client)
    balances = parse_balances([msgspec.json.encode(answer)], Source(now))
    rows = [row for row in answer["subaccount_balances"] if isinstance(row, dict)]
    # Of a row that does not fit as a whole, the number may still be good.
    numbers = {_number(row.get("subaccount_number")) for row in rows} - {None}
    return Reach(tuple(sorted({0} | {n for n in numbers if n is not None})), listed=balances)


def recalled(reach: Reach, store: Store) -> Reach:
    """Add the subaccounts of which the folder has fills, where the exchange would not list them."""
    if reach.listed is not None or reach.locked_to is not None or not reach.certain:
        return reach
    known = {int(n) for n in store.read(FILLS, columns=["subaccount"])["subaccount"].unique()}
    return replace(reach, numbers=tuple(sorted(known | {0}))) if known - {0} else reach


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _NUMBERS else None


async def _restricted(client: KalshiClient) -> Reach:
    """Find the subaccount that a key is locked to: in the list of keys, else on a fill."""
    try:
        keys = (await client.get_api_keys())["api_keys"]
    except (NotFoundError, PermissionDeniedError):
        keys = []
    own = [key for key in keys if isinstance(key, dict) and client.is_own_key(str(key.get("api_key_id")))]
    if own:
        locked_to = _number(own[0].get("subaccount"))
        # A key that is locked to none could read a list of them: it may be refused for a moment only. Asked without a
        # number, settlements of all subaccounts would come, and nobody could tell whose they are.
        return Reach((0,)) if locked_to is None else Reach(locked_to=locked_to)
    for endpoint in ("fills", "historical_fills"):
        try:
            rows = (await client.get(endpoint, limit=1))["fills"]
        except (NotFoundError, PermissionDeniedError):
            continue
        if rows and isinstance(rows[0], dict):
            return Reach(locked_to=_number(rows[0].get("subaccount_number")))
    return Reach(certain=False)


async def admit_key(client: KalshiClient, store: Store, fingerprint: str) -> None:
    """Accept a key that the folder has not seen, once it re-reads a fill that the folder holds.

    A key may be locked to one subaccount, so the newest fill of each is tried. Where there are no fills, a deposit,
    withdrawal or transfer will do.

    Raises:
        RootMismatchError: It reads none. Nothing was written.
    """
    fills = store.read(FILLS, columns=["kalshi_trade_id", "ticker", "subaccount", "executed_at"])
    newest = fills.unique("subaccount", keep="last", maintain_order=True).reverse().head(_FILLS_TRIED)
    known = newest.rows(named=True)
    for stored in known:
        if await _reads_fill(client, stored):
            store.accept_key(fingerprint)
            return
    if known:
        raise _foreign(store, f"the fill of {known[0]['executed_at']:%Y-%m-%d} in {known[0]['ticker']}")
    if await _lacks_transfers(client, store):
        raise _foreign(store, "the deposits, withdrawals or transfers")
    store.accept_key(fingerprint)


def _foreign(store: Store, what: str) -> RootMismatchError:
    return RootMismatchError(
        f"The data folder {store.root} belongs to another account: this key cannot read {what} that is stored there. "
        "Nothing was changed. Use the account's own key, or another folder (root=..., --root, or "
        "KALSHI_PORTFOLIO_DATA).",
        path=store.root,
    )


async def _reads_fill(client: KalshiClient, stored: dict[str, Any]) -> bool:
    second = int(stored["executed_at"].timestamp())
    about = {"ticker": stored["ticker"], "min_ts": second - 1, "max_ts": second + 2}
    for endpoint in ("fills", "historical_fills"):
        try:
            async with aclosing(client.pages(endpoint, **about)) as pages:
                async for page in pages:
                    if stored["kalshi_trade_id"].encode() in page.body:
                        return True
        except (NotFoundError, PermissionDeniedError):
            continue
    return False


async def _lacks_transfers(client: KalshiClient, store: Store) -> bool:
    """Say whether the lists of transfers can be read, and have nothing of what is stored."""
    stored = store.read(TRANSFERS, columns=["kind", "transfer_id"])
    asked = False
    for kind, ids in stored.group_by("kind").agg("transfer_id").rows():
        try:
            bodies = [page.body async for page in client.pages(ENDPOINTS[kind])]
        except (NotFoundError, PermissionDeniedError, KeyError):
            continue
        asked = True
        if any(number.encode() in body for number in ids for body in bodies):
            return False
    return asked
