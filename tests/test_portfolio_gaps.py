"""A folder with gaps: what cannot be known is null and counted, whatever is missing, and the rest stays."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

import kalshi_portfolio as kp
from kalshi_portfolio.simulation import SimulatedExchange

if TYPE_CHECKING:
    from pathlib import Path


def round_trip_in_a_gap(root: Path) -> tuple[kp.Connection, str]:
    """Buy and sell again on a day whose file is then deleted: the net position does not show it."""
    exchange = SimulatedExchange.empty()
    now = exchange.now
    exchange.add_market("A-1", opens=now - timedelta(days=20), closes=now + timedelta(days=20))
    for days, side, price in ((10, "yes", "0.40"), (8, "no", "0.50"), (8, "yes", "0.60"), (6, "no", "0.30")):
        exchange.trade("A-1", side, 10, price, at=now - timedelta(days=days))
    connection = kp.demo_connection(exchange)
    kp.sync(root, connection=connection, progress=False)
    gone = (now - timedelta(days=8)).date().isoformat()
    return connection, gone


def figures(pf: kp.Portfolio) -> pl.DataFrame:
    return pf.positions().select("complete", "realized_pnl_cents", "net_pnl_cents")


def test_a_round_trip_in_a_deleted_day_invents_no_profit_and_the_next_sync_brings_it_back(tmp_path: Path) -> None:
    connection, gone = round_trip_in_a_gap(tmp_path / "d")
    pf = kp.Portfolio(tmp_path / "d")
    whole = figures(pf)
    assert whole["complete"].all()
    shutil.rmtree(tmp_path / "d" / "fills" / f"date={gone}")
    assert set(figures(pf).rows()) == {(False, None, None)}
    assert pf.pnl()["net_pnl_cents"].to_list() == [None]
    assert "have not been read" in pf.positions()["cause"][0]
    assert pf.summary()["as_of"].item() is None
    kp.sync(tmp_path / "d", connection=connection, progress=False)
    assert figures(pf).equals(whole)


@pytest.mark.filterwarnings("ignore::kalshi_portfolio.errors.NotSyncedWarning")  # see test_portfolio_unsynced
def test_fills_without_any_log_of_what_was_read_are_known_from_nowhere(tmp_path: Path) -> None:
    round_trip_in_a_gap(tmp_path / "d")
    shutil.rmtree(tmp_path / "d" / "sync_log")
    pf = kp.Portfolio(tmp_path / "d")
    assert not pf.positions()["complete"].any()
    assert pf.summary()["net_pnl_cents"].item() is None
    assert pf.summary()["incomplete_positions"].item() == pf.positions().height > 0
    assert "Nothing says which of the fills have been read" in repr(pf)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of the demo account's folder, to take things away from."""
    return shutil.copytree(kp.demo().root, tmp_path / "copy")


def test_one_missing_day_hides_only_the_markets_that_were_open_then(copy: Path) -> None:
    shutil.rmtree(copy / "fills" / "date=2026-11-19")
    positions = kp.Portfolio(copy).positions()
    whole = kp.demo().positions()
    hidden = positions.filter(~positions["complete"])
    assert 0 < hidden.height < positions.height / 5
    known = positions.filter(positions["complete"]).join(whole, on="position_id", suffix="_whole")
    assert (known["net_pnl_cents"] == known["net_pnl_cents_whole"]).all()


def test_the_newest_day_that_is_missing_is_told_like_any_other(copy: Path) -> None:
    newest = max((copy / "fills").iterdir())
    day = datetime.fromisoformat(f"{newest.name.removeprefix('date=')}T00:00:00+00:00")
    shutil.rmtree(newest)
    pf = kp.Portfolio(copy)
    fills = pf.coverage().filter(pl.col("dataset") == "fills")
    missing = fills.filter(pl.col("status") == "missing")
    assert set(missing["covered_from"]) == {day}
    assert set(missing["covered_to"]) == set(fills.filter(pl.col("status") == "complete")["covered_to"]) - {day}
    assert pf.summary()["as_of"].item() == day
    assert "missing from" in str(pf.status())


def test_without_markets_what_the_exchange_no_longer_lists_is_not_taken_for_open(copy: Path) -> None:
    shutil.rmtree(copy / "markets")
    positions = kp.Portfolio(copy).positions(status="open")
    assert positions.filter(positions["complete"]).height == kp.demo().positions(status="open").height
    assert positions.filter(~positions["complete"])["cause"].null_count() == 0


def test_fills_alone_leave_what_may_have_been_settled_out_of_the_sums(tmp_path: Path) -> None:
    exchange = SimulatedExchange.tiny()
    kp.sync(tmp_path / "d", connection=kp.demo_connection(exchange), only="fills", progress=False)
    positions = kp.Portfolio(tmp_path / "d").positions()
    held = positions.filter(positions["status"] == "open")
    assert held.height > 0
    assert not held["complete"].any()
    assert held["cause"].str.contains("Nothing is known of the market").all()
