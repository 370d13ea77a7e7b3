"""The endpoints that anybody may ask: markets, events, series, and the exchange itself (API 2.8 to 2.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kalshi_portfolio.simulation import rows
from kalshi_portfolio.simulation.amounts import stamp
from kalshi_portfolio.simulation.parameters import cursor
from kalshi_portfolio.simulation.refusals import Refusal, bad, missing
from kalshi_portfolio.simulation.routing import DEFAULT_COST, Route, answer, answer_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from kalshi_portfolio.simulation.exchange import BareExchange
    from kalshi_portfolio.simulation.parameters import Parameters
    from kalshi_portfolio.simulation.routing import Request
    from kalshi_portfolio.simulation.world import Event, Market

_LARGE, _EVENTS = 1000, 200
_STATUSES = {
    "unopened": ("initialized",),
    "open": ("active",),
    "paused": ("inactive",),
    "closed": ("closed", "determined", "disputed", "amended"),
    "settled": ("finalized",),
}
_SHARDS = ("Default", "Combos", "Crypto & Commodities", "Tennis, Baseball, Basketball")
_FRESH = 1_750_000
"""How far portfolio data lag the clock, as reported, in microseconds."""


def is_live(exchange: BareExchange, market: Market) -> bool:
    """Say whether the live tier serves a market."""
    paid = market.settled
    return paid is None or paid > exchange.clock or paid >= exchange.live_since


def is_historical(exchange: BareExchange, market: Market) -> bool:
    """Say whether the historical tier serves a market; for a while both do."""
    return market.settled is not None and market.settled <= exchange.clock and market.settled < exchange.cutoff_at


_TIMES: dict[str, tuple[Callable[[Market], int], tuple[str | None, ...]]] = {
    "created": (lambda m: m.opens, ("unopened", "open", None)),
    "close": (lambda m: m.closes, ("closed", None)),
    "settled": (lambda m: m.settled or 0, ("settled", None)),
    "updated": (lambda m: m.opens, (None,)),
}


def _in_times(parameters: Parameters, status: str | None) -> Callable[[Market], bool]:
    """Give the filter of the one family of times that was sent."""
    parameters.exclusive(*((f"min_{name}_ts", f"max_{name}_ts") for name in _TIMES))
    for name, (read, statuses) in _TIMES.items():
        low, high = parameters.seconds(f"min_{name}_ts"), parameters.seconds(f"max_{name}_ts")
        if low is None and high is None:
            continue
        if status not in statuses:
            raise bad(f"min_{name}_ts, max_{name}_ts: not together with status={status}")
        if name == "updated" and parameters.text("mve_filter") != "exclude":
            raise bad("min_updated_ts: only together with mve_filter=exclude")
        return lambda m, read=read, low=low, high=high: (low or 0) <= read(m) <= (high or read(m))  # type: ignore[misc]
    return lambda _: True


def _answer_markets(request: Request, listing: str, chosen: list[Market], by: Callable[[Market], int]) -> bytes:
    parameters, at = request.parameters, request.exchange.clock
    limit, after = parameters.limit(_LARGE, low=0), parameters.after(listing)
    keyed = sorted(((by(m), m.ticker, m) for m in chosen), key=lambda row: row[:2], reverse=True)
    if after is not None:
        if isinstance(after[0], str):
            raise bad("invalid cursor")
        place = (after[0], after[1])
        keyed = [row for row in keyed if row[:2] < place]
    page = keyed[:limit]
    more = cursor(listing, page[-1][:2]) if len(keyed) > limit else ""
    return answer_rows("markets", [rows.encode(rows.market(m, at)) for _, _, m in page], more)


def _candidates(
    exchange: BareExchange, tickers: list[str] | None, event: str | None, series: str | None
) -> list[Market]:
    """Give the markets of the narrowest filter."""
    world = exchange.world
    if tickers is not None:
        return [world.markets[t] for t in tickers if t in world.markets]
    if event is not None:
        return list(world.events[event].markets) if event in world.events else []
    if series is not None:
        return [m for e in world.series[series].events for m in e.markets] if series in world.series else []
    return list(world.markets.values())


def _listed(request: Request) -> list[Market]:
    parameters = request.parameters
    event, series = parameters.single("event_ticker"), parameters.single("series_ticker")
    mve = parameters.choice("mve_filter", ("only", "exclude"))
    found = _candidates(request.exchange, parameters.names("tickers"), event, series)
    return [
        m
        for m in found
        if event in (None, m.event.ticker)
        and series in (None, m.event.series.ticker)
        and (mve is None or m.event.combo == (mve == "only"))
    ]


def markets(request: Request) -> bytes:
    """Answer ``/markets``: archived and unknown markets are silently missing."""
    exchange, parameters = request.exchange, request.parameters
    status = parameters.choice("status", _STATUSES)
    fits = _in_times(parameters, status)
    chosen = [
        m
        for m in _listed(request)
        if is_live(exchange, m) and (status is None or m.status(exchange.clock) in _STATUSES[status]) and fits(m)
    ]
    return _answer_markets(request, "markets", chosen, lambda m: m.opens)


def historical_markets(request: Request) -> bytes:
    """Answer ``/historical/markets``, the newest settlement first."""
    request.parameters.exclusive(("tickers",), ("event_ticker",), ("series_ticker",))
    request.parameters.choice("mve_filter", ("exclude",))
    chosen = [m for m in _listed(request) if is_historical(request.exchange, m)]
    return _answer_markets(request, "historical markets", chosen, lambda m: m.settled or 0)


def market(request: Request) -> bytes:
    """Answer ``/markets/{ticker}``."""
    found = request.exchange.world.markets.get(request.parts[0])
    if found is None or not is_live(request.exchange, found):
        raise missing("market not found")
    return answer({"market": rows.market(found, request.exchange.clock)})


def historical_market(request: Request) -> bytes:
    """Answer ``/historical/markets/{ticker}``."""
    found = request.exchange.world.markets.get(request.parts[0])
    if found is None or not is_historical(request.exchange, found):
        raise Refusal(404, "failed_to_get_market_by_ticker:_not_found", "market not found")
    return answer({"market": rows.market(found, request.exchange.clock)})


def _live_rows(exchange: BareExchange, found: Event) -> list[rows.Row]:
    return [rows.market(m, exchange.clock) for m in found.markets if is_live(exchange, m)]


def _nested(exchange: BareExchange, found: Event) -> rows.Row:
    """Give an event with its live markets inside; without any, the key is missing."""
    listed = _live_rows(exchange, found)
    return {**rows.event(found), **({"markets": listed} if listed else {})}


def event(request: Request) -> bytes:
    """Answer ``/events/{event_ticker}``. Events are never archived; combinations are found here too."""
    exchange = request.exchange
    found = exchange.world.events.get(request.parts[0])
    if found is None:
        raise missing("event not found")
    if request.parameters.flag("with_nested_markets"):
        return answer({"event": _nested(exchange, found), "markets": []})
    return answer({"event": rows.event(found), "markets": _live_rows(exchange, found)})


def _answer_events(request: Request, *, combos: bool) -> bytes:
    exchange, parameters = request.exchange, request.parameters
    nested, tickers = parameters.flag("with_nested_markets"), parameters.names("tickers")
    series, status = parameters.single("series_ticker"), parameters.choice("status", _STATUSES)
    least = parameters.seconds("min_close_ts") or 0
    world = exchange.world
    listed = world.events.values() if tickers is None else [world.events[t] for t in tickers if t in world.events]
    chosen = [
        e
        for e in listed
        if e.combo == combos
        and series in (None, e.series.ticker)
        and (status is None or any(m.status(exchange.clock) in _STATUSES[status] for m in e.markets))
        and (not least or any(m.closes >= least for m in e.markets))
    ]
    chosen.sort(key=lambda e: e.ticker)
    listing = "combo events" if combos else "events"
    after, limit = parameters.after(listing), parameters.limit(_EVENTS, default=_EVENTS)
    if after is not None:
        chosen = [e for e in chosen if e.ticker > str(after[0])]
    page = chosen[:limit]
    more = cursor(listing, (page[-1].ticker, "")) if len(chosen) > limit else ""
    encoded = [rows.encode(_nested(exchange, e) if nested else rows.event(e)) for e in page]
    return answer_rows("events", encoded, more)


def events(request: Request) -> bytes:
    """Answer ``/events``, which leaves combinations out."""
    request.parameters.flag("with_milestones")
    return _answer_events(request, combos=False)


def combo_events(request: Request) -> bytes:
    """Answer ``/events/multivariate``."""
    return _answer_events(request, combos=True)


def series(request: Request) -> bytes:
    """Answer ``/series/{series_ticker}``."""
    request.parameters.flag("include_volume")
    found = request.exchange.world.series.get(request.parts[0])
    if found is None:
        raise missing("series not found")
    return answer({"series": rows.series(found, request.exchange.clock)})


def series_list(request: Request) -> bytes:
    """Answer ``/series``, which has no pages."""
    category, exchange = request.parameters.text("category"), request.exchange
    listed = [rows.series(s, exchange.clock) for s in exchange.world.series.values() if category in (None, s.category)]
    return answer({"series": listed})


def fee_changes(request: Request) -> bytes:
    """Answer ``/series/fee_changes``."""
    exchange, wanted = request.exchange, request.parameters.text("series_ticker")
    past = request.parameters.flag("show_historical")
    listed = [
        rows.fee_change(s, n)
        for s in exchange.world.series.values()
        for n in range(1, len(s.terms))
        if wanted in (None, s.ticker) and (past or s.terms[n].since > exchange.clock)
    ]
    return answer({"series_fee_change_arr": listed})


def event_fee_changes(request: Request) -> bytes:
    """Answer ``/events/fee_changes``: there are none."""
    request.parameters.text("event_ticker")
    request.parameters.limit(_LARGE)
    return answer({"event_fee_changes": [], "cursor": ""})


def cutoff(request: Request) -> bytes:
    """Answer ``/historical/cutoff``."""
    line = stamp(request.exchange.cutoff_at)
    return answer(
        {
            "market_settled_ts": line,
            "trades_created_ts": line,
            "orders_updated_ts": stamp(request.exchange.orders_since),
            "market_positions_last_updated_ts": line,
        }
    )


def status(_: Request) -> bytes:
    """Answer ``/exchange/status``."""
    active = {"exchange_active": True, "trading_active": True, "intra_exchange_transfers_active": True}
    shards = [{"exchange_index": n, "description": name, **active} for n, name in enumerate(_SHARDS)]
    return answer({**active, "exchange_index_statuses": shards})


def user_data_timestamp(request: Request) -> bytes:
    """Answer ``/exchange/user_data_timestamp``."""
    return answer({"as_of_time": stamp(request.exchange.clock - _FRESH)})


def endpoint_costs(_: Request) -> bytes:
    """Answer ``/account/endpoint_costs``."""
    single = {"method": "GET", "path": "/portfolio/orders/{order_id}", "cost": 2}
    return answer({"default_cost": DEFAULT_COST, "endpoint_costs": [single]})


ROUTES = (
    Route("/markets", markets),
    Route("/markets/{ticker}", market),
    Route("/events", events),
    Route("/events/multivariate", combo_events),
    Route("/events/fee_changes", event_fee_changes),
    Route("/events/{event_ticker}", event),
    Route("/series", series_list),
    Route("/series/fee_changes", fee_changes),
    Route("/series/{series_ticker}", series),
    Route("/historical/cutoff", cutoff),
    Route("/historical/markets", historical_markets),
    Route("/historical/markets/{ticker}", historical_market),
    Route("/exchange/status", status),
    Route("/exchange/user_data_timestamp", user_data_timestamp),
    Route("/account/endpoint_costs", endpoint_costs),
)
