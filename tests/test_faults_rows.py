"""Rows with nulls, wrong types and unknown words: read as unknown, or set aside with a reason; never as a zero."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import fault_kinds as kinds
import pytest
from fault_exchange import FOREVER, Fault, FaultExchange
from fault_world import (
    TICKERS,
    C,
    D,
    account,
    check_books,
    check_same_as_calm,
    check_subset_of_books,
    in_quarantine,
    line,
    sync,
)
from simulated_api import everything
from sync_world import read

import kalshi_portfolio as kp
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
from kalshi_portfolio.schema import FILLS, MARKETS, SETTLEMENTS
from kalshi_portfolio.simulation import NOW
from kalshi_portfolio.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def world() -> Iterator[FaultExchange]:
    with FaultExchange(account()) as served:
        yield served


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "d"


def check(root: Path, world: FaultExchange) -> None:
    check_books(root, world.exchange)
    check_same_as_calm(root, world.exchange)


# Each field of each list in turn


def _moves(kind: str) -> Callable[[list[bytes], Source], Parsed]:
    return lambda pages, source: parse_transfers(pages, source, kind=kind)


PARSERS: dict[str, Callable[[list[bytes], Source], Parsed]] = {
    "/portfolio/fills": parse_fills,
    "/historical/fills": parse_fills,
    "/portfolio/settlements": parse_settlements,
    "/portfolio/positions": parse_positions,
    "/portfolio/deposits": _moves("deposit"),
    "/portfolio/withdrawals": _moves("withdrawal"),
    "/portfolio/subaccounts/transfers": _moves("subaccount"),
    "/portfolio/intra_exchange_instance_transfers": _moves("margined"),
    "/portfolio/subaccounts/balances": parse_balances,
    "/markets": parse_markets,
    "/events": parse_events,
}
NO_NUMBER = [True, False, [], [1, [2]], {}, {"a": None}, "", "-", "NaN", "Infinity", "12,5", "0x10", "\x00", "ä" * 40]
NO_TEXT = [True, 7, -1, 0, 10**30, [], ["yes"], {}, {"yes": 1}]
BEYOND = ["1.123456789", "9" * 40, 10**40, "1e400", -(10**19)]
NAMES = {
    "fill_id",
    "trade_id",
    "ticker",
    "market_ticker",
    "event_ticker",
    "transfer_id",
    "id",
    "outcome_side",
    "book_side",
}
DESCRIPTIVE = {("/portfolio/settlements", "event_ticker"), ("/markets", "event_ticker")}


def _rows(path: str) -> list[dict[str, Any]]:
    asked = {"tickers": ",".join(TICKERS)} if path == "/markets" else {}
    asked |= {"subaccount": "1"} if path.endswith(("fills", "settlements", "positions")) else {}
    return everything(account(), path, kinds.LISTS[path], **asked)


def _read(path: str, rows: list[Any]) -> Parsed:
    number = 1 if path.endswith(("fills", "settlements", "positions")) else None
    return PARSERS[path]([json.dumps({kinds.LISTS[path]: rows}).encode()], Source(NOW, "live", number))


def _invented(path: str, true: dict[str, Any], values: list[tuple[str, Any]]) -> list[tuple[str, Any, str, Any]]:
    """Put values into fields of a row, one at a time.

    Returns:
        Field, value, column and content of every column that became something else than null.
    """
    before = _read(path, [true])
    assert not before.set_aside
    odd = [(field, value) for field, value in values if value != true[field] or type(value) is not type(true[field])]
    sent = [json.dumps(true | {field: value}) for field, value in odd]
    got = _read(path, [json.loads(text) for text in sent])
    aside = {row.raw for row in got.set_aside}
    assert aside <= set(sent)
    assert all(row.reason for row in got.set_aside)
    kept = [pair for pair, text in zip(odd, sent, strict=True) if text not in aside]
    assert len(kept) == got.frame.height
    was = before.frame.row(0, named=True)
    return [
        (*pair, name, now)
        for pair, row in zip(kept, got.frame.iter_rows(named=True), strict=True)
        for name, now in row.items()
        if now is not None and now != was[name]
    ]


@pytest.mark.parametrize("path", PARSERS)
def test_a_null_is_unknown_or_sets_the_row_aside_whatever_the_field(path: str) -> None:
    for row in _rows(path):
        assert _invented(path, row, [(field, None) for field in row]) == []


@pytest.mark.parametrize("path", PARSERS)
def test_a_value_of_the_wrong_type_is_unknown_or_sets_the_row_aside(path: str) -> None:
    for row in _rows(path):
        assert _invented(path, row, [(field, value) for field in row for value in _wrong(path, field)]) == []


def _wrong(path: str, field: str) -> list[Any]:
    if field.endswith(("_dollars", "_fp", "_cents")) or field in {"fee_cost", "revenue", "balance", "amount"}:
        return [*NO_NUMBER, *BEYOND]
    if field.endswith(("_time", "_ts")):
        return [value for value in NO_NUMBER if value != "12,5"]
    return NO_TEXT if field in NAMES and (path, field) not in DESCRIPTIVE else []


@pytest.mark.parametrize("path", PARSERS)
def test_a_row_that_is_no_row_is_set_aside(path: str) -> None:
    parsed = _read(path, [None, "x", 5, [], [{}], True, {}])
    assert (parsed.frame.height, len(parsed.set_aside)) == (0, 7)


# A row that comes wrong, and later right


WRONG: list[tuple[str, str, str, Any]] = [
    ("fills", "/portfolio/fills", "count_fp", None),
    ("fills", "/historical/fills", "created_time", {}),
    ("fills", "/portfolio/fills", "exchange_index", None),
    ("fills", "/portfolio/fills", "outcome_side", "maybe"),
    ("settlements", "/portfolio/settlements", "revenue", None),
    ("settlements", "/portfolio/settlements", "market_result", None),
    ("settlements", "/portfolio/settlements", "exchange_index", None),
    ("settlements", "/portfolio/settlements", "settled_time", "soon"),
    ("positions", "/portfolio/positions", "position_fp", None),
    ("transfers", "/portfolio/deposits", "amount_cents", "1.5.0"),
    ("transfers", "/portfolio/intra_exchange_instance_transfers", "destination", None),
    ("balances", "/portfolio/subaccounts/balances", "subaccount_number", None),
    ("markets", "/markets", "yes_bid_dollars", "cheap"),
    ("markets", "/historical/markets", "exchange_index", None),
]


@pytest.mark.parametrize(("dataset", "path", "field", "value"), WRONG)
def test_a_row_that_comes_wrong_is_kept_counted_and_said_until_it_comes_right(
    world: FaultExchange, root: Path, dataset: str, path: str, field: str, value: Any
) -> None:
    # Of fills, two names have to be wrong: both say the time.
    fields = (
        ("created_time", "ts")
        if field == "created_time"
        else ("outcome_side", "book_side", "side")
        if field == "outcome_side"
        else (field,)
    )
    world.faults = [kinds.field_set("wrong", name, value, nth=-1, path=path, times=FOREVER) for name in fields]
    for _ in range(2):
        report = sync(root, line(world))
        assert report.in_quarantine == sum(in_quarantine(root).values()) >= 1
        assert set(in_quarantine(root)) == {dataset}
        assert "in quarantine" in str(report)
        check_subset_of_books(root, world.exchange)
    world.faults = []
    report = sync(root, line(world))
    assert (report.in_quarantine, report.warnings) == (0, ())
    check(root, world)


@pytest.mark.parametrize("path", ["/portfolio/fills", "/historical/fills", "/portfolio/settlements", "/markets"])
@pytest.mark.parametrize("row", [None, {"ticker": None}], ids=str)
def test_a_row_that_does_not_even_name_its_market_is_read_again_by_its_time(
    world: FaultExchange, root: Path, path: str, row: Any
) -> None:
    world.faults = [kinds.changed("no row", lambda true: row or "no row", nth=-1, path=path, times=FOREVER)]
    for _ in range(2):
        assert sync(root, line(world)).in_quarantine >= 1
        check_subset_of_books(root, world.exchange)
    world.faults = []
    sync(root, line(world))
    assert sync(root, line(world)).in_quarantine == 0
    check(root, world)


def test_a_row_that_was_right_and_comes_wrong_is_not_lost(world: FaultExchange, root: Path) -> None:
    sync(root, line(world))
    world.exchange.settle(D, "yes")  # type: ignore[attr-defined]
    sync(root, line(world))
    world.faults = [
        kinds.field_set("wrong", "revenue", None, path="/portfolio/settlements", times=FOREVER),
        kinds.field_set("wrong", "count_fp", None, path="/portfolio/fills", times=FOREVER),
    ]
    report = sync(root, line(world))
    assert (report["fills"].set_aside, report["settlements"].set_aside) == (1, 1)
    assert report["fills"].changed == report["settlements"].changed == 0
    check(root, world)
    world.faults = []
    assert sync(root, line(world)).in_quarantine == 0
    check(root, world)


def test_pnl_is_left_out_while_a_fill_is_in_quarantine(world: FaultExchange, root: Path) -> None:
    world.faults = [kinds.field_set("wrong", "count_fp", "?", path="/portfolio/fills", times=FOREVER)]
    sync(root, line(world))
    aside = {(row.subaccount, row.ticker) for row in Store.open(root).quarantined("fills")}
    complete = kp.Portfolio(root).positions().select("subaccount", "ticker", "complete").rows()
    assert len(aside) == 2
    assert {(number, ticker) for number, ticker, whole in complete if not whole} >= aside & {
        row[:2] for row in complete
    }


# Words that nobody knows


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [
        ("/markets", "status", "quantum"),
        ("/markets", "result", "both"),
        ("/markets", "market_type", "ternary"),
        ("/portfolio/settlements", "market_result", "both"),
        ("/portfolio/deposits", "status", "on_the_moon"),
        ("/portfolio/deposits", "type", "barter"),
        ("/portfolio/intra_exchange_instance_transfers", "status", "queued"),
        ("/portfolio/intra_exchange_instance_transfers", "destination", "casino"),
        ("/portfolio/fills", "action", "swap"),
        ("/portfolio/fills", "side", "maybe"),
    ],
)
def test_an_unknown_word_stops_no_sync(world: FaultExchange, root: Path, path: str, field: str, value: str) -> None:
    world.faults = [kinds.field_set("unknown word", field, value, path=path, times=FOREVER)]
    report = sync(root, line(world))
    assert report.in_quarantine == 0
    assert read(root, FILLS).height == len(world.exchange.fills)
    kp.Portfolio(root).positions()
    kp.Portfolio(root).pnl()


def test_an_unknown_result_pays_nothing_that_is_known(world: FaultExchange, root: Path) -> None:
    world.faults = [
        kinds.field_set("unknown word", "market_result", "both", path="/portfolio/settlements", times=FOREVER)
    ]
    sync(root, line(world))
    settled = read(root, SETTLEMENTS).filter(market_result="both")
    assert settled.height > 0
    assert settled["yes_payout_cents"].null_count() == settled.height


# Answers that are one object


OBJECTS = {
    "/exchange/user_data_timestamp": ("as_of_time",),
    "/historical/cutoff": ("trades_created_ts", "market_settled_ts"),
    "/account/limits": ("read",),
    "/portfolio/balance": ("balance", "balance_dollars", "portfolio_value", "balance_breakdown", "updated_ts"),
    "/series/.*": ("series",),
}


@pytest.mark.parametrize("value", [None, "?", [], -5], ids=str)
@pytest.mark.parametrize("path", OBJECTS)
def test_an_object_with_odd_values_stops_no_sync_and_invents_nothing(
    world: FaultExchange, root: Path, path: str, value: Any
) -> None:
    def odd(asked: Any, body: dict[str, Any]) -> None:
        body.update(dict.fromkeys(OBJECTS[path], value))

    world.faults = [Fault("odd object", path=path, times=FOREVER, rows=odd)]
    sync(root, line(world))
    check_subset_of_books(root, world.exchange)
    assert set(read(root, MARKETS)["ticker"]) <= set(TICKERS)
    world.faults = []
    sync(root, line(world))
    check_books(root, world.exchange)


def test_a_scalar_settlement_without_its_value_takes_the_payout_of_its_market(world: FaultExchange, root: Path) -> None:
    world.faults = [kinds.field_set("null", "value", None, path="/portfolio/settlements", times=FOREVER)]
    sync(root, line(world))
    assert None in read(root, SETTLEMENTS).filter(ticker=C)["yes_payout_cents"].to_list()
    settled = kp.Portfolio(root).settlements().filter(ticker=C)
    assert set(settled["yes_payout_cents"]) == {37}
