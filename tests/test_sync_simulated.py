"""Whole syncs of simulated accounts: what is on disk is what the exchange's books say, row for row."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from simulated_api import everything as served
from sync_world import Unruly, connect, contents, read, sync, tree

import kalshi_portfolio as kp
from kalshi_portfolio.schema import BALANCES, FILLS, MARKETS, SETTLEMENTS, SNAPSHOTS, TRANSFERS
from kalshi_portfolio.simulation import NOW, BareExchange, SimulatedExchange

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)


def micros(series: pl.Series) -> list[int]:
    """Give cents as whole micro-dollars, exactly."""
    return [int(value * 10_000) for value in series]


def check_fills(root: Path, exchange: BareExchange) -> None:
    frame = read(root, FILLS)
    plain = frame.select("kalshi_trade_id", "ticker", "subaccount", "exchange_index", "side", "order_id", "is_taker")
    ours = zip(
        plain.rows(),
        micros(frame["yes_price_cents"]),
        [int(q * 100) for q in frame["quantity"]],
        micros(frame["fee_cents"]),
        frame["executed_at"].dt.epoch("us").to_list(),
        strict=True,
    )
    theirs = [
        (
            (f.fill_id, f.ticker, f.subaccount, f.exchange_index, f.side, f.order_id, f.is_taker),
            *(f.yes_price * 100, f.count, f.fee, f.at),
        )
        for f in exchange.fills
    ]
    assert sorted(ours) == sorted(theirs)


def check_settlements(root: Path, exchange: BareExchange, *, all_of_them: bool) -> None:
    frame = read(root, SETTLEMENTS) if not all_of_them else kp.Portfolio(root).settlements()
    ours = {
        (row["ticker"], row["subaccount"]): (
            row["market_result"],
            int(row["yes_quantity"] * 100),
            int(row["no_quantity"] * 100),
            int(row["yes_cost_cents"] * 10_000),
            int(row["no_cost_cents"] * 10_000),
        )
        for row in frame.iter_rows(named=True)
    }
    theirs = {
        (s.ticker, s.subaccount): (s.result, s.yes_count, s.no_count, s.yes_cost, s.no_cost)
        for s in exchange.settlements
    }
    if all_of_them:
        assert ours == theirs
    else:
        assert ours.items() <= theirs.items()
    assert frame.height == len(ours)


def check_positions(root: Path, exchange: BareExchange) -> None:
    latest = read(root, SNAPSHOTS).sort("last_synced").unique(SNAPSHOTS.key, keep="last")
    held = latest.filter(pl.col("quantity") > 0)
    ours = {(r["subaccount"], r["ticker"]): int(r["net_quantity"] * 100) for r in held.iter_rows(named=True)}
    books = exchange.books.positions()
    assert ours == {(p.subaccount, p.ticker): p.net for p in books if p.net and not p.settled}
    flat = latest.filter(pl.col("quantity") == 0)
    assert flat["closed_at"].null_count() == 0


def check_transfers(root: Path, exchange: BareExchange) -> None:
    frame = read(root, TRANSFERS)
    account = exchange.account
    theirs: list[tuple[str, str, str | None]] = [(m.kind, m.transfer_id, m.status) for m in account.movements]
    theirs += [("subaccount", t.transfer_id, None) for t in account.subaccount_transfers]
    theirs += [("margined", t.transfer_id, "complete") for t in account.instance_transfers]
    ours = frame.select("kind", "transfer_id", "status").rows()
    assert sorted(ours, key=str) == sorted(theirs, key=str)


def check_balances(root: Path, exchange: BareExchange) -> None:
    frame = read(root, BALANCES).sort("last_synced").unique(BALANCES.key, keep="last")
    purses = frame.select("subaccount", "exchange_index").rows()
    ours = dict(zip(purses, micros(frame["balance_cents"]), strict=True))
    for (subaccount, shard), cash in ours.items():
        assert cash == exchange.books.cash(subaccount, shard)
    assert set(exchange.books.accounts()) <= set(ours)


def check_markets(root: Path, exchange: BareExchange) -> None:
    frame = read(root, MARKETS)
    assert set(frame["ticker"]) == {f.ticker for f in exchange.fills}
    for row in frame.iter_rows(named=True):
        market = exchange.world.markets[row["ticker"]]
        series = market.event.series
        assert (row["event_ticker"], row["series_ticker"]) == (market.event.ticker, series.ticker)
        assert (row["title"], row["category"], row["series_title"]) == (market.title, series.category, series.title)
        if market.settled is not None and market.settled <= exchange.clock:
            assert (row["status"], row["result"]) == ("finalized", market.result)


def check_all(root: Path, exchange: BareExchange) -> None:
    check_fills(root, exchange)
    check_settlements(root, exchange, all_of_them=False)
    check_settlements(root, exchange, all_of_them=True)
    check_positions(root, exchange)
    check_transfers(root, exchange)
    check_balances(root, exchange)
    check_markets(root, exchange)
    coverage = kp.Portfolio(root).coverage()
    assert "missing" not in set(coverage["status"])


def test_every_dataset_equals_the_books_after_one_sync(tmp_path: Path) -> None:
    exchange = SimulatedExchange(fills=400)
    report = sync(tmp_path / "d", connect(exchange))
    check_all(tmp_path / "d", exchange)
    assert report["fills"].new == len(exchange.fills)
    assert not report.warnings
    assert report.missing == {"fills": (), "settlements": ()}
    assert report.in_quarantine == 0


def test_every_dataset_equals_the_books_while_the_account_goes_on(tmp_path: Path) -> None:
    exchange = SimulatedExchange(fills=300, subaccounts=2)
    for step in (timedelta(0), timedelta(hours=5), DAY, 20 * DAY):
        exchange.advance(exchange.now + step)
        report = sync(tmp_path / "d", connect(exchange, host="one"))
        assert not report.warnings
        check_all(tmp_path / "d", exchange)


def test_the_tiny_account_has_its_ten_fills_and_its_settlements(tmp_path: Path) -> None:
    exchange = SimulatedExchange.tiny()
    report = sync(tmp_path / "d", connect(exchange))
    check_all(tmp_path / "d", exchange)
    assert (report["fills"].new, report["settlements"].new, report["positions"].received) == (10, 2, 2)


def test_a_user_who_was_away_for_three_months_gets_everything(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty()
    exchange.deposit("100")
    exchange.add_market("KXA-1-T1", closes=NOW + 200 * DAY)
    for day in range(1, 90, 4):
        exchange.trade("KXA-1-T1", "yes" if day % 3 else "no", 1, "0.40", at=NOW + day * DAY)
    sync(tmp_path / "d", connect(exchange))
    exchange.advance(NOW + 92 * DAY)
    assert exchange.cutoff > NOW
    transport = Unruly(exchange)
    report = sync(tmp_path / "d", connect(exchange, transport))
    assert report["fills"].new == len(exchange.fills) == 23
    assert "/historical/fills" in transport.paths
    check_all(tmp_path / "d", exchange)


def test_fills_that_are_archived_while_they_are_read_are_not_lost(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty(overlap=timedelta(0))
    exchange.add_market("KXA-1-T1")
    for day in range(30):
        exchange.trade("KXA-1-T1", "yes", 1, "0.40", at=NOW - (30 - day) * DAY)
    first = exchange.cutoff

    def move(path: str) -> None:
        if path == "/portfolio/settlements":  # between the live fills and the second look at the cutoff
            exchange.move_cutoff(NOW - 10 * DAY)

    sync(tmp_path / "d", connect(exchange, Unruly(exchange, before=move)))
    assert exchange.cutoff > first
    check_fills(tmp_path / "d", exchange)
    moved: list[str] = []

    def move_first(path: str) -> None:
        if path == "/portfolio/fills" and not moved:  # after the first look at the cutoff, before the live fills
            moved.append(path)
            exchange.move_cutoff(NOW - 5 * DAY)

    report = sync(tmp_path / "e", connect(exchange, Unruly(exchange, before=move_first)))
    check_fills(tmp_path / "e", exchange)
    assert report.missing["fills"] == ()


def test_rows_that_the_exchange_takes_back_from_its_archive_are_read(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty(overlap=timedelta(0))
    exchange.add_market("KXA-1-T1")
    for day in range(30):
        exchange.trade("KXA-1-T1", "yes", 1, "0.40", at=NOW - (30 - day) * DAY)
    exchange.move_cutoff(NOW - 5 * DAY)
    sync(tmp_path / "d", connect(exchange), only="settlements")  # learns the cutoff, and no fills
    exchange.move_cutoff(NOW - 20 * DAY)
    report = sync(tmp_path / "d", connect(exchange))
    check_fills(tmp_path / "d", exchange)
    assert report.missing["fills"] == ()


def test_a_sync_since_a_day_is_completed_by_a_full_one_later(tmp_path: Path) -> None:
    exchange = SimulatedExchange.tiny()
    report = sync(tmp_path / "d", connect(exchange), since="2026-11-10", only="fills")
    early = read(tmp_path / "d", FILLS)
    assert 0 < early.height < 10
    assert early["executed_at"].min() >= datetime(2026, 11, 10, tzinfo=UTC)  # type: ignore[operator]
    assert "Fills are not complete before 2026-11-10 00:00 UTC." in str(report)
    report = sync(tmp_path / "d", connect(exchange))
    assert report["fills"].new == 10 - early.height
    check_all(tmp_path / "d", exchange)
    assert "not complete" not in str(report)


@pytest.mark.parametrize("ago", [3, 100])
def test_a_deleted_day_is_fetched_again_from_either_tier(tmp_path: Path, ago: int) -> None:
    exchange = SimulatedExchange.empty()
    exchange.add_market("KXA-1-T1", opens=NOW - 200 * DAY)
    for day in (120, 100, 40, 3, 2):
        exchange.trade("KXA-1-T1", "yes", day, "0.40", at=NOW - day * DAY)
    sync(tmp_path / "d", connect(exchange))
    whole = contents(tmp_path / "d")
    gone = tmp_path / "d" / "fills" / f"date={(NOW - ago * DAY).date()}" / "data.parquet"
    gone.unlink()
    assert "missing" in set(kp.Portfolio(tmp_path / "d").coverage()["status"])
    report = sync(tmp_path / "d", connect(exchange), only="fills")
    assert report["fills"].new == 1
    assert contents(tmp_path / "d") == whole


def test_a_deleted_day_of_settlements_is_fetched_again_while_it_is_listed(tmp_path: Path) -> None:
    exchange = SimulatedExchange.tiny()
    sync(tmp_path / "d", connect(exchange))
    whole = contents(tmp_path / "d")
    for file in (tmp_path / "d" / "settlements").rglob("*.parquet"):
        file.unlink()
    assert sync(tmp_path / "d", connect(exchange), only="settlements")["settlements"].new == 2
    assert contents(tmp_path / "d") == whole


def test_settlements_that_were_archived_unseen_are_rebuilt_when_they_are_read(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty()
    exchange.add_market("KXOLD-1-T1", opens=NOW - 200 * DAY, closes=NOW - 100 * DAY)
    exchange.trade("KXOLD-1-T1", "yes", 10, "0.40", at=NOW - 120 * DAY)
    exchange.trade("KXOLD-1-T1", "no", 4, "0.60", at=NOW - 110 * DAY)
    exchange.settle("KXOLD-1-T1", "yes", at=NOW - 100 * DAY)
    sync(tmp_path / "d", connect(exchange))
    assert read(tmp_path / "d", SETTLEMENTS).height == 0
    row = kp.Portfolio(tmp_path / "d").settlements().row(0, named=True)
    assert (row["source"], row["market_result"], int(row["revenue_cents"])) == ("market", "yes", 600)
    assert "archived" in set(kp.Portfolio(tmp_path / "d").coverage()["status"])


def test_a_second_sync_rewrites_no_file_of_what_lasts(tmp_path: Path) -> None:
    exchange = SimulatedExchange(fills=200)
    sync(tmp_path / "d", connect(exchange))
    before = tree(tmp_path / "d", "fills", "settlements", "transfers")
    exchange.advance(exchange.now + timedelta(seconds=30))
    report = sync(tmp_path / "d", connect(exchange))
    assert tree(tmp_path / "d", "fills", "settlements", "transfers") == before
    assert not report.changed


def test_a_new_subaccount_is_synced_from_its_beginning(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty()
    exchange.add_market("KXA-1-T1")
    exchange.trade("KXA-1-T1", "yes", 5, "0.40", at=NOW - 20 * DAY)
    sync(tmp_path / "d", connect(exchange))
    exchange.subaccounts = 2
    exchange.trade("KXA-1-T1", "no", 3, "0.40", subaccount=1, at=NOW - 10 * DAY)
    report = sync(tmp_path / "d", connect(exchange))
    assert report["fills"].new == 1
    check_all(tmp_path / "d", exchange)


def test_a_transfer_that_changes_its_status_is_changed_in_place(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty()
    exchange.deposit("100", status="pending")
    sync(tmp_path / "d", connect(exchange))
    assert read(tmp_path / "d", TRANSFERS)["amount_cents"].to_list() == [None]
    exchange.account.finalize(exchange.account.movements[0], "applied", exchange.clock)
    report = sync(tmp_path / "d", connect(exchange))
    assert (report["transfers"].new, report["transfers"].changed) == (0, 1)
    row = read(tmp_path / "d", TRANSFERS).row(0, named=True)
    assert (row["status"], int(row["amount_cents"])) == ("applied", 10_000)
    exchange.account.finalize(exchange.account.movements[0], "returned", exchange.clock)
    sync(tmp_path / "d", connect(exchange))
    assert read(tmp_path / "d", TRANSFERS)["status"].to_list() == ["returned"]


def test_combos_get_their_event_although_the_list_of_events_leaves_them_out(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty()
    exchange.add_market("KXMVE-1-C1", combo=True, title="Both?")
    exchange.add_market("KXA-1-T1")
    for ticker in ("KXMVE-1-C1", "KXA-1-T1"):
        exchange.trade(ticker, "yes", 1, "0.40")
    transport = Unruly(exchange)
    sync(tmp_path / "d", connect(exchange, transport))
    check_markets(tmp_path / "d", exchange)
    assert [p for p in transport.paths if p.startswith("/events/")] == ["/events/KXMVE-1"]


def test_a_market_that_the_exchange_does_not_have_is_said_and_not_asked_for_at_each_sync(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty()
    for ticker in ("KXA-1-T1", "KXB-1-T1"):
        exchange.add_market(ticker)
        exchange.trade(ticker, "yes", 1, "0.40", at=NOW - DAY)
        exchange.trade(ticker, "no", 1, "0.40")

    def forget(path: str, body: dict[str, Any]) -> None:
        if path in {"/markets", "/historical/markets"}:
            body["markets"] = [m for m in body["markets"] if m["ticker"] != "KXB-1-T1"]

    first = sync(tmp_path / "d", connect(exchange, Unruly(exchange, edit=forget)))
    again = Unruly(exchange, edit=forget)
    second = sync(tmp_path / "d", connect(exchange, again))
    for report in (first, second):
        assert any("1 of the traded markets" in w and "KXB-1-T1" in w for w in report.warnings)
    assert all("KXB-1-T1" not in query["tickers"] for query in again.queries("/markets"))
    exchange.advance(NOW + 2 * DAY)
    found = sync(tmp_path / "d", connect(exchange))
    assert not found.warnings
    check_markets(tmp_path / "d", exchange)


def test_balances_have_the_value_of_the_portfolio_and_every_shard(tmp_path: Path) -> None:
    exchange = SimulatedExchange.tiny()
    sync(tmp_path / "d", connect(exchange))
    frame = read(tmp_path / "d", BALANCES)
    assert frame["exchange_index"].to_list() == [0, 2]
    value = served_value(exchange)
    assert [int(v) for v in frame["portfolio_value_cents"]] == [value, value]


def served_value(exchange: BareExchange) -> int:
    from simulated_api import get  # noqa: PLC0415

    return int(get(exchange, "/portfolio/balance")["portfolio_value"])


def test_the_number_of_rows_received_is_what_the_exchange_sent(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty()
    exchange.add_market("KXA-1-T1")
    exchange.trade("KXA-1-T1", "yes", 2, "0.40", at=NOW - 2 * DAY)
    exchange.trade("KXA-1-T1", "yes", 2, "0.40", at=NOW - timedelta(hours=2))
    assert len(served(exchange, "/portfolio/fills", "fills")) == 2
    first = sync(tmp_path / "d", connect(exchange))
    assert (first["fills"].received, first["fills"].new, first["positions"].received) == (2, 2, 1)
    second = sync(tmp_path / "d", connect(exchange))
    assert (second["fills"].received, second["fills"].new, second["fills"].changed) == (1, 0, 0)
