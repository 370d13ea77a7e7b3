"""The demo account, from the simulated exchange through sync and ledger, against the exchange's own exact books."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections import defaultdict
from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

import kalshi_portfolio as kp
from kalshi_portfolio.errors import RootMismatchError, StoreError
from kalshi_portfolio.simulation import SimulatedExchange
from kalshi_portfolio.simulation.amounts import at_time

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kalshi_portfolio.simulation.records import Settlement

Key = tuple[int, str]

demo_module = importlib.import_module("kalshi_portfolio.demo")  # the package exports the function of that name

GROUPINGS: list[dict[str, Any]] = [
    {"by": name}
    for name in (
        "ticker", "event_ticker", "series_ticker", "category", "side", "is_taker", "subaccount", "exchange_index",
        "position_id", "price_bucket", "hour", "weekday", "result", "status",
    )
] + [
    {"freq": freq, "tz": tz}
    for freq in ("1h", "1d", "1w", "1mo", "1q", "1y")
    for tz in ("UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia", "America/Sao_Paulo")
] + [
    {"by": ["category", "side"], "freq": "1mo", "tz": "America/New_York"},
    {"by": ["hour", "weekday"], "tz": "Asia/Tokyo"},
]  # fmt: skip


class Account:
    """An exchange and the portfolio that was synced from it."""

    def __init__(self, exchange: SimulatedExchange, folder: Path) -> None:
        self.exchange = exchange
        self.connection = kp.demo_connection(exchange)
        self.folder = folder
        self.sync()
        self.pf = kp.Portfolio(folder)

    def sync(self) -> kp.SyncReport:
        return kp.sync(self.folder, connection=self.connection, progress=False)


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Account:
    return Account(SimulatedExchange(), tmp_path_factory.mktemp("demo") / "data")


@pytest.fixture(scope="module")
def advanced(tmp_path_factory: pytest.TempPathFactory) -> Account:
    """Give an account that was synced, traded on for five weeks, synced on the way and at the end."""
    account = Account(SimulatedExchange(fills=1200), tmp_path_factory.mktemp("advanced") / "data")
    for days in (1, 6, 30):
        account.exchange.advance(account.exchange.now + timedelta(days=days))
        account.sync()
    return account


@pytest.fixture(scope="module", params=["account", "advanced"])
def either(request: pytest.FixtureRequest) -> Account:
    found: Account = request.getfixturevalue(request.param)
    return found


def micros(cents: Any) -> Fraction:
    """Give cents as micro-dollars, exactly."""
    return Fraction(cents) * 10_000


def hundredths(contracts: Any) -> Fraction:
    return Fraction(contracts) * 100


def summed(frame: pl.DataFrame, column: str) -> dict[Key, Fraction]:
    """Sum a column per market and subaccount in exact fractions."""
    sums: defaultdict[Key, Fraction] = defaultdict(Fraction)
    for subaccount, ticker, value in frame.select("subaccount", "ticker", column).iter_rows():
        sums[subaccount, ticker] += Fraction(value)
    return dict(sums)


def total(values: Iterable[Any]) -> Fraction:
    return sum((Fraction(value) for value in values), Fraction(0))


def test_the_fills_are_those_of_the_books(either: Account) -> None:
    fills = either.pf.fills()
    theirs = [
        (f.fill_id, f.ticker, f.subaccount, f.exchange_index, f.side, f.order_id, f.is_taker, at_time(f.at))
        for f in either.exchange.fills
    ]
    ours = fills.select(
        "kalshi_trade_id", "ticker", "subaccount", "exchange_index", "side", "order_id", "is_taker", "executed_at"
    )
    assert sorted(ours.rows()) == sorted(theirs)
    exact = {f.fill_id: (f.count, f.yes_price, f.fee) for f in either.exchange.fills}
    columns = ("kalshi_trade_id", "quantity", "yes_price_cents", "fee_cents")
    for fill_id, quantity, price, fee in fills.select(columns).iter_rows():
        assert [hundredths(quantity), Fraction(price) * 100, micros(fee)] == [*map(Fraction, exact[fill_id])]


@pytest.mark.parametrize("side", ["yes", "no"])
def test_gross_counts_and_costs_are_those_of_the_books(either: Account, side: str) -> None:
    fills = either.pf.fills().filter(pl.col("side") == side)
    counts, costs = summed(fills, "quantity"), summed(fills, "total_cost_cents")
    for book in either.exchange.books.positions():
        key = (book.subaccount, book.ticker)
        assert counts.get(key, 0) * 100 == getattr(book, f"{side}_count")
        assert costs.get(key, 0) * 10_000 == getattr(book, f"{side}_cost")


def test_what_is_held_is_what_the_books_hold(either: Account) -> None:
    held = either.pf.positions(status="open")
    signed = held.with_columns(pl.when(pl.col("side") == "yes").then("quantity").otherwise(-pl.col("quantity")))
    ours = {key: value * 100 for key, value in summed(signed, "quantity").items()}
    theirs = {(b.subaccount, b.ticker): b.net for b in either.exchange.books.positions() if b.net}
    assert ours == theirs
    last = either.pf.trades().group_by("subaccount", "ticker", maintain_order=True).agg(pl.last("position_after"))
    expected = {(b.subaccount, b.ticker): b.held if b.settled else b.net for b in either.exchange.books.positions()}
    assert {key: value * 100 for key, value in summed(last, "position_after").items()} == expected


def test_fees_are_those_of_the_books_in_every_frame(either: Account) -> None:
    pf = either.pf
    theirs = {(b.subaccount, b.ticker): Fraction(b.fees) for b in either.exchange.books.positions()}
    lots = pf.lots().with_columns((pl.col("entry_fee_cents") + pl.col("exit_fee_cents")).alias("fee_cents"))
    for frame in (pf.fills(), pf.trades(), pf.positions(), lots):
        assert {key: micros(value) for key, value in summed(frame, "fee_cents").items()} == theirs
    assert micros(pf.pnl()["fee_cents"].item()) == sum(theirs.values())


def test_every_history_is_complete(either: Account) -> None:
    positions = either.pf.positions()
    assert positions["complete"].all()
    assert positions["cause"].null_count() == positions.height
    assert either.pf.pnl()["unknown_lots"].item() == 0


def test_realised_profit_equals_the_books_to_the_last_digit(either: Account) -> None:
    """Over what went flat or was settled, first in, first out and the books' average cost are the same."""
    pf = either.pf
    ours = {
        "lots": summed(pf.lots().filter(pl.col("exit_kind") != "open"), "realized_pnl_cents"),
        "positions": summed(pf.positions(), "realized_pnl_cents"),
    }
    done = [book for book in either.exchange.books.positions() if not book.net]
    assert len(done) > 100
    for book in done:
        for frame in ours.values():
            assert micros(frame[book.subaccount, book.ticker]) == book.realized


def test_cost_of_what_is_held_equals_the_books_where_nothing_was_sold(either: Account) -> None:
    held = either.pf.positions(status="open")
    costs, realized = summed(held, "cost_cents"), summed(either.pf.positions(), "realized_pnl_cents")
    compared = 0
    for book in either.exchange.books.positions():
        if book.net and not book.realized:
            compared += 1
            assert micros(costs[book.subaccount, book.ticker]) == book.cost
            assert realized[book.subaccount, book.ticker] == 0
        elif book.net:  # sold in part: what is realised and what is left add up alike, whatever the method
            key = (book.subaccount, book.ticker)
            assert micros(realized[key] - costs[key]) == book.realized - book.cost
    assert compared > 1


def test_settlements_are_what_the_exchange_paid_out(either: Account) -> None:
    """Reported and rebuilt alike; a rebuilt one also knows the part below $0.0001 that the exchange keeps."""
    records = _paid(either.exchange.settlements)
    ours = {(row["subaccount"], row["ticker"]): row for row in either.pf.settlements().iter_rows(named=True)}
    assert ours.keys() == records.keys()
    sources = {row["source"] for row in ours.values()}
    assert sources == {"exchange", "market"}
    for key, row in ours.items():
        paid = records[key]
        assert row["event_ticker"] == paid.event_ticker
        assert row["exchange_index"] == paid.exchange_index
        assert row["market_result"] == paid.result
        assert Fraction(row["yes_payout_cents"]) * 100 == paid.value
        assert hundredths(row["yes_quantity"]) == paid.yes_count
        assert hundredths(row["no_quantity"]) == paid.no_count
        assert micros(row["yes_cost_cents"]) == paid.yes_cost
        assert micros(row["no_cost_cents"]) == paid.no_cost
        assert micros(row["fee_cents"]) == paid.fee
        assert row["settled_at"] == at_time(paid.at)
        exact = paid.payout // 10_000 * 10_000 if row["source"] == "exchange" else paid.payout + paid.residue
        assert micros(row["revenue_cents"]) == exact


def _paid(settlements: Iterable[Settlement]) -> dict[Key, Settlement]:
    return {(s.subaccount, s.ticker): s for s in settlements}


def test_cash_adds_up_to_the_balance_of_every_purse(either: Account) -> None:
    """Transfers, trades, fees and payouts give each subaccount's cash on each shard, to the last digit."""
    cash: defaultdict[tuple[int, int], Fraction] = defaultdict(Fraction)
    for row in either.pf.trades().iter_rows(named=True):
        sign = 1 if row["action"] == "sell" else -1
        purse = (row["subaccount"], row["exchange_index"])
        cash[purse] += sign * micros(row["total_cost_cents"]) - micros(row["fee_cents"])
    for paid in either.exchange.settlements:
        cash[paid.subaccount, paid.exchange_index] += paid.payout
    books = either.exchange.books
    moved = {purse: books.cash(*purse) - cash[purse] for purse in books.accounts()}
    amounts = either.pf.transfers()["amount_cents"]
    assert sum(moved.values()) == micros(total(amounts.drop_nulls()))
    latest = either.pf.balances().sort("last_synced").unique(["subaccount", "exchange_index"], keep="last")
    rows = latest.select("subaccount", "exchange_index", "balance_cents").iter_rows()
    assert {(sub, shard): micros(cents) for sub, shard, cents in rows} == {
        purse: books.cash(*purse) for purse in books.accounts()
    }


def test_snapshots_are_the_books(either: Account) -> None:
    latest = either.pf.snapshots().sort("last_synced").unique(["subaccount", "ticker"], keep="last")
    open_then = {(b.subaccount, b.ticker) for b in either.exchange.books.positions() if b.net}
    ours = {(row["subaccount"], row["ticker"]): row for row in latest.iter_rows(named=True)}
    assert {key for key, row in ours.items() if row["quantity"]} == open_then
    for key in open_then:
        row, book = ours[key], either.exchange.books.position(*key)
        assert hundredths(row["net_quantity"]) == book.net
        assert hundredths(row["quantity"]) == abs(book.net)
        assert row["side"] == ("yes" if book.net > 0 else "no")
        assert micros(row["market_exposure_cents"]) == round(book.cost)
        assert micros(row["realized_pnl_cents"]) == round(book.realized)
        assert micros(row["fees_paid_cents"]) == book.fees
        assert micros(row["total_traded_cents"]) == book.traded
        assert row["last_updated_at"] == at_time(book.updated)


@pytest.mark.parametrize("question", GROUPINGS, ids=str)
def test_profit_by_anything_adds_up_to_the_same_total(either: Account, question: dict[str, Any]) -> None:
    whole, grouped = either.pf.pnl(), either.pf.pnl(**question)
    for column in ("realized_pnl_cents", "fee_cents", "net_pnl_cents", "quantity", "lots", "unknown_lots"):
        assert total(grouped[column].drop_nulls()) == Fraction(whole[column].item())
    assert grouped.height > 1


def test_profit_of_parts_of_time_adds_up(either: Account) -> None:
    pf = either.pf
    parts = [pf.pnl(until="2025-08-01"), pf.pnl(since="2025-08-01", until="2026-05-01"), pf.pnl(since="2026-05-01")]
    for column in ("realized_pnl_cents", "fee_cents", "lots"):
        assert total(part[column].item() for part in parts) == Fraction(pf.pnl()[column].item())


def test_a_second_sync_brings_nothing_new(account: Account) -> None:
    before = account.pf.trades()
    report = account.sync()
    assert not report.changed
    assert account.pf.trades().equals(before)


def test_syncing_on_the_way_gives_what_one_sync_gives(advanced: Account, tmp_path: Path) -> None:
    kp.sync(tmp_path / "once", connection=advanced.connection, progress=False)
    once = kp.Portfolio(tmp_path / "once")
    for frame in ("trades", "lots", "transfers", "pnl"):
        ours, theirs = getattr(advanced.pf, frame)(), getattr(once, frame)()
        drop = [name for name in ours.columns if name == "synced_at"]
        assert ours.drop(drop).equals(theirs.drop(drop)), frame
    same = ["ticker", "subaccount", "yes_payout_cents", "yes_quantity", "no_quantity", "fee_cents", "settled_at"]
    assert advanced.pf.settlements().select(same).equals(once.settlements().select(same))


def test_fills_without_a_fee_are_counted_and_never_summed(tmp_path: Path) -> None:
    """Archived rows of before 2026-01-28 bring no fee, and their settlements are gone: nothing tells it."""
    account = Account(SimulatedExchange(fills=1200, bare_legacy_rows=True), tmp_path / "data")
    pf, exchange = account.pf, account.exchange
    fills = pf.fills()
    bare = set(fills.filter(pl.col("fee_cents").is_null())["kalshi_trade_id"])
    assert 0 < len(bare) < fills.height
    ticker_of = {f.fill_id: (f.subaccount, f.ticker) for f in exchange.fills}
    unknown = {ticker_of[fill_id] for fill_id in bare}
    positions = pf.positions()
    for row in positions.filter(pl.col("subaccount") == 0).iter_rows(named=True):
        if row["fee_cents"] is None:
            assert (row["subaccount"], row["ticker"]) in unknown
            assert row["net_pnl_cents"] is None
            assert "without a fee" in row["cause"]
    whole = pf.pnl()
    lots = pf.lots()
    closed = lots.filter(pl.col("exit_kind") != "open")
    assert whole["lots"].item() == closed.height
    left_out = closed["net_pnl_cents"].null_count()
    left_out += lots.filter(pl.col("exit_kind") == "open")["entry_fee_cents"].null_count()
    assert whole["unknown_lots"].item() == left_out > 0
    # What was realised, before fees, hangs on no fee.
    assert Fraction(whole["realized_pnl_cents"].item()) == total(closed["realized_pnl_cents"])
    rated = closed.filter(pl.col("net_pnl_cents").is_not_null())
    held = lots.filter(pl.col("exit_kind") == "open", pl.col("entry_fee_cents").is_not_null())
    paid = total(rated["entry_fee_cents"]) + total(rated["exit_fee_cents"]) + total(held["entry_fee_cents"])
    assert Fraction(whole["fee_cents"].item()) == paid
    assert Fraction(whole["net_pnl_cents"].item()) == total(rated["realized_pnl_cents"]) - paid
    assert "left out of P&L, for a fee or part of the history is unknown" in repr(pf)


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the demo a cache of its own, and this process no memory of an earlier demo."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / "cache" / name)
    demo_module._synced.cache_clear()
    return tmp_path / "cache"


def test_the_demo_lies_in_a_folder_of_its_own_and_is_kept(own_cache: Path) -> None:
    pf = kp.demo()
    assert pf.root.is_relative_to(own_cache)
    assert kp.demo() is pf
    stamps = {path: path.stat().st_mtime_ns for path in pf.root.rglob("*.parquet")}
    demo_module._synced.cache_clear()
    assert kp.demo().root == pf.root
    assert {path: path.stat().st_mtime_ns for path in pf.root.rglob("*.parquet")} == stamps


def test_a_demo_that_somebody_damaged_is_made_anew(own_cache: Path) -> None:
    pf = kp.demo()
    whole = pf.fills()
    day = max((pf.root / "fills").iterdir())
    (day / "data.parquet").write_bytes(b"nonsense")
    demo_module._synced.cache_clear()
    assert kp.demo().fills().drop("synced_at").equals(whole.drop("synced_at"))
    shutil.rmtree(day)
    demo_module._synced.cache_clear()
    assert kp.demo().fills().drop("synced_at").equals(whole.drop("synced_at"))


@pytest.mark.parametrize("content", ["a file", "another account", "other things"])
def test_whatever_lies_in_the_place_of_the_demo_gives_way(own_cache: Path, content: str) -> None:
    folder = demo_module.demo_folder()
    folder.parent.mkdir(parents=True)
    if content == "a file":
        folder.write_text("x")
    elif content == "other things":
        folder.mkdir()
        (folder / "notes.txt").write_text("x")
    else:
        kp.sync(folder, connection=kp.demo_connection(SimulatedExchange.tiny()), progress=False)
    assert kp.demo().root == folder
    assert kp.demo().fills().height > 3000


def test_without_a_place_in_the_cache_the_demo_goes_to_a_temporary_folder(
    own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_cache.write_text("a file where a folder should be")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert kp.demo().root.parent.parent == tmp_path


def test_a_root_of_another_account_is_refused_and_untouched(tmp_path: Path) -> None:
    kp.sync(tmp_path / "data", connection=kp.demo_connection(SimulatedExchange.tiny()), progress=False)
    before = kp.Portfolio(tmp_path / "data").fills()
    with pytest.raises(RootMismatchError, match="Nothing was changed"):
        kp.demo(tmp_path / "data")
    assert kp.Portfolio(tmp_path / "data").fills().equals(before)


def test_a_root_with_other_things_in_it_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StoreError, match=r"thesis\.txt"):
        kp.demo(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_an_exchange_stays_the_same_account_as_time_passes_and_trades_come(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty()
    kp.sync(tmp_path / "data", connection=kp.demo_connection(exchange), progress=False)
    exchange.deposit("100")
    exchange.add_market("KXFED-26DEC-T3.75")
    exchange.trade("KXFED-26DEC-T3.75", "yes", 10, "0.42")
    exchange.advance(exchange.now + timedelta(hours=1))
    report = kp.sync(tmp_path / "data", connection=kp.demo_connection(exchange), progress=False)
    assert report["fills"].new == 1


@pytest.mark.timeout(120)
def test_two_processes_may_ask_for_the_demo_at_once(tmp_path: Path) -> None:
    code = "import kalshi_portfolio as kp; pf = kp.demo(); print(pf.fills().height, pf.pnl()['net_pnl_cents'].item())"
    environment = os.environ | {"XDG_CACHE_HOME": str(tmp_path), "HOME": str(tmp_path)}
    both = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)  # noqa: S603
        for _ in range(2)
    ]
    said = [process.communicate()[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert said[0] == said[1] != ""
