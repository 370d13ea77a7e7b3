"""API rows of every shape become conforming frames; what does not fit is set aside with the reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_portfolio import schema
from kalshi_portfolio.errors import ProtocolError
from kalshi_portfolio.parse import (
    Parsed,
    Source,
    parse_balances,
    parse_events,
    parse_fills,
    parse_markets,
    parse_positions,
    parse_settlements,
    parse_transfers,
)

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SOURCE = Source(NOW)

FILL: dict[str, Any] = {
    "fill_id": "f1",
    "trade_id": "f1",
    "order_id": "o1",
    "ticker": "KXA-1",
    "market_ticker": "KXA-1",
    "exchange_index": 2,
    "outcome_side": "no",
    "book_side": "ask",
    "side": "no",
    "action": "sell",
    "count_fp": "2.50",
    "yes_price_dollars": "0.6520",
    "no_price_dollars": "0.3480",
    "is_taker": True,
    "fee_cost": "0.017063",
    "created_time": "2026-11-15T09:00:00.12Z",
    "subaccount_number": 3,
    "ts": 1794733200,
    "brand_new_field": {"nested": [1, None]},
}


def page(key: str, *rows: object) -> bytes:
    return json.dumps({key: list(rows), "cursor": ""}).encode()


def fill(**changes: Any) -> dict[str, Any]:
    return {k: v for k, v in (FILL | changes).items() if v != "-"}


def fills(*rows: object, source: Source = SOURCE) -> Parsed:
    return parse_fills([page("fills", *rows)], source)


def one(**changes: Any) -> dict[str, Any]:
    parsed = fills(fill(**changes))
    assert not parsed.set_aside
    return parsed.frame.row(0, named=True)


def reason(**changes: Any) -> str:
    parsed = fills(fill(), fill(fill_id="bad", trade_id="bad", **changes), fill(fill_id="f3"))
    assert parsed.frame["kalshi_trade_id"].to_list() == ["f1", "f3"]
    (aside,) = parsed.set_aside
    assert json.loads(aside.raw)["trade_id"] == "bad"
    return aside.reason


def test_a_fill_of_today() -> None:
    row = one()
    assert row == {
        "kalshi_trade_id": "f1",
        "order_id": "o1",
        "ticker": "KXA-1",
        "subaccount": 3,
        "exchange_index": 2,
        "side": "no",
        "quantity": Decimal("2.50"),
        "price_cents": Decimal("34.8000"),
        "yes_price_cents": Decimal("65.2000"),
        "total_cost_cents": Decimal("87.000000"),
        "fee_cents": Decimal("1.706300"),
        "is_taker": True,
        "executed_at": datetime(2026, 11, 15, 9, 0, 0, 120000, tzinfo=UTC),
        "reported_side": "no",
        "reported_action": "sell",
        "synced_at": NOW,
    }


def test_a_fill_of_january_2026() -> None:
    old = {
        "trade_id": "t1", "order_id": "o1", "ticker": "KXA-1", "side": "yes", "action": "buy", "count": 32,
        "price": 0.6, "yes_price": 60, "no_price": 40, "yes_price_fixed": "0.6000", "no_price_fixed": "0.4000",
        "is_taker": False, "created_time": "2026-01-10T16:11:11.109554Z", "ts": 1768061471,
    }  # fmt: skip
    row = fills(old).frame.row(0, named=True)
    assert (row["kalshi_trade_id"], row["side"], row["price_cents"], row["quantity"]) == ("t1", "yes", 60, 32)
    assert (row["subaccount"], row["exchange_index"], row["fee_cents"]) == (0, 0, None)


def test_a_fill_with_cents_alone() -> None:
    bare = {"yes_price_dollars": "-", "no_price_dollars": "-", "count_fp": "-", "count": 3, "yes_price": 65}
    row = one(**bare)
    assert (row["price_cents"], row["total_cost_cents"]) == (35, 105)


def test_the_new_name_wins_over_an_old_one_that_says_zero() -> None:
    row = one(count=0, yes_price=0, no_price=0)
    assert (row["quantity"], row["yes_price_cents"]) == (Decimal("2.50"), Decimal("65.2"))


@pytest.mark.parametrize("blank", [None, "", "-"])
def test_a_blank_new_name_gives_way_to_the_old_one(blank: str | None) -> None:
    assert one(count_fp=blank, count=7)["quantity"] == 7


@pytest.mark.parametrize(
    ("outcome", "book", "side", "action", "expected"),
    [
        ("yes", "bid", "no", "sell", "yes"),
        ("-", "ask", "yes", "buy", "no"),
        ("-", "-", "no", "sell", "no"),
        ("-", "-", "yes", "sell", "yes"),
        (None, None, "no", "buy", "no"),
        ("no", "-", "-", "-", "no"),
    ],
)
def test_direction_comes_from_outcome_then_book_then_side_never_action(
    outcome: str | None, book: str | None, side: str, action: str, expected: str
) -> None:
    assert one(outcome_side=outcome, book_side=book, side=side, action=action)["side"] == expected


def test_the_price_may_be_given_for_one_side_only() -> None:
    assert one(yes_price_dollars="-")["yes_price_cents"] == Decimal("65.2")
    assert one(no_price_dollars=None)["price_cents"] == Decimal("34.8")


def test_numbers_in_place_of_strings_are_read_digit_by_digit() -> None:
    raw = b'{"fills": [{"fill_id": "f", "ticker": "A", "side": "yes", "count_fp": 2.10, "yes_price_dollars": 0.123456,'
    raw += b' "fee_cost": 0.1, "created_time": "2026-11-15T09:00:00Z"}]}'
    row = parse_fills([raw], SOURCE).frame.row(0, named=True)
    assert (row["quantity"], row["yes_price_cents"], row["fee_cents"]) == (
        Decimal("2.10"),
        Decimal("12.3456"),
        Decimal(10),
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"outcome_side": "yes"}, "contradict"),
        ({"outcome_side": "maybe"}, "unknown value"),
        ({"outcome_side": "-", "book_side": "-", "side": "-"}, "direction is unknown"),
        ({"outcome_side": "-", "book_side": "-", "side": "both"}, "direction is unknown"),
        ({"no_price_dollars": "0.3481"}, "do not add up"),
        ({"yes_price_dollars": "1.2000", "no_price_dollars": "-0.2000"}, "not between 0 and 100"),
        ({"yes_price_dollars": "-", "no_price_dollars": "-"}, "price is missing"),
        ({"yes_price_dollars": "0.65200001", "no_price_dollars": "-"}, "yes_price_dollars is no number"),
        ({"count_fp": "0.00"}, "not above 0"),
        ({"count_fp": "-1.00"}, "not above 0"),
        ({"count_fp": "1.005"}, "count_fp is no number"),
        ({"count_fp": "NaN"}, "count_fp is no number"),
        ({"count_fp": "9" * 40}, "count_fp is no number"),
        ({"count_fp": "9999999999999999.00"}, "beyond what a file can hold"),
        ({"count_fp": [1]}, "neither text nor a number"),
        ({"count_fp": True}, "neither text nor a number"),
        ({"count_fp": "-"}, "count_fp is missing"),
        ({"fee_cost": "free"}, "fee_cost is no number"),
        ({"created_time": "yesterday"}, "no point in time"),
        ({"created_time": "-", "ts": "-"}, "created_time is missing"),
        ({"ticker": "", "market_ticker": "-"}, "ticker is missing"),
        ({"subaccount_number": -1}, "subaccount_number is no whole number"),
        ({"exchange_index": "two"}, "exchange_index is no whole number"),
    ],
)
def test_a_row_that_does_not_fit_is_set_aside_and_the_rest_stays(changes: dict[str, Any], words: str) -> None:
    assert words in reason(**changes)


@pytest.mark.parametrize("odd", [None, "text", 5, ["list"], True])
def test_a_row_that_is_no_object_is_set_aside(odd: object) -> None:
    parsed = fills(fill(), odd, fill(fill_id="f3"))
    assert parsed.frame["kalshi_trade_id"].to_list() == ["f1", "f3"]
    assert [a.raw for a in parsed.set_aside] == [json.dumps(odd)]


def test_a_row_set_aside_says_where_it_came_from() -> None:
    source = Source(NOW, tier="historical", subaccount=4)
    (aside,) = fills(fill(count_fp="x"), source=source).set_aside
    assert (aside.dataset, aside.tier, aside.subaccount, aside.ticker, aside.seen_at) == (
        "fills", "historical", 4, "KXA-1", NOW,
    )  # fmt: skip


def test_the_reason_quotes_what_came() -> None:
    assert "'1.005'" in reason(count_fp="1.005")


def test_rows_are_set_aside_from_the_right_page() -> None:
    pages = [
        page("fills", fill()),
        page("fills"),
        page("fills", fill(fill_id="x", count_fp="?"), fill(fill_id="f4")),
    ]
    parsed = parse_fills(pages, SOURCE)
    assert parsed.frame["kalshi_trade_id"].to_list() == ["f1", "f4"]
    assert json.loads(parsed.set_aside[0].raw)["fill_id"] == "x"


def test_the_subaccount_is_the_rows_then_the_one_asked_for_then_the_keys_then_primary() -> None:
    def subaccount(source: Source, number: Any) -> int:
        return int(fills(fill(subaccount_number=number), source=source).frame["subaccount"].item())

    assert subaccount(Source(NOW, subaccount=2, key_subaccount=5), 3) == 3
    assert subaccount(Source(NOW, subaccount=2, key_subaccount=5), None) == 2
    assert subaccount(Source(NOW, key_subaccount=5), None) == 5
    assert subaccount(Source(NOW), None) == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-08T09:00:00Z", datetime(2026, 3, 8, 9, tzinfo=UTC)),
        ("2026-03-08T09:00:00.5Z", datetime(2026, 3, 8, 9, 0, 0, 500000, tzinfo=UTC)),
        ("2026-03-08T05:00:00-04:00", datetime(2026, 3, 8, 9, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2038-01-19T03:14:08.000001Z", datetime(2038, 1, 19, 3, 14, 8, 1, tzinfo=UTC)),
    ],
)
def test_times_are_read_to_the_microsecond(text: str, expected: datetime) -> None:
    assert one(created_time=text)["executed_at"] == expected


@pytest.mark.parametrize("ts", [1794733200, 1794733200000, "1794733200"])
def test_ts_stands_in_for_a_missing_time_in_seconds_or_milliseconds(ts: int | str) -> None:
    assert one(created_time=None, ts=ts)["executed_at"] == datetime(2026, 11, 15, 9, tzinfo=UTC)


@pytest.mark.parametrize("body", [b'{"fills": null}', b'{"fills": [], "cursor": ""}', b"{}"])
def test_no_rows_give_an_empty_frame_of_the_schema(body: bytes) -> None:
    assert parse_fills([body], SOURCE).frame.equals(schema.FILLS.empty())
    assert parse_fills([], SOURCE).frame.schema == schema.FILLS.schema


def test_a_body_that_is_no_json_is_a_protocol_error() -> None:
    with pytest.raises(ProtocolError, match="not valid JSON"):
        parse_fills([b'{"fills": [{"fill_id": "f'], SOURCE)


odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.sampled_from([[], [1], {}, {"a": None}, "1e-7", "-0.00", "NaN", "9" * 40, "0.10", "yes", "bid"]),
)


@given(st.lists(st.dictionaries(st.sampled_from(sorted(FILL)), odd_values, max_size=3), max_size=4))
def test_whatever_comes_every_row_is_either_parsed_or_set_aside(changes: list[dict[str, Any]]) -> None:
    parsed = fills(*(fill(**change) for change in changes))
    assert parsed.frame.height + len(parsed.set_aside) == len(changes)
    assert parsed.frame.schema == schema.FILLS.schema


POSITION: dict[str, Any] = {
    "ticker": "KXA-1", "exchange_index": 0, "total_traded_dollars": "6.000000", "position_fp": "-6.00",
    "market_exposure_dollars": "2.530000", "realized_pnl_dollars": "-0.520000", "fees_paid_dollars": "0.170600",
    "last_updated_ts": "2026-11-05T18:30:00.000417Z",
}  # fmt: skip


def test_a_no_position_has_a_positive_quantity_and_a_half_even_average() -> None:
    source = Source(NOW, subaccount=1)
    row = parse_positions([page("market_positions", POSITION)], source).frame.row(0, named=True)
    assert (row["side"], row["quantity"], row["net_quantity"], row["subaccount"]) == ("no", 6, -6, 1)
    assert row["avg_price_cents"] == Decimal("42.1667")
    assert (row["market_exposure_cents"], row["realized_pnl_cents"], row["fees_paid_cents"]) == (
        253, -52, Decimal("17.06"),
    )  # fmt: skip


def test_an_old_position_in_integer_cents() -> None:
    old = {
        "ticker": "A",
        "position": 6,
        "market_exposure": 252,
        "realized_pnl": 52,
        "fees_paid": 17,
        "total_traded": 600,
    }
    row = parse_positions([page("market_positions", old)], SOURCE).frame.row(0, named=True)
    assert (row["side"], row["avg_price_cents"], row["total_traded_cents"]) == ("yes", 42, 600)


def test_a_flat_position_has_no_side_and_no_price() -> None:
    flat = POSITION | {"position_fp": "0.00", "market_exposure_dollars": "0.000000"}
    row = parse_positions([page("market_positions", flat)], SOURCE).frame.row(0, named=True)
    assert (row["side"], row["quantity"], row["avg_price_cents"]) == (None, 0, None)


def test_nulls_on_a_flat_position_stay_unknown() -> None:
    nulls = dict.fromkeys(POSITION, None) | {"ticker": "A", "exchange_index": 0}
    row = parse_positions([page("market_positions", nulls)], SOURCE).frame.row(0, named=True)
    assert (row["quantity"], row["realized_pnl_cents"], row["market_exposure_cents"]) == (0, None, None)


def test_a_null_position_with_exposure_is_set_aside() -> None:
    parsed = parse_positions([page("market_positions", POSITION | {"position_fp": None})], SOURCE)
    assert "position_fp is missing" in parsed.set_aside[0].reason


SETTLEMENT: dict[str, Any] = {
    "ticker": "KXA-1", "exchange_index": 0, "event_ticker": "KXA", "market_result": "no", "yes_count_fp": "10.00",
    "yes_total_cost_dollars": "1.000000", "no_count_fp": "25.50", "no_total_cost_dollars": "7.905000", "revenue": 1550,
    "settled_time": "2026-11-11T14:05:33.120000Z", "fee_cost": "0.444900", "value": 0,
}  # fmt: skip


def settlement(**changes: Any) -> dict[str, Any]:
    parsed = parse_settlements([page("settlements", SETTLEMENT | changes)], SOURCE)
    assert not parsed.set_aside
    return parsed.frame.row(0, named=True)


def test_a_settlement_mixes_integer_cents_and_dollar_strings() -> None:
    row = settlement()
    assert (row["revenue_cents"], row["no_cost_cents"], row["fee_cents"]) == (
        1550,
        Decimal("790.5"),
        Decimal("44.49"),
    )
    assert (row["yes_quantity"], row["no_quantity"], row["yes_payout_cents"]) == (10, Decimal("25.50"), 0)


def test_the_payout_follows_the_result_and_the_value_only_when_scalar() -> None:
    assert settlement(market_result="yes", value=0)["yes_payout_cents"] == 100
    assert settlement(market_result="scalar", value=37)["yes_payout_cents"] == 37
    assert settlement(market_result="scalar", value=None)["yes_payout_cents"] is None
    assert settlement(market_result="void", value=100)["yes_payout_cents"] is None
    assert settlement(market_result="", value=31)["market_result"] == "scalar"


def test_a_settlement_of_january_2026() -> None:
    old = {
        "ticker": "A", "event_ticker": "E", "market_result": "no", "yes_count": 2, "yes_total_cost": 104, "no_count": 0,
        "no_total_cost": 0, "revenue": 0, "settled_time": "2026-01-18T12:16:50.847652Z", "fee_cost": "0.0400",
        "value": 0,
    }  # fmt: skip
    row = parse_settlements([page("settlements", old)], SOURCE).frame.row(0, named=True)
    assert (row["yes_quantity"], row["yes_cost_cents"], row["fee_cents"]) == (2, 104, 4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"revenue": None}, "revenue is missing"),
        ({"settled_time": None}, "settled_time is missing"),
        ({"yes_count_fp": "-1.00"}, "negative"),
        ({"market_result": "scalar", "value": 101}, "value of a scalar market"),
    ],
)
def test_a_settlement_that_does_not_fit_is_set_aside(changes: dict[str, Any], words: str) -> None:
    parsed = parse_settlements([page("settlements", SETTLEMENT | changes)], SOURCE)
    assert parsed.frame.is_empty()
    assert words in parsed.set_aside[0].reason


def transfer(kind: str, key: str, **row: Any) -> dict[str, Any]:
    base = {
        "id": "d1",
        "status": "applied",
        "amount_cents": 10204,
        "fee_cents": 204,
        "created_ts": 1793534400,
    }
    parsed = parse_transfers([page(key, base | row)], SOURCE, kind=kind)
    assert not parsed.set_aside
    return parsed.frame.row(0, named=True)


def test_cash_effects_of_deposits_and_withdrawals() -> None:
    assert transfer("deposit", "deposits")["amount_cents"] == 10000
    assert transfer("withdrawal", "withdrawals", fee_cents=0)["amount_cents"] == -10204
    for status in ("pending", "failed", "returned", "something new"):
        row = transfer("deposit", "deposits", status=status)
        assert (row["amount_cents"], row["gross_cents"], row["status"]) == (None, 10204, status)


def test_a_move_between_subaccounts_is_no_cash_flow_of_the_account() -> None:
    moved = {
        "id": None, "transfer_id": "t1", "from_subaccount": 0, "to_subaccount": 2, "fee_cents": None, "status": None,
    }  # fmt: skip
    row = transfer("subaccount", "transfers", **moved)
    assert (row["amount_cents"], row["subaccount"], row["to_subaccount"], row["gross_cents"]) == (
        0,
        0,
        2,
        10204,
    )


@pytest.mark.parametrize(
    ("source", "destination", "expected"),
    [
        ("margined", "event_contract", 1500),
        ("event_contract", "margined", -1500),
        ("event_contract", "event_contract", 0),
    ],
)
def test_only_a_leg_to_or_from_the_margined_exchange_moves_cash(source: str, destination: str, expected: int) -> None:
    row = transfer(
        "margined", "transfers", transfer_id="m1", amount="15.0000", amount_cents=None, source=source,
        destination=destination, status="complete",
    )  # fmt: skip
    assert row["amount_cents"] == expected


def test_balances_per_subaccount_and_shard() -> None:
    rows = {"subaccount_number": 1, "exchange_index": 2, "balance": "18.0001", "updated_ts": 1795356000}
    row = parse_balances([page("subaccount_balances", rows)], SOURCE).frame.row(0, named=True)
    assert (row["subaccount"], row["exchange_index"], row["balance_cents"]) == (1, 2, Decimal("1800.01"))
    assert row["updated_at"] == datetime(2026, 11, 22, 14, tzinfo=UTC)


MARKET: dict[str, Any] = {
    "ticker": "KXA-1", "event_ticker": "KXA", "title": "Will it?", "status": "active", "result": "",
    "yes_bid_dollars": "0.5300", "yes_ask_dollars": "0.5550", "no_bid_dollars": "0.4450", "no_ask_dollars": "0.4700",
    "last_price_dollars": "0.5400", "close_time": "2026-12-10T13:25:00Z", "volume_fp": "12.50",
}  # fmt: skip


def market(source: Source = SOURCE, **changes: Any) -> dict[str, Any]:
    return parse_markets([page("markets", MARKET | changes)], source).frame.row(0, named=True)


def test_quotes_are_cents_and_an_empty_side_is_no_price() -> None:
    row = market()
    assert (row["yes_bid_cents"], row["yes_ask_cents"], row["quoted_at"]) == (53, Decimal("55.5"), NOW)
    empty = market(
        yes_bid_dollars="0.0000",
        yes_ask_dollars="1.0000",
        no_bid_dollars="0.0000",
        last_price_dollars="0.0000",
    )
    assert [empty[f"{n}_cents"] for n in ("yes_bid", "yes_ask", "no_bid", "last_price")] == [None] * 4


def test_the_payout_is_exact_and_null_until_determined() -> None:
    assert market()["yes_payout_cents"] is None
    assert market(settlement_value_dollars="0.0000")["yes_payout_cents"] is None
    assert market(result="yes")["yes_payout_cents"] == 100
    assert market(result="scalar", settlement_value_dollars="0.3060")["yes_payout_cents"] == Decimal("30.6")
    assert market(result="scalar")["yes_payout_cents"] is None


def test_an_archived_market_carries_no_quotes() -> None:
    row = market(Source(NOW, tier="historical"))
    assert (row["yes_bid_cents"], row["quoted_at"], row["title"]) == (None, None, "Will it?")


def test_events_give_what_their_markets_share() -> None:
    event = {
        "event_ticker": "KXA",
        "series_ticker": "KX",
        "title": "T",
        "collateral_return_type": "",
        "category": "Sports",
    }
    frame = parse_events([page("events", event)], SOURCE).frame
    assert frame.row(0, named=True) == {
        "event_ticker": "KXA", "event_title": "T", "series_ticker": "KX", "category": "Sports",
        "collateral_return_type": None, "mutually_exclusive": None,
    }  # fmt: skip


def test_the_frames_of_all_parsers_conform() -> None:
    assert parse_markets([page("markets", MARKET)], SOURCE).frame.schema == schema.MARKETS.schema
    assert parse_settlements([page("settlements", SETTLEMENT)], SOURCE).frame.schema == schema.SETTLEMENTS.schema
    assert parse_positions([page("market_positions", POSITION)], SOURCE).frame.schema == schema.SNAPSHOTS.schema
    assert isinstance(parse_transfers([], SOURCE, kind="deposit").frame, pl.DataFrame)
