"""The endpoints about the account: all of them have to be signed (API 2.1 to 2.8)."""

from __future__ import annotations

from bisect import bisect_left
from itertools import groupby
from typing import TYPE_CHECKING

from kalshi_portfolio.simulation import rows
from kalshi_portfolio.simulation.amounts import CENT, DOLLAR, SECOND, balance
from kalshi_portfolio.simulation.parameters import cursor, newest_first
from kalshi_portfolio.simulation.refusals import bad, missing
from kalshi_portfolio.simulation.routing import Route, answer, answer_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kalshi_portfolio.simulation.books import Position
    from kalshi_portfolio.simulation.exchange import BareExchange
    from kalshi_portfolio.simulation.parameters import Keyed, Parameters
    from kalshi_portfolio.simulation.records import Fill, Order
    from kalshi_portfolio.simulation.routing import Request

DIRECTION_SINCE = 1_769_558_400_000_000
"""2026-01-28: archived fills from before may lack what was added to the API later."""

_LARGE, _SMALL = 1000, 500
_MOST_TICKERS, _MOST_EVENTS = 100, 10


def _window(parameters: Parameters) -> tuple[int, int | None]:
    """Give the time filter: ``min_ts`` is inclusive, ``max_ts`` exclusive, both at whole seconds."""
    return parameters.seconds("min_ts") or 0, parameters.seconds("max_ts")


def _slice(records: Sequence[Keyed], since: int, until: int | None) -> tuple[int, int]:
    """Give the bounds of what happened from ``since`` until before ``until``."""
    low = bisect_left(records, (since, ""), key=lambda r: r.key)
    high = len(records) if until is None else bisect_left(records, (until, ""), key=lambda r: r.key)
    return low, high


def _fills_of(request: Request, tickers: list[str] | None) -> Sequence[Fill]:
    account, subaccount = request.exchange.account, request.subaccount(default=None)
    shard, order_id = request.parameters.shard(), request.parameters.text("order_id")
    account.sort()
    if tickers is None and order_id is None:
        return account.fills.get((subaccount, shard), ())
    listed = account.fills[None, None] if tickers is None else [f for t in tickers for f in account.fills_of.get(t, ())]
    chosen = [
        f
        for f in listed
        if subaccount in (None, f.subaccount) and shard in (None, f.exchange_index) and order_id in (None, f.order_id)
    ]
    return sorted(chosen, key=lambda f: f.key)


def fills(request: Request) -> bytes:
    """Answer ``/portfolio/fills``."""
    parameters = request.parameters
    records = _fills_of(request, parameters.names("ticker", most=_MOST_TICKERS))
    since, until = _window(parameters)
    low, high = _slice(records, max(since, request.exchange.live_since), until)
    page, after = newest_first(records, parameters, listing="fills", limit=parameters.limit(_LARGE), low=low, high=high)
    return answer_rows("fills", [f.body for f in page], after)


def historical_fills(request: Request) -> bytes:
    """Answer ``/historical/fills``; rows from before 2026-01-28 are served as they were kept then."""
    exchange, parameters = request.exchange, request.parameters
    ticker = parameters.single("ticker")
    records = _fills_of(request, None if ticker is None else [ticker])
    since, until = _window(parameters)
    low, high = _slice(records, since, min(until or exchange.cutoff_at, exchange.cutoff_at))
    page, after = newest_first(
        records, parameters, listing="historical fills", limit=parameters.limit(_LARGE), low=low, high=high
    )
    old = exchange.legacy_rows
    encoded = [_legacy(f, exchange) if old and f.at < DIRECTION_SINCE else f.body for f in page]
    return answer_rows("fills", encoded, after)


def _legacy(fill: Fill, exchange: BareExchange) -> bytes:
    if not fill.legacy:
        fill.legacy = rows.fill(fill, direction=False, origin=not exchange.bare_legacy_rows)
    return fill.legacy


def _orders(request: Request, *, live: bool) -> bytes:
    exchange, parameters = request.exchange, request.parameters
    subaccount, shard = request.subaccount(default=None), parameters.shard()
    status = parameters.choice("status", ("resting", "canceled", "executed")) if live else None
    tickers = [parameters.single("ticker")]
    events = parameters.names("event_ticker", most=_MOST_EVENTS) if live else None
    since, until = _window(parameters)

    def wanted(order: Order) -> bool:
        is_live = order.status == "resting" or order.updated >= exchange.orders_since
        return (
            is_live == live
            and subaccount in (None, order.subaccount)
            and shard in (None, order.exchange_index)
            and status in (None, order.status)
            and tickers[0] in (None, order.ticker)
            and (events is None or exchange.world.markets[order.ticker].event.ticker in events)
            and since <= order.created < (until or order.created + 1)
        )

    chosen = sorted(filter(wanted, exchange.account.orders.values()), key=lambda o: o.key)
    listing = "orders" if live else "historical orders"
    page, after = newest_first(chosen, parameters, listing=listing, limit=parameters.limit(_LARGE))
    user_id = exchange.account.user_id
    return answer_rows("orders", [rows.encode(rows.order(o, user_id)) for o in page], after)


def orders(request: Request) -> bytes:
    """Answer ``/portfolio/orders``."""
    return _orders(request, live=True)


def historical_orders(request: Request) -> bytes:
    """Answer ``/historical/orders``."""
    return _orders(request, live=False)


def order(request: Request) -> bytes:
    """Answer ``/portfolio/orders/{order_id}``."""
    found = request.exchange.account.orders.get(request.parts[0])
    if found is None or request.subaccount(default=None) not in (None, found.subaccount):
        raise missing("order not found")
    return answer({"order": rows.order(found, request.exchange.account.user_id)})


def _positions(request: Request, keep: Callable[[Position], bool]) -> list[tuple[str, list[Position]]]:
    """Give the positions asked for, by event, in order of tickers."""
    exchange, parameters = request.exchange, request.parameters
    subaccount, shard = request.subaccount(default=0), parameters.shard()
    ticker, event = parameters.single("ticker"), parameters.single("event_ticker")
    markets = exchange.world.markets
    chosen = [
        (markets[p.ticker].event.ticker, p.ticker, p)
        for p in exchange.books.positions(subaccount)
        if shard in (None, p.exchange_index) and ticker in (None, p.ticker) and keep(p)
    ]
    chosen.sort(key=lambda row: row[:2])
    grouped = [(name, [p for _, _, p in group]) for name, group in groupby(chosen, key=lambda row: row[0])]
    return [(name, parts) for name, parts in grouped if event in (None, name)]


def _answer_positions(
    request: Request, groups: list[tuple[str, list[Position]]], *, listing: str, counted: Iterable[str]
) -> bytes:
    """Serve whole events, as many as reach the page size: so both lists belong together."""
    limit, after = request.parameters.limit(_LARGE), request.parameters.after(listing)
    if after is not None:
        groups = [group for group in groups if group[0] > str(after[0])]
    page: list[tuple[str, list[Position]]] = []
    size = 0
    for name, parts in groups:
        if page and size + len(parts) > limit:
            break
        page.append((name, parts))
        size += len(parts)
    more = len(page) < len(groups)
    markets = [p for _, parts in page for p in parts if _counts(p, counted)]
    return answer(
        {
            "cursor": cursor(listing, (page[-1][0], "")) if more else "",
            "market_positions": [rows.market_position(p) for p in markets],
            "event_positions": [rows.event_position(name, parts) for name, parts in page],
        }
    )


def _counts(position: Position, fields: Iterable[str]) -> bool:
    values = {"position": position.net, "total_traded": position.traded}
    return all(values[name] for name in fields)


def positions(request: Request) -> bytes:
    """Answer ``/portfolio/positions``: not yet settled ones, settled ones until their event is archived, or both."""
    exchange, parameters = request.exchange, request.parameters
    status = parameters.choice("settlement_status", ("unsettled", "settled", "all")) or "unsettled"
    counted = parameters.names("count_filter") or []
    if not {"position", "total_traded"}.issuperset(counted):
        raise bad(f"count_filter: expected position or total_traded, got {counted}")
    markets = exchange.world.markets

    def keep(position: Position) -> bool:
        if status != "all" and position.settled != (status == "settled"):
            return False
        return not (position.settled and exchange.is_archived(markets[position.ticker].event))

    groups = _positions(request, keep)
    return _answer_positions(request, groups, listing=f"{status} positions", counted=counted)


def historical_positions(request: Request) -> bytes:
    """Answer ``/historical/positions``."""
    exchange = request.exchange
    markets = exchange.world.markets
    groups = _positions(request, lambda p: p.settled and exchange.is_archived(markets[p.ticker].event))
    return _answer_positions(request, groups, listing="historical positions", counted=())


def settlements(request: Request) -> bytes:
    """Answer ``/portfolio/settlements``: they are gone once their event is archived."""
    exchange, parameters = request.exchange, request.parameters
    subaccount = request.subaccount(default=None)
    ticker, event = parameters.single("ticker"), parameters.single("event_ticker")
    since, until = _window(parameters)
    chosen = [
        s
        for s in exchange.settlements
        if subaccount in (None, s.subaccount)
        and ticker in (None, s.ticker)
        and event in (None, s.event_ticker)
        and since <= s.at < (until or s.at + 1)
        and not exchange.is_archived(exchange.world.events[s.event_ticker])
    ]
    chosen.sort(key=lambda s: s.key)
    page, after = newest_first(chosen, parameters, listing="settlements", limit=parameters.limit(_LARGE))
    return answer_rows("settlements", [rows.encode(rows.settlement(s)) for s in page], after)


def _value_cents(exchange: BareExchange, subaccount: int | None, shard: int | None) -> int:
    """Give what the open positions would fetch at the bid, in whole cents."""
    total = 0
    for position in exchange.books.positions(subaccount):
        if position.net and shard in (None, position.exchange_index):
            quote = exchange.world.markets[position.ticker].quote(exchange.clock)
            total += position.net * quote.bid if position.net > 0 else -position.net * (DOLLAR - quote.ask)
    return total // CENT


def balances(request: Request) -> bytes:
    """Answer ``/portfolio/balance``."""
    exchange, shard = request.exchange, request.parameters.shard()
    subaccount = request.subaccount(default=0)
    cash = exchange.books.cash(subaccount, shard)
    body = {
        "balance": cash // CENT,
        "balance_dollars": balance(cash),
        "portfolio_value": _value_cents(exchange, subaccount, shard),
        "updated_ts": max(
            (at for (sub, _), at in exchange.account.cash_updated.items() if sub == subaccount),
            default=exchange.clock,
        )
        // SECOND,
    }
    if request.key is None or request.key.subaccount is None:
        body["balance_breakdown"] = [
            {"exchange_index": index, "balance": balance(exchange.books.cash(sub, index))}
            for sub, index in exchange.books.accounts()
            if sub == subaccount and shard in (None, index)
        ]
    return answer(body)


def _plain_list(
    request: Request, name: str, records: Sequence[Keyed], encode: Callable[..., rows.Row], most: int
) -> bytes:
    """Serve a list without filters; the last page has no cursor at all."""
    page, after = newest_first(
        sorted(records, key=lambda r: r.key),
        request.parameters,
        listing=name,
        limit=request.parameters.limit(most),
    )
    key = "transfers" if name.endswith("transfers") else name
    return answer_rows(key, [rows.encode(encode(record)) for record in page], after or None)


def deposits(request: Request) -> bytes:
    """Answer ``/portfolio/deposits``."""
    found = [m for m in request.exchange.account.movements if m.kind == "deposit"]
    return _plain_list(request, "deposits", found, rows.movement, _SMALL)


def withdrawals(request: Request) -> bytes:
    """Answer ``/portfolio/withdrawals``."""
    found = [m for m in request.exchange.account.movements if m.kind == "withdrawal"]
    return _plain_list(request, "withdrawals", found, rows.movement, _SMALL)


def subaccount_transfers(request: Request) -> bytes:
    """Answer ``/portfolio/subaccounts/transfers``."""
    found = request.exchange.account.subaccount_transfers
    return _plain_list(request, "subaccount transfers", found, rows.subaccount_transfer, _LARGE)


def instance_transfers(request: Request) -> bytes:
    """Answer ``/portfolio/intra_exchange_instance_transfers``."""
    found = request.exchange.account.instance_transfers
    return _plain_list(request, "instance transfers", found, rows.instance_transfer, _SMALL)


def instance_transfer(request: Request) -> bytes:
    """Answer ``/portfolio/intra_exchange_instance_transfers/{id}``."""
    for transfer in request.exchange.account.instance_transfers:
        if transfer.transfer_id == request.parts[0]:
            return answer({"transfer": rows.instance_transfer(transfer)})
    raise missing("transfer not found")


def _purses(exchange: BareExchange) -> list[tuple[int, int]]:
    return sorted({*exchange.books.accounts(), *((n, 0) for n in range(exchange.subaccounts))})


def subaccount_balances(request: Request) -> bytes:
    """Answer ``/portfolio/subaccounts/balances``."""
    exchange = request.exchange
    listed = [
        {
            "subaccount_number": sub,
            "exchange_index": shard,
            "balance": balance(exchange.books.cash(sub, shard)),
            "updated_ts": exchange.account.cash_updated.get((sub, shard), exchange.clock) // SECOND,
        }
        for sub, shard in _purses(exchange)
    ]
    return answer({"subaccount_balances": listed})


def netting(request: Request) -> bytes:
    """Answer ``/portfolio/subaccounts/netting``: cross-market collateral return is off everywhere."""
    listed = [
        {"subaccount_number": sub, "enabled": False, "exchange_index": shard}
        for sub, shard in _purses(request.exchange)
    ]
    return answer({"netting_configs": listed})


def limits(_: Request) -> bytes:
    """Answer ``/account/limits``."""
    buckets = {
        "read": {"refill_rate": 200, "bucket_capacity": 600},
        "write": {"refill_rate": 100, "bucket_capacity": 100},
    }
    return answer({"usage_tier": "basic", **buckets, "grants": []})


def api_keys(request: Request) -> bytes:
    """Answer ``/api_keys``."""
    listed = []
    for key in request.exchange.keys.keys.values():
        row: rows.Row = {"api_key_id": key.key_id, "name": key.name, "scopes": ["read"]}
        if key.subaccount is not None:
            row["subaccount"] = key.subaccount
        listed.append(row)
    return answer({"api_keys": listed})


ROUTES = (
    Route("/portfolio/fills", fills, private=True),
    Route("/portfolio/positions", positions, private=True),
    Route("/portfolio/settlements", settlements, private=True),
    Route("/portfolio/balance", balances, private=True),
    Route("/portfolio/orders", orders, private=True),
    Route("/portfolio/orders/{order_id}", order, private=True, cost=2),
    Route("/portfolio/deposits", deposits, private=True, lockable=False),
    Route("/portfolio/withdrawals", withdrawals, private=True, lockable=False),
    Route("/portfolio/subaccounts/balances", subaccount_balances, private=True, lockable=False),
    Route("/portfolio/subaccounts/transfers", subaccount_transfers, private=True, lockable=False),
    Route("/portfolio/subaccounts/netting", netting, private=True, lockable=False),
    Route("/portfolio/intra_exchange_instance_transfers", instance_transfers, private=True, lockable=False),
    Route("/portfolio/intra_exchange_instance_transfers/{id}", instance_transfer, private=True, lockable=False),
    Route("/historical/fills", historical_fills, private=True),
    Route("/historical/orders", historical_orders, private=True),
    Route("/historical/positions", historical_positions, private=True),
    Route("/account/limits", limits, private=True),
    Route("/api_keys", api_keys, private=True, lockable=False),
)
"""A locked key may use the endpoints that the documents name, and (our guess) the archive."""
