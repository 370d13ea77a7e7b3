"""Fresh marks: only what is held is asked for, the new quotes are stored, and another exchange is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from store_rows import at, frame

import kalshi_portfolio as kp
from kalshi_portfolio.errors import ArgumentError, AuthenticationError, SettingsError
from kalshi_portfolio.schema import FILLS
from kalshi_portfolio.simulation import BASE_URL, SimulatedExchange, SimulatedTransport
from kalshi_portfolio.store import Identity, Store

if TYPE_CHECKING:
    from pathlib import Path


def test_only_the_open_markets_are_asked_for_and_their_quotes_are_stored(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty()
    for ticker in ("A-1", "B-1", "C-1"):
        exchange.add_market(ticker, bid="0.40", ask="0.42")
        exchange.trade(ticker, "yes", 10, "0.50")
    exchange.trade("C-1", "no", 10, "0.45")
    connection = kp.demo_connection(exchange)
    kp.sync(tmp_path / "d", connection=connection, progress=False)
    transport = SimulatedTransport(exchange)
    pf = kp.Portfolio(
        tmp_path / "d",
        client=lambda: kp.KalshiPublicClient(base_url=BASE_URL, transport=transport, requests_per_second=None),
    )
    assert pf.positions(status="open")["current_price_cents"].to_list() == [40, 40]
    exchange.quote("A-1", bid="0.61", ask="0.63")
    fresh = pf.refresh_marks().sort("ticker")
    assert fresh["current_price_cents"].to_list() == [61, 40]
    assert fresh["unrealized_pnl_cents"].to_list() == [110, -100]
    assert [(seen.path, seen.query["tickers"]) for seen in transport.seen] == [("/markets", "A-1,B-1")]
    assert kp.Portfolio(tmp_path / "d").positions(status="open", tickers="A-1")["current_price_cents"].item() == 61


def test_an_account_that_holds_nothing_asks_for_nothing(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty()
    kp.sync(tmp_path / "d", connection=kp.demo_connection(exchange), progress=False)
    assert kp.Portfolio(tmp_path / "d").refresh_marks().is_empty()


def test_data_of_another_exchange_than_the_settings_name_are_refused(tmp_path: Path) -> None:
    synced_from(tmp_path / "d", "old.example.com", "custom")
    with pytest.raises(SettingsError, match=r"'custom' \(old\.example\.com\).*Set KALSHI_API_BASE_URL"):
        kp.Portfolio(tmp_path / "d").refresh_marks()


def test_the_way_to_quotes_of_a_simulated_account_is_told(tmp_path: Path) -> None:
    synced_from(tmp_path / "d", "simulated-x", "simulated")
    with pytest.raises(SettingsError, match=r"kalshi-portfolio demo --root .* kp\.demo\(.*client=") as caught:
        kp.Portfolio(tmp_path / "d").refresh_marks()
    assert repr(str(tmp_path / "d")) in str(caught.value)
    assert "KALSHI_API_BASE_URL" not in str(caught.value)


def synced_from(folder: Path, host: str, environment: str) -> None:
    store = Store.open_for_sync(folder, Identity(host, environment))
    fill = {"kalshi_trade_id": "f", "ticker": "A-1", "side": "yes", "executed_at": at(-1), "subaccount": 0}
    store.upsert(FILLS, frame(FILLS, fill))


def test_a_first_sync_with_a_wrong_key_leaves_no_folder_behind(tmp_path: Path) -> None:
    exchange = SimulatedExchange.tiny()
    connection = kp.demo_connection(exchange)
    exchange.keys.revoke(exchange.credentials().key_id)
    with pytest.raises(AuthenticationError):
        kp.sync(tmp_path / "new", connection=connection, progress=False)
    assert not (tmp_path / "new").exists()


def test_a_folder_that_was_there_before_is_never_taken_away(tmp_path: Path) -> None:
    Store.open_for_sync(tmp_path / "d", Identity("h", "simulated"))
    again = Store.open_for_sync(tmp_path / "d", Identity("h", "simulated"))
    again.discard_if_new()
    assert Store.open(tmp_path / "d").mark.host == "h"


@pytest.mark.parametrize("method", ["equity", "summary", "reconcile"])
def test_the_analysis_frames_are_the_same_when_lazy(method: str) -> None:
    pf = kp.demo()
    eager, lazy = getattr(pf, method)(), getattr(pf, method)(lazy=True)
    assert lazy.collect_schema() == eager.schema
    assert lazy.collect().equals(eager)


def test_the_demo_account_reconciles_to_the_last_digit() -> None:
    checks = kp.demo().reconcile()
    assert checks.height > 700
    assert checks["ok"].all()
    assert set(checks["check"]) >= {"position", "settlement_pnl", "cash"}
    assert checks.filter(checks["check"] == "cash")["difference"].to_list() == [0, 0, 0]


def test_an_unknown_mark_or_method_is_refused_at_once() -> None:
    with pytest.raises(ArgumentError, match="bid, mid, last"):
        kp.demo().summary(mark="ask", lazy=True)
    with pytest.raises(ArgumentError, match="fifo, average"):
        kp.demo().equity(method="lifo", lazy=True)
