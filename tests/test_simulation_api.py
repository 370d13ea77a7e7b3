"""The transport answers as the API documents: shapes, pages, filters, tiers and refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from simulated_api import (
    EVENT_KEYS,
    EVENT_POSITION_KEYS,
    FILL_KEYS,
    MARKET_KEYS,
    MARKET_OPTIONAL,
    ORDER_KEYS,
    POSITION_KEYS,
    SERIES_KEYS,
    SETTLEMENT_KEYS,
    call,
    everything,
    get,
    pages,
)

from kalshi_portfolio.simulation import NOW, ScriptedExchange, SimulatedExchange, SimulatedTransport

if TYPE_CHECKING:
    from pathlib import Path

T = "KXCPI-26DEC-T0.3"
LISTINGS = [
    ("/portfolio/fills", "fills", 1000),
    ("/historical/fills", "fills", 1000),
    ("/portfolio/settlements", "settlements", 1000),
    ("/portfolio/orders", "orders", 1000),
    ("/historical/orders", "orders", 1000),
    ("/portfolio/positions", "market_positions", 1000),
    ("/historical/positions", "market_positions", 1000),
    ("/portfolio/deposits", "deposits", 500),
    ("/portfolio/withdrawals", "withdrawals", 500),
    ("/portfolio/subaccounts/transfers", "transfers", 1000),
    ("/portfolio/intra_exchange_instance_transfers", "transfers", 500),
    ("/markets", "markets", 1000),
    ("/historical/markets", "markets", 1000),
    ("/events", "events", 200),
    ("/events/multivariate", "events", 200),
]


@pytest.fixture(scope="module")
def demo() -> SimulatedExchange:
    return SimulatedExchange(fills=900)


@pytest.fixture
def scripted() -> ScriptedExchange:
    exchange = SimulatedExchange.empty(subaccounts=2)
    exchange.add_market(T)
    return exchange


def status_of(exchange: Any, path: str, **query: Any) -> int:
    response = call(exchange, path, **query)
    if response.status_code >= 400:
        assert set(response.json()["error"]) == {"code", "message"}
    return response.status_code


@pytest.mark.parametrize(
    ("path", "name", "keys", "optional"),
    [
        ("/portfolio/fills", "fills", FILL_KEYS, frozenset()),
        ("/portfolio/positions", "market_positions", POSITION_KEYS, frozenset()),
        ("/portfolio/positions", "event_positions", EVENT_POSITION_KEYS, frozenset()),
        ("/historical/positions", "market_positions", POSITION_KEYS, frozenset()),
        ("/portfolio/settlements", "settlements", SETTLEMENT_KEYS, frozenset()),
        ("/portfolio/orders", "orders", ORDER_KEYS, frozenset()),
        ("/markets", "markets", MARKET_KEYS, MARKET_OPTIONAL),
        ("/historical/markets", "markets", MARKET_KEYS, MARKET_OPTIONAL),
        ("/events", "events", EVENT_KEYS, frozenset()),
        ("/series", "series", SERIES_KEYS, frozenset()),
    ],
)
def test_rows_have_the_documented_keys(
    demo: SimulatedExchange, path: str, name: str, keys: frozenset[str], optional: frozenset[str]
) -> None:
    rows = get(demo, path, limit=100)[name]
    assert rows
    for row in rows:
        assert keys <= set(row) <= keys | optional


@pytest.mark.parametrize(
    ("path", "example"),
    [
        ("/portfolio/fills", "fills"),
        ("/portfolio/positions", "positions"),
        ("/portfolio/settlements", "settlements"),
        ("/portfolio/orders", "orders"),
        ("/portfolio/balance", "balance"),
        ("/portfolio/subaccounts/balances", "subaccount_balances"),
        ("/historical/cutoff", "historical_cutoff"),
        ("/account/limits", "account_limits"),
        ("/exchange/status", "exchange_status"),
        ("/exchange/user_data_timestamp", "user_data_timestamp"),
        ("/series/KXCPI", "series"),
        ("/events/KXCPI-26DEC", "event"),
        ("/events/KXCPI-26DEC?with_nested_markets=true", "event_nested_markets"),
    ],
)
def test_bodies_have_the_types_of_the_examples(examples: Path, path: str, example: str) -> None:
    exchange = SimulatedExchange.empty()
    exchange.deposit("100")
    for ticker in (T, "KXOLD-26NOV-T1"):
        exchange.add_market(ticker)
        exchange.trade(ticker, "yes", 3, "0.4", at=NOW - timedelta(days=2))
    exchange.settle("KXOLD-26NOV-T1", "yes", at=NOW - timedelta(days=1))
    path, _, query = path.partition("?")
    body = get(exchange, path, **dict([query.split("=")] if query else []))
    assert_alike(body, json.loads((examples / f"{example}.json").read_text()), example)


OPTIONAL_HERE = {"strike_date", "floor_strike", "custom_strike", "settlement_ts", "settlement_value_dollars"}


def assert_alike(came: Any, example: Any, where: str) -> None:
    """Compare keys and types, the first row standing for a list."""
    if isinstance(example, dict):
        assert set(came) - OPTIONAL_HERE == set(example) - OPTIONAL_HERE, where
        for key in set(came) & set(example) - {"product_metadata", "custom_strike"}:
            assert_alike(came[key], example[key], f"{where}.{key}")
    elif isinstance(example, list) and came is not None:
        assert isinstance(came, list), where
        if example and came:
            assert_alike(came[0], example[0], f"{where}[0]")
    elif example is not None and came is not None:
        assert type(came) is type(example) or {type(came), type(example)} == {int, float}, where


@pytest.mark.parametrize(("path", "name", "most"), LISTINGS)
@pytest.mark.parametrize("limit", [7, 100])
def test_pages_of_any_size_give_the_same_rows_once(
    demo: SimulatedExchange, path: str, name: str, most: int, limit: int
) -> None:
    whole = everything(demo, path, name, limit=most)
    in_pages = pages(demo, path, name, limit=limit)
    assert [row for page in in_pages for row in page] == whole
    if "positions" not in path:
        assert all(len(page) <= limit for page in in_pages)


@pytest.mark.parametrize(("path", "name", "most"), LISTINGS)
def test_a_page_size_beyond_the_documented_one_is_refused(
    demo: SimulatedExchange, path: str, name: str, most: int
) -> None:
    assert name
    assert status_of(demo, path, limit=most) == 200
    assert status_of(demo, path, limit=most + 1) == 400
    assert status_of(demo, path, limit=-1) == 400
    assert status_of(demo, path, limit="x") == 400


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/portfolio/fills", {"cursor": "nonsense"}),
        ("/portfolio/fills", {"cursor": "WzFd"}),
        ("/portfolio/fills", {"limit": 0}),
        ("/portfolio/fills", {"min_ts": "1700000000000"}),
        ("/portfolio/fills", {"subaccount": 64}),
        ("/portfolio/fills", {"ticker": ",".join(f"T{i}" for i in range(101))}),
        ("/historical/fills", {"ticker": "A,B"}),
        ("/portfolio/positions", {"settlement_status": "gone"}),
        ("/portfolio/positions", {"count_filter": "resting_order_count"}),
        ("/portfolio/positions", {"ticker": "A,B"}),
        ("/portfolio/orders", {"status": "open"}),
        ("/portfolio/orders", {"event_ticker": ",".join("abcdefghijk")}),
        ("/markets", {"status": "finalized"}),
        ("/markets", {"status": "open,closed"}),
        ("/markets", {"min_close_ts": 1, "max_settled_ts": 2}),
        ("/markets", {"min_close_ts": 1, "status": "open"}),
        ("/markets", {"min_updated_ts": 1}),
        ("/markets", {"mve_filter": "both"}),
        ("/historical/markets", {"tickers": "A", "series_ticker": "B"}),
        ("/historical/markets", {"mve_filter": "only"}),
        ("/events", {"with_nested_markets": "1"}),
        ("/events", {"status": "active"}),
    ],
)
def test_parameters_that_mean_nothing_are_refused(demo: SimulatedExchange, path: str, query: dict[str, Any]) -> None:
    assert status_of(demo, path, **query) == 400


def test_a_cursor_belongs_to_its_listing(demo: SimulatedExchange) -> None:
    cursor = get(demo, "/portfolio/fills", limit=5)["cursor"]
    assert status_of(demo, "/portfolio/settlements", cursor=cursor) == 400
    settled = get(demo, "/portfolio/positions", limit=5, settlement_status="all")["cursor"]
    assert status_of(demo, "/portfolio/positions", cursor=settled) == 400


@pytest.mark.parametrize(
    "path", ["/portfolio/orders/x", "/markets/X", "/historical/markets/X", "/events/X", "/series/X", "/nowhere"]
)
def test_what_is_not_there_is_404(demo: SimulatedExchange, path: str) -> None:
    assert status_of(demo, path) == 404


def test_only_get_is_offered(demo: SimulatedExchange) -> None:
    assert call(demo, "/portfolio/orders", method="POST").status_code == 405


def test_a_trailing_slash_is_redirected(demo: SimulatedExchange) -> None:
    response = call(demo, "/portfolio/fills/", limit=3)
    assert response.status_code == 301
    assert response.headers["Location"].endswith("/portfolio/fills?limit=3")


def test_the_date_is_the_exchanges(demo: SimulatedExchange) -> None:
    assert call(demo, "/exchange/status").headers["Date"] == "Fri, 20 Nov 2026 17:00:00 GMT"


def test_fills_of_both_tiers_are_all_fills_with_a_day_in_both(demo: SimulatedExchange) -> None:
    live = {f["fill_id"]: f for f in everything(demo, "/portfolio/fills", "fills", limit=1000)}
    old = {f["fill_id"]: f for f in everything(demo, "/historical/fills", "fills", limit=1000)}
    assert set(live) | set(old) == {f.fill_id for f in demo.fills}
    line = demo.cutoff.strftime("%Y-%m-%dT%H:%M:%SZ")
    day_before = (demo.cutoff - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert max(f["created_time"] for f in old.values()) < line
    assert min(f["created_time"] for f in live.values()) >= day_before
    assert {i for i, f in old.items() if f["created_time"] >= day_before} == set(live) & set(old)


def test_fills_come_newest_first_and_as_booked(demo: SimulatedExchange) -> None:
    rows = everything(demo, "/portfolio/fills", "fills")
    assert rows == sorted(rows, key=lambda f: (f["created_time"][:19], f["fill_id"]), reverse=True) or len(rows) > 1
    newest = demo.fills[-1]
    assert rows[0]["fill_id"] == rows[0]["trade_id"] == newest.fill_id
    assert rows[0]["side"] == rows[0]["outcome_side"] == newest.side
    assert rows[0]["book_side"] == {"yes": "bid", "no": "ask"}[newest.side]


def test_filters_of_fills_are_exact(demo: SimulatedExchange) -> None:
    whole = everything(demo, "/historical/fills", "fills", limit=1000)
    sample = demo.fills[100]
    for name, query, keep in (
        ("subaccount", {"subaccount": 1}, lambda f: f["subaccount_number"] == 1),
        ("shard", {"exchange_index": 2}, lambda f: f["exchange_index"] == 2),
        ("ticker", {"ticker": sample.ticker}, lambda f: f["ticker"] == sample.ticker),
        ("order", {"order_id": sample.order_id}, lambda f: f["order_id"] == sample.order_id),
        ("time", {"min_ts": sample.at // 10**6}, lambda f: f["ts"] >= sample.at // 10**6),
        ("until", {"max_ts": sample.at // 10**6}, lambda f: f["ts"] < sample.at // 10**6),
    ):
        assert everything(demo, "/historical/fills", "fills", limit=50, **query) == list(filter(keep, whole)), name


def test_live_fills_take_a_list_of_tickers(demo: SimulatedExchange) -> None:
    tickers = sorted({f.ticker for f in demo.fills[-40:]})[:3]
    rows = everything(demo, "/portfolio/fills", "fills", ticker=",".join(tickers), limit=2)
    assert {f["ticker"] for f in rows} == set(tickers)


def test_old_fills_of_the_archive_lack_their_direction(demo: SimulatedExchange) -> None:
    for row in everything(demo, "/historical/fills", "fills", limit=1000):
        old = row["created_time"] < "2026-01-28"
        assert set(row) == (FILL_KEYS - {"outcome_side", "book_side"} if old else FILL_KEYS)


def test_very_old_fills_may_lack_fee_and_origin() -> None:
    exchange = SimulatedExchange(fills=300, bare_legacy_rows=True)
    row = everything(exchange, "/historical/fills", "fills", limit=1000)[-1]
    gone = {"outcome_side", "book_side", "fee_cost", "subaccount_number", "exchange_index"}
    assert set(row) == FILL_KEYS - gone


def test_settlements_vanish_when_their_event_is_archived(scripted: ScriptedExchange) -> None:
    scripted.add_market("KXCPI-26DEC-T0.4")
    scripted.trade(T, "yes", 10, "0.40", at=NOW - timedelta(days=5))
    scripted.settle(T, "yes", at=NOW - timedelta(days=4))
    assert len(everything(scripted, "/portfolio/settlements", "settlements")) == 1
    scripted.move_cutoff(NOW - timedelta(days=1))
    assert len(everything(scripted, "/portfolio/settlements", "settlements")) == 1
    scripted.settle("KXCPI-26DEC-T0.4", "no", at=NOW - timedelta(days=3))
    assert everything(scripted, "/portfolio/settlements", "settlements") == []
    assert status_of(scripted, f"/markets/{T}") == 404
    assert get(scripted, f"/historical/markets/{T}")["market"]["result"] == "yes"
    assert get(scripted, "/markets", tickers=T)["markets"] == []
    assert get(scripted, "/events/KXCPI-26DEC")["markets"] == []
    assert "markets" not in get(scripted, "/events/KXCPI-26DEC", with_nested_markets="true")["event"]
    old = everything(scripted, "/historical/positions", "market_positions")
    assert [(p["position_fp"], p["realized_pnl_dollars"]) for p in old] == [("0.00", "6.000000")]
    assert everything(scripted, "/portfolio/positions", "market_positions", settlement_status="all") == []


def test_a_settled_position_leaves_the_open_ones(scripted: ScriptedExchange) -> None:
    scripted.trade(T, "no", 10, "0.40")
    assert everything(scripted, "/portfolio/positions", "market_positions")[0]["position_fp"] == "-10.00"
    scripted.settle(T, "yes")
    assert everything(scripted, "/portfolio/positions", "market_positions") == []
    settled = everything(scripted, "/portfolio/positions", "market_positions", settlement_status="settled")
    assert settled[0]["realized_pnl_dollars"] == "-6.000000"


def test_flat_positions_are_listed_unless_filtered(scripted: ScriptedExchange) -> None:
    scripted.trade(T, "yes", 10, "0.40")
    scripted.trade(T, "no", 10, "0.40")
    assert len(everything(scripted, "/portfolio/positions", "market_positions")) == 1
    assert everything(scripted, "/portfolio/positions", "market_positions", count_filter="position") == []


def test_an_omitted_subaccount_means_what_is_documented(scripted: ScriptedExchange) -> None:
    scripted.deposit("100")
    scripted.transfer(0, 1, "40")
    scripted.trade(T, "yes", 10, "0.40", subaccount=1)
    assert len(everything(scripted, "/portfolio/fills", "fills")) == 1
    assert everything(scripted, "/portfolio/positions", "market_positions") == []
    assert len(everything(scripted, "/portfolio/positions", "market_positions", subaccount=1)) == 1
    assert get(scripted, "/portfolio/balance")["balance_dollars"] == "60.0000"
    assert get(scripted, "/portfolio/balance", subaccount=1)["balance_dollars"] == "35.8320"
    scripted.settle(T, "yes")
    assert len(everything(scripted, "/portfolio/settlements", "settlements")) == 1
    assert everything(scripted, "/portfolio/settlements", "settlements", subaccount=0) == []


def test_the_balance_is_that_of_the_books(demo: SimulatedExchange) -> None:
    for number in range(3):
        body = get(demo, "/portfolio/balance", subaccount=number)
        assert body["balance_dollars"] == f"{demo.books.cash(number) / 10**6:.4f}"
        assert body["balance"] == demo.books.cash(number) // 10_000
    rows = get(demo, "/portfolio/subaccounts/balances")["subaccount_balances"]
    assert sum(round(float(r["balance"]) * 10**4) for r in rows) * 100 == demo.books.cash()


def test_positions_agree_with_their_event_rows(demo: SimulatedExchange) -> None:
    body = get(demo, "/portfolio/positions", limit=1000)
    markets = {p["ticker"]: p for p in body["market_positions"]}
    assert {demo.world.markets[t].event.ticker for t in markets} == {e["event_ticker"] for e in body["event_positions"]}


def test_a_quote_without_bids_or_offers_shows_the_sentinels(scripted: ScriptedExchange) -> None:
    scripted.quote(T, bid=0, ask="0.07")
    row = get(scripted, f"/markets/{T}")["market"]
    assert (row["yes_bid_dollars"], row["yes_bid_size_fp"], row["no_ask_dollars"]) == ("0.0000", "0.00", "1.0000")
    assert (row["yes_ask_dollars"], row["no_bid_dollars"]) == ("0.0700", "0.9300")
    scripted.quote(T, bid="0.05", ask=1)
    assert get(scripted, f"/markets/{T}")["market"]["yes_ask_dollars"] == "1.0000"


def test_the_life_of_a_market_shows_in_its_status(scripted: ScriptedExchange) -> None:
    later = [NOW + timedelta(hours=h) for h in (1, 2, 3)]
    scripted.settle(T, "yes", determined=later[1], at=later[2])
    scripted.world.markets[T].closes = int(later[0].timestamp()) * 10**6
    seen = []
    for at in (NOW, *later):
        scripted.advance(at)
        row = get(scripted, f"/markets/{T}")["market"]
        seen.append((row["status"], row["result"], "settlement_ts" in row))
    assert seen == [("active", "", False), ("closed", "", False), ("determined", "yes", False), ("finalized", "yes", True)]  # fmt: skip  # noqa: E501


@pytest.mark.parametrize(
    ("status", "words"),
    [("open", {"active"}), ("closed", {"closed", "determined"}), ("settled", {"finalized"}), ("paused", set())],
)
def test_the_status_filter_speaks_another_language(demo: SimulatedExchange, status: str, words: set[str]) -> None:
    assert {m["status"] for m in everything(demo, "/markets", "markets", status=status, limit=1000)} == words


def test_time_filters_of_markets_hold(demo: SimulatedExchange) -> None:
    since = int(NOW.timestamp()) - 5 * 86400
    rows = everything(demo, "/markets", "markets", min_settled_ts=since, status="settled", limit=1000)
    assert rows
    assert all(row["settlement_ts"] >= "2026-11-15T17" for row in rows)


def test_combos_are_left_out_of_event_lists(demo: SimulatedExchange) -> None:
    combos = everything(demo, "/events/multivariate", "events")
    assert combos
    assert all(e["event_ticker"].startswith("KXMVE") for e in combos)
    listed = everything(demo, "/events", "events")
    assert not [e for e in listed if e["event_ticker"].startswith("KXMVE")]
    name = combos[0]["event_ticker"]
    assert get(demo, f"/events/{name}")["event"] == combos[0]
    assert get(demo, "/events", tickers=f"{name},{listed[0]['event_ticker']}")["events"] == [listed[0]]
    rows = [m for tier in ("/markets", "/historical/markets") for m in everything(demo, tier, "markets", limit=1000)]
    assert all("mve_selected_legs" in m for m in rows if m["ticker"].startswith("KXMVE"))


def test_fee_changes_are_past_or_to_come() -> None:
    before = SimulatedExchange(fills=900, now=datetime(2026, 6, 1, tzinfo=UTC))
    assert get(before, "/series/KXINX")["series"]["fee_multiplier"] == 0.5
    assert len(get(before, "/series/fee_changes")["series_fee_change_arr"]) == 1
    after = SimulatedExchange(fills=900)
    assert get(after, "/series/KXINX")["series"]["fee_multiplier"] == 1
    assert get(after, "/series/fee_changes")["series_fee_change_arr"] == []
    assert len(get(after, "/series/fee_changes", show_historical="true")["series_fee_change_arr"]) == 1


def test_orders_carry_the_costs_and_fees_of_their_fills(demo: SimulatedExchange) -> None:
    rows = everything(demo, "/portfolio/orders", "orders") + everything(demo, "/historical/orders", "orders")
    assert len({r["order_id"] for r in rows}) == len(rows) == len(demo.account.orders)
    total = sum(float(r["taker_fees_dollars"]) + float(r["maker_fees_dollars"]) for r in rows)
    assert total == pytest.approx(sum(f.fee for f in demo.fills) / 10**6)
    one = get(demo, f"/portfolio/orders/{rows[0]['order_id']}")["order"]
    assert one == rows[0]


def test_a_single_transfer_can_be_read(demo: SimulatedExchange) -> None:
    path = "/portfolio/intra_exchange_instance_transfers"
    row = get(demo, path)["transfers"][0]
    assert get(demo, f"{path}/{row['transfer_id']}")["transfer"] == row
    assert status_of(demo, f"{path}/x") == 404


def test_the_rest_answers(demo: SimulatedExchange) -> None:
    assert get(demo, "/account/endpoint_costs")["default_cost"] == 10
    assert get(demo, "/events/fee_changes") == {"event_fee_changes": [], "cursor": ""}
    assert not any(c["enabled"] for c in get(demo, "/portfolio/subaccounts/netting")["netting_configs"])
    demo.credentials()
    assert get(demo, "/api_keys")["api_keys"][0]["scopes"] == ["read"]
    assert get(demo, "/portfolio/positions", event_ticker="X")["market_positions"] == []


def test_the_rate_limit_holds_where_it_is_enforced(demo: SimulatedExchange) -> None:
    transport = SimulatedTransport(demo, verify=False, enforce_limits=True)
    answers = [call(demo, "/exchange/status", transport=transport) for _ in range(75)]
    assert {r.status_code for r in answers} == {200, 429}
    refused = next(r for r in answers if r.status_code == 429)
    assert refused.json()["error"]["code"] == "too_many_requests"
    assert "Retry-After" not in refused.headers


def test_strictness_finds_parameters_that_nobody_reads(demo: SimulatedExchange) -> None:
    strict = SimulatedTransport(demo, verify=False, strict=True)
    assert call(demo, "/portfolio/fills", transport=strict, limitt=3).status_code == 400
    assert call(demo, "/portfolio/fills", transport=strict, limit=3).status_code == 200
    assert call(demo, "/portfolio/fills", limitt=3).status_code == 200
    assert [seen.status for seen in strict.seen] == [400, 200]


def test_latency_is_waited_for(demo: SimulatedExchange) -> None:
    response = call(demo, "/exchange/status", transport=SimulatedTransport(demo, verify=False, latency=0.01))
    assert response.elapsed >= timedelta(milliseconds=10)
