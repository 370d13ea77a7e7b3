"""Positions: snapshots, marks, and how each of them comes to its end, once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from sync_world import Unruly, connect, read, sync

import kalshi_portfolio as kp
from kalshi_portfolio.schema import SNAPSHOTS
from kalshi_portfolio.simulation import NOW, ScriptedExchange, SimulatedExchange

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = "KXA-1-T1"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POSITIONS = "/portfolio/positions"


@pytest.fixture
def exchange() -> ScriptedExchange:
    made = SimulatedExchange.empty()
    made.add_market(T, bid="0.45", ask="0.55")
    return made


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "d"


def rows(root: Path) -> list[dict[str, Any]]:
    return read(root, SNAPSHOTS).sort("last_synced", "ticker", "exchange_index").rows(named=True)


def edit_positions(change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Callable[[str, Any], None]:
    def edit(path: str, body: dict[str, Any]) -> None:
        if path == POSITIONS:
            body["market_positions"] = change(body["market_positions"])

    return edit


@pytest.mark.parametrize(("side", "mark"), [("yes", 45), ("no", 45)])
def test_an_open_position_is_marked_at_the_bid_of_its_side(
    root: Path, exchange: ScriptedExchange, side: str, mark: int
) -> None:
    exchange.trade(T, side, 10, "0.40" if side == "yes" else "0.60", at=NOW - HOUR)
    sync(root, connect(exchange))
    row = rows(root)[0]
    assert (row["side"], int(row["quantity"]), int(row["avg_price_cents"])) == (side, 10, 40)
    assert int(row["current_price_cents"]) == mark
    assert row["closed_at"] is None


@pytest.mark.parametrize(("side", "other"), [("yes", "no"), ("no", "yes")])
def test_a_position_that_was_traded_away_is_closed_at_its_closing_fill(
    root: Path, exchange: ScriptedExchange, side: str, other: str
) -> None:
    exchange.trade(T, side, 10, "0.40", at=NOW - DAY)
    sync(root, connect(exchange, host="one"))
    exchange.trade(T, other, 10, "0.50", at=NOW + HOUR)
    exchange.advance(NOW + 2 * HOUR)
    hide = edit_positions(lambda listed: [row for row in listed if float(row["position_fp"])])
    transport = Unruly(exchange, edit=hide)
    sync(root, connect(exchange, transport, host="one"))
    row = rows(root)[-1]
    assert (int(row["quantity"]), row["side"], row["closed_at"]) == (0, None, NOW + HOUR)
    assert transport.paths.count(POSITIONS) == 1


def test_a_flat_row_that_stays_listed_is_recorded_once(root: Path, exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - DAY)
    exchange.trade(T, "no", 10, "0.50", at=NOW - HOUR)
    for days in range(4):
        exchange.advance(NOW + days * DAY)
        sync(root, connect(exchange, host="one"))
    found = rows(root)
    assert [row["closed_at"] for row in found] == [NOW - HOUR]


def test_a_settled_position_is_closed_when_it_was_paid_out(root: Path, exchange: ScriptedExchange) -> None:
    exchange.trade(T, "no", 10, "0.40", at=NOW - DAY)
    sync(root, connect(exchange, host="one"))
    exchange.settle(T, "no", at=NOW + HOUR)
    exchange.advance(NOW + 30 * DAY)
    sync(root, connect(exchange, host="one"))
    row = rows(root)[-1]
    assert (int(row["quantity"]), row["closed_at"]) == (0, NOW + HOUR)
    sync(root, connect(exchange, host="one"))
    assert len(rows(root)) == 2


def test_a_position_settled_and_archived_unseen_is_closed_by_its_market(root: Path, exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - DAY)
    sync(root, connect(exchange, host="one"))
    exchange.settle(T, "yes", at=NOW + HOUR)
    exchange.advance(NOW + 100 * DAY)
    transport = Unruly(exchange)
    sync(root, connect(exchange, transport, host="one"))
    assert rows(root)[-1]["closed_at"] == NOW + HOUR
    assert transport.paths.count(POSITIONS) == 1


def test_a_position_that_vanished_without_reason_is_closed_after_a_second_look(
    root: Path, exchange: ScriptedExchange
) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - DAY)
    sync(root, connect(exchange, host="one"))
    exchange.advance(NOW + DAY)
    transport = Unruly(exchange, edit=edit_positions(lambda _: []))
    sync(root, connect(exchange, transport, host="one"))
    assert [query.get("ticker") for query in transport.queries(POSITIONS)] == [None, T]
    row = rows(root)[-1]
    assert int(row["quantity"]) == 0
    assert NOW + DAY - timedelta(seconds=5) < row["closed_at"] <= NOW + DAY
    assert not kp.Portfolio(root).positions()["complete"].all()


def test_a_position_that_one_list_forgot_stays_open(root: Path, exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - DAY)
    sync(root, connect(exchange, host="one"))
    exchange.advance(NOW + DAY)
    times = iter([True, False])
    forget_once = edit_positions(lambda listed: [] if next(times) else listed)
    sync(root, connect(exchange, Unruly(exchange, edit=forget_once), host="one"))
    assert [int(row["quantity"]) for row in rows(root)] == [10, 10]
    assert all(row["closed_at"] is None for row in rows(root))


@pytest.mark.parametrize("status", [403, 404])
def test_a_second_look_that_is_refused_closes_nothing(root: Path, exchange: ScriptedExchange, status: int) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - DAY)
    sync(root, connect(exchange, host="one"))
    transport = Unruly(exchange, edit=edit_positions(lambda _: []))

    def refuse_second(path: str) -> None:
        if transport.paths.count(POSITIONS) == 2:
            transport.refuse = {POSITIONS: status}

    transport.before = refuse_second
    sync(root, connect(exchange, transport, host="one"))
    assert [int(row["quantity"]) for row in rows(root)] == [10]


def test_an_answer_with_a_row_that_does_not_fit_closes_nothing(root: Path, exchange: ScriptedExchange) -> None:
    exchange.add_market("KXB-1-T1")
    for ticker in (T, "KXB-1-T1"):
        exchange.trade(ticker, "yes", 10, "0.40", at=NOW - DAY)
    sync(root, connect(exchange, host="one"))

    def spoil(listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "position_fp": "many"} for row in listed if row["ticker"] == T]

    report = sync(root, connect(exchange, Unruly(exchange, edit=edit_positions(spoil)), host="one"))
    assert (report["positions"].set_aside, report.in_quarantine) == (1, 1)
    assert [int(row["quantity"]) for row in rows(root)] == [10, 10]
    assert sync(root, connect(exchange, host="one")).in_quarantine == 0


@pytest.mark.parametrize("status", [403])
def test_a_list_that_cannot_be_read_fails_the_sync_and_closes_nothing(
    root: Path, exchange: ScriptedExchange, status: int
) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - DAY)
    sync(root, connect(exchange, host="one"))
    with pytest.raises(kp.KalshiPortfolioError, match="/portfolio/positions"):
        sync(root, connect(exchange, Unruly(exchange, refuse={POSITIONS: status}), host="one"))
    assert [int(row["quantity"]) for row in rows(root)] == [10]


def test_a_position_that_flipped_between_syncs_is_open_on_its_new_side(root: Path, exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - DAY)
    sync(root, connect(exchange, host="one"))
    exchange.trade(T, "no", 25, "0.50", at=NOW + HOUR)
    exchange.advance(NOW + DAY)
    sync(root, connect(exchange, host="one"))
    row = rows(root)[-1]
    assert (row["side"], int(row["net_quantity"]), row["closed_at"]) == ("no", -15, None)


def test_a_position_that_was_closed_may_be_opened_again(root: Path, exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - DAY)
    for hours, side in ((1, "no"), (2, "yes")):
        sync(root, connect(exchange, host="one"))
        exchange.trade(T, side, 10, "0.50", at=NOW + hours * HOUR)
        exchange.advance(NOW + hours * HOUR)
    sync(root, connect(exchange, host="one"))
    found = rows(root)
    assert (int(found[-1]["quantity"]), found[-1]["closed_at"]) == (10, None)
    assert kp.Portfolio(root).positions()["status"].to_list() == ["closed", "open"]


@pytest.mark.parametrize(("before", "after"), [(0, 2), (2, 0)])
def test_a_position_that_moved_to_another_shard_is_open_once(
    root: Path, exchange: ScriptedExchange, before: int, after: int
) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - DAY)

    def on(shard: int) -> Any:
        return edit_positions(lambda listed: [{**row, "exchange_index": shard} for row in listed])

    sync(root, connect(exchange, Unruly(exchange, edit=on(before)), host="one"))
    exchange.advance(NOW + HOUR)
    sync(root, connect(exchange, Unruly(exchange, edit=on(after)), host="one"))
    latest = read(root, SNAPSHOTS).sort("last_synced").unique(SNAPSHOTS.key, keep="last")
    held = latest.filter(pl.col("quantity") > 0)
    assert held.select("exchange_index", "quantity").rows() == [(after, 10)]
    assert kp.Portfolio(root).positions()["complete"].to_list() == [True]


def test_a_fill_that_comes_between_fills_and_positions_is_found_by_the_self_check(
    root: Path, exchange: ScriptedExchange
) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - DAY)
    traded: list[str] = []

    def trade(path: str) -> None:
        if path == POSITIONS and not traded:
            exchange.trade(T, "yes", 5, "0.40")
            traded.append(path)

    report = sync(root, connect(exchange, Unruly(exchange, before=trade)))
    assert report["fills"].new == 2
    assert not report.warnings


def test_a_fill_that_the_windows_missed_is_found_by_ticker_once_per_sync(
    root: Path, exchange: ScriptedExchange
) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - 5 * DAY)
    exchange.trade(T, "yes", 7, "0.40", at=NOW - 4 * DAY)
    hidden = exchange.fills[0].fill_id

    def hide(path: str, body: dict[str, Any]) -> None:
        if path == "/portfolio/fills" and "ticker" not in transport.asked[-1][1]:
            body["fills"] = [row for row in body["fills"] if row["fill_id"] != hidden]

    transport = Unruly(exchange, edit=hide)
    report = sync(root, connect(exchange, transport))
    assert report["fills"].new == 2
    assert [query["ticker"] for query in transport.queries("/portfolio/fills") if "ticker" in query] == [T]
    assert not report.warnings


def test_a_market_whose_fills_never_add_up_is_said_and_left_out(root: Path, exchange: ScriptedExchange) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - 5 * DAY)
    exchange.trade(T, "yes", 7, "0.40", at=NOW - 4 * DAY)
    hidden = exchange.fills[0].fill_id

    def hide(path: str, body: dict[str, Any]) -> None:
        if path.endswith("/fills"):
            body["fills"] = [row for row in body["fills"] if row["fill_id"] != hidden]

    report = sync(root, connect(exchange, Unruly(exchange, edit=hide)))
    assert any("do not add up" in text and T in text for text in report.warnings)
    assert kp.Portfolio(root).positions()["complete"].to_list() == [False]


def test_a_settlement_that_another_reading_did_not_mend_is_not_read_again(
    root: Path, exchange: ScriptedExchange
) -> None:
    exchange.trade(T, "yes", 10, "0.40", at=NOW - 5 * DAY)
    exchange.trade(T, "yes", 7, "0.40", at=NOW - 4 * DAY)
    exchange.settle(T, "yes", at=NOW - DAY)
    hidden = exchange.fills[0].fill_id

    def hide(path: str, body: dict[str, Any]) -> None:
        if path.endswith("/fills"):
            body["fills"] = [row for row in body["fills"] if row["fill_id"] != hidden]

    asked = []
    for _ in range(2):
        transport = Unruly(exchange, edit=hide)
        sync(root, connect(exchange, transport))
        asked.append([q["ticker"] for q in transport.queries("/portfolio/fills") if "ticker" in q])
    assert asked == [[T], []]
