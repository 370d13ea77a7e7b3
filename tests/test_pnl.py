"""Marks and sums: every grouping adds up to the total, on the day it belongs to."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as Dec
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from ledger_rows import START, fills, market, markets, settled

from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.ledger import judge, link
from kalshi_portfolio.pnl import mark, pnl
from kalshi_portfolio.schema import LOTS, MARKETS, PNL_VALUES, POSITIONS

NY = "America/New_York"
QUOTED = {"yes_bid_cents": "40", "yes_ask_cents": "43", "no_bid_cents": "57", "no_ask_cents": "60"}


def marked(fill: str, kind: str, **quotes: str | None) -> tuple[Dec | None, Dec | None]:
    positions = link(fills(fill)).positions
    row = mark(positions, markets(market("T", **quotes)), kind).row(0, named=True)
    return row["current_price_cents"], row["unrealized_pnl_cents"]


def at(*times: datetime) -> pl.Series:
    return pl.Series("executed_at", times).dt.cast_time_unit("us")


def known(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    return frame.drop("quantity", "win_ratio").rows()


@pytest.mark.parametrize(
    ("fill", "kind", "quotes", "price", "gain"),
    [
        ("T yes 10 42", "bid", QUOTED, Dec(40), Dec(-20)),
        ("T yes 10 42", "mid", QUOTED, Dec("41.5"), Dec(-5)),
        ("T no 10 42", "bid", QUOTED, Dec(57), Dec(150)),
        ("T no 10 42", "mid", QUOTED, Dec("58.5"), Dec(165)),
        ("T yes 10 42", "last", {"last_price_cents": "44.1"}, Dec("44.1"), Dec(21)),
        ("T no 10 42", "last", {"last_price_cents": "44.1"}, Dec("55.9"), Dec(139)),
        ("T yes 10 42", "bid", {"no_ask_cents": "61"}, Dec(39), Dec(-30)),
        ("T no 10 42", "bid", {"yes_ask_cents": "61"}, Dec(39), Dec(-30)),
        ("T no 10 42", "mid", {"yes_bid_cents": "40", "yes_ask_cents": "43"}, Dec("58.5"), Dec(165)),
        ("T yes 10 42", "mid", {"yes_bid_cents": "40", "yes_ask_cents": "40.0001"}, Dec(40), Dec(-20)),
        (
            "T yes 10 42",
            "mid",
            {"yes_bid_cents": "40.0001", "yes_ask_cents": "40.0002"},
            Dec("40.0002"),
            Dec("-19.998"),
        ),
        ("T yes 10 42", "mid", {"yes_bid_cents": "40"}, None, None),
        ("T yes 10 42", "bid", {"yes_ask_cents": "40"}, None, None),
        ("T yes 10 42", "last", {}, None, None),
    ],
)
def test_a_mark_is_the_price_of_the_held_side(
    fill: str, kind: str, quotes: dict[str, str], price: Dec | None, gain: Dec | None
) -> None:
    assert marked(fill, kind, **quotes) == (price, gain)


def test_only_open_positions_are_marked_and_incomplete_ones_have_no_gain() -> None:
    own = fills("T yes 1 42", "T no 1 50", "U yes 1 42", "W yes 1 42")
    linked = link(own, None, judge(own, settled(), quarantined=[(0, "U")]))
    quotes = markets(market("T", **QUOTED), market("U", **QUOTED))
    rows = mark(linked.positions, quotes).sort("ticker").select("current_price_cents", "unrealized_pnl_cents").rows()
    assert rows == [(None, None), (Dec(40), None), (None, None)]


def test_marking_keeps_rows_order_and_schema_and_refuses_other_marks() -> None:
    linked = link(fills("U yes 1 42", "T yes 1 42"))
    rows = mark(linked.positions, MARKETS.empty())
    assert rows.equals(linked.positions)
    assert mark(POSITIONS.empty(), MARKETS.empty()).schema == POSITIONS.schema
    with pytest.raises(ArgumentError, match="bid, mid, last"):
        mark(linked.positions, MARKETS.empty(), "ask")


def two_days() -> pl.DataFrame:
    own = fills("T yes 10 42 5", "T no 4 45 2", "U no 1 95 1", "U yes 1 10 1")
    times = [datetime(2026, 7, 1, 12, tzinfo=UTC), datetime(2026, 7, 2, 3, tzinfo=UTC)] * 2
    return link(own.with_columns(at(*times))).lots


def test_the_total_is_one_row() -> None:
    row = pnl(two_days(), MARKETS.empty()).row(0, named=True)
    assert row == {
        "realized_pnl_cents": Dec(47), "fee_cents": Dec(9), "net_pnl_cents": Dec(38), "quantity": Dec(5), "lots": 2,
        "unknown_lots": 0, "win_ratio": 0.5,
    }  # fmt: skip


def test_pnl_falls_on_the_day_it_is_realised_and_a_fee_on_the_day_it_is_paid() -> None:
    frame = pnl(two_days(), MARKETS.empty(), freq="1d")
    assert known(frame) == [
        (date(2026, 7, 1), Dec(0), Dec(6), Dec(-6), 0, 0),
        (date(2026, 7, 2), Dec(47), Dec(3), Dec(44), 2, 0),
    ]
    assert frame["win_ratio"].to_list() == [None, 0.5]


def test_the_day_is_that_of_the_time_zone() -> None:
    assert pnl(two_days(), MARKETS.empty(), freq="1d", tz=NY)["period"].to_list() == [date(2026, 7, 1)]


@pytest.mark.parametrize(
    ("freq", "first"),
    [("1w", date(2026, 6, 29)), ("1mo", date(2026, 7, 1)), ("1q", date(2026, 7, 1)), ("1y", date(2026, 1, 1))],
)
def test_longer_periods_are_dates(freq: str, first: date) -> None:
    assert pnl(two_days(), MARKETS.empty(), freq=freq)["period"].to_list() == [first]


def test_hours_are_times_in_the_zone_also_when_the_clock_is_put_back() -> None:
    times = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (4, 5, 6, 7)]
    lots = link(fills(*["T yes 1 40"] * 4).with_columns(at(*times))).lots
    frame = pnl(lots, MARKETS.empty(), freq="1h", tz=NY)
    assert frame["period"].dt.convert_time_zone("UTC").dt.hour().to_list() == [4, 5, 6, 7]
    assert frame["period"].to_list()[0] == datetime(2026, 11, 1, 0, tzinfo=ZoneInfo(NY))


def test_a_day_without_a_midnight_is_a_day() -> None:
    times = [datetime(2026, 4, 24, hour, tzinfo=UTC) for hour in (0, 5)]  # Cairo skips 00:00 to 01:00 on that day
    lots = link(fills(*["T yes 1 40"] * 2).with_columns(at(*times))).lots
    assert pnl(lots, MARKETS.empty(), freq="1d", tz="Africa/Cairo")["period"].to_list() == [date(2026, 4, 24)]


def test_groups_of_lots_and_of_markets() -> None:
    known_markets = markets(market("T", series_ticker="S", result="yes", volume="7"), market("U", series_ticker="S"))
    lots = two_days()
    assert known(pnl(lots, known_markets, by="series_ticker")) == [("S", Dec(47), Dec(9), Dec(38), 2, 0)]
    assert known(pnl(lots, known_markets, by=["result", "side"])) == [
        ("yes", "yes", Dec(52), Dec(7), Dec(45), 1, 0),
        (None, "no", Dec(-5), Dec(2), Dec(-7), 1, 0),
    ]
    assert pnl(lots, known_markets, by="volume")["volume"].to_list() == [Dec(7), None]


@pytest.mark.parametrize(
    ("by", "groups"),
    [
        ("ticker", ["T", "U"]),
        ("side", ["no", "yes"]),
        ("subaccount", [0]),
        ("is_taker", [True]),
        ("price_bucket", ["40\u201350¢", "90\u2013100¢"]),
        ("hour", [12]),
        ("weekday", [3]),
        ("position_id", ["T/0/f1", "U/0/f3"]),
    ],
)
def test_groups_by_what_a_lot_knows(by: str, groups: list[Any]) -> None:
    frame = pnl(two_days(), MARKETS.empty(), by=by)
    assert frame[by].to_list() == groups
    assert frame["net_pnl_cents"].sum() == Dec(38)


def test_hour_and_weekday_are_those_of_the_zone() -> None:
    lots = link(fills("T yes 1 40").with_columns(at(datetime(2026, 7, 2, 3, tzinfo=UTC)))).lots
    assert pnl(lots, MARKETS.empty(), by=["weekday", "hour"], tz=NY).select("weekday", "hour").rows() == [(3, 23)]


def test_price_buckets_sort_as_text_and_have_their_lower_end() -> None:
    lots = link(fills("A yes 1 0", "B yes 1 9.9999", "C yes 1 10", "D yes 1 99", "E yes 1 100")).lots
    frame = pnl(lots, MARKETS.empty(), by=["price_bucket", "ticker"])
    assert frame.select("price_bucket", "ticker").rows() == [
        ("00\u201310¢", "A"), ("00\u201310¢", "B"), ("10\u201320¢", "C"), ("90\u2013100¢", "D"), ("90\u2013100¢", "E"),
    ]  # fmt: skip


def test_unknown_lots_are_counted_and_a_group_of_them_has_no_sums() -> None:
    own = fills("T yes 2 42", "T no 1 45", "U yes 1 42 -", "U no 1 45", "W yes 1 40 -", "X yes 1 42", "X no 1 45")
    lots = link(own, None, judge(own, settled(), quarantined=[(0, "T")])).lots
    frame = pnl(lots, MARKETS.empty(), by="ticker")
    assert known(frame) == [
        ("T", None, None, None, 0, 2),
        ("U", Dec(13), None, None, 1, 1),  # what it realised, before fees, is known
        ("W", None, None, None, 0, 1),
        ("X", Dec(13), Dec(2), Dec(11), 1, 0),
    ]
    assert frame["win_ratio"].to_list() == [None, None, None, 1.0]
    assert known(pnl(lots, MARKETS.empty())) == [(Dec(26), Dec(2), Dec(11), 2, 4)]


def test_no_lots_give_no_rows_but_the_schema() -> None:
    for by in ((), "hour", ["price_bucket", "title"]):
        frame = pnl(LOTS.empty(), MARKETS.empty(), by=by, freq="1mo")
        assert frame.height == 0
        for column in PNL_VALUES:
            assert frame.schema[column.name] == column.dtype


def test_values_have_their_dtypes() -> None:
    frame = pnl(two_days(), MARKETS.empty(), by="ticker")
    assert frame.columns == ["ticker", *(c.name for c in PNL_VALUES)]
    assert [frame.schema[c.name] for c in PNL_VALUES] == [c.dtype for c in PNL_VALUES]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"by": "colour"}, r"\['colour'\].*category.*price_bucket"),
        ({"by": ["ticker", "at"]}, r"\['at'\]"),
        ({"freq": "day"}, "freq='day'"),
        ({"freq": ""}, "freq=''"),
        ({"freq": "1d12h"}, "freq"),
        ({"freq": "0d"}, "freq"),
        ({"tz": "Mars/Base"}, "Mars"),
        ({"tz": ""}, "time zone"),
    ],
)
def test_what_cannot_mean_anything_is_refused_with_what_can(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        pnl(LOTS.empty(), MARKETS.empty(), **arguments)


def test_bounds_keep_what_was_realised_or_paid_between_them() -> None:
    lots = link(fills("T yes 10 40 2", "T no 10 50 1")).lots  # bought at minute 1, sold at minute 2
    first, second = (pl.Series([START + timedelta(minutes=n)]).item() for n in (1, 2))
    paid = pnl(lots, MARKETS.empty(), until=second)
    realised = pnl(lots, MARKETS.empty(), since=second)
    assert paid.select("realized_pnl_cents", "fee_cents", "lots").rows() == [(0, 2, 0)]
    assert realised.select("realized_pnl_cents", "fee_cents", "lots").rows() == [(100, 1, 1)]
    assert pnl(lots, MARKETS.empty(), since=second, until=second).is_empty()
    assert pnl(lots, MARKETS.empty(), since=first)["net_pnl_cents"].to_list() == [97]
