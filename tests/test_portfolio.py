"""The portfolio as its users see it: filters, lazy frames, what is missing, and how it shows itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from store_rows import at, frame

import kalshi_portfolio as kp
from kalshi_portfolio.errors import ArgumentError, DamagedFileError, RootNotFoundError
from kalshi_portfolio.schema import (
    BALANCES,
    COVERAGE,
    FILLS,
    LOTS,
    MARKETS,
    PNL_VALUES,
    POSITIONS,
    SETTLED,
    SNAPSHOTS,
    SYNC_LOG,
    TRADES,
    TRANSFERS,
)
from kalshi_portfolio.simulation import SimulatedExchange
from kalshi_portfolio.store import Identity, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FRAMES: dict[str, pl.Schema] = {
    "fills": FILLS.schema,
    "settlements": SETTLED.schema,
    "snapshots": SNAPSHOTS.schema,
    "transfers": TRANSFERS.schema,
    "balances": BALANCES.schema,
    "markets": MARKETS.schema,
    "trades": TRADES.schema,
    "lots": LOTS.schema,
    "positions": POSITIONS.schema,
}
TIMES = {
    "fills": "executed_at",
    "settlements": "settled_at",
    "snapshots": "last_synced",
    "transfers": "created_at",
    "balances": "last_synced",
    "trades": "executed_at",
    "lots": "closed_at",
    "positions": "opened_at",
}
DESIGN = {
    "trades": "kalshi_trade_id position_id ticker subaccount side action quantity price_cents total_cost_cents "
    "fee_cents is_taker order_id executed_at position_after realized_pnl_cents",
    "lots": "position_id ticker subaccount side entry_trade_id exit_trade_id exit_kind quantity entry_price_cents "
    "exit_price_cents entry_fee_cents exit_fee_cents realized_pnl_cents net_pnl_cents opened_at closed_at",
    "positions": "position_id sequence ticker subaccount side status complete quantity bought_quantity avg_price_cents "
    "exit_price_cents realized_pnl_cents fee_cents net_pnl_cents current_price_cents unrealized_pnl_cents trades "
    "opened_at closed_at title event_ticker series_ticker category",
    "pnl": "realized_pnl_cents fee_cents net_pnl_cents quantity lots win_ratio",
}
T = "KXFED-26DEC-T3.75"
HOSTILE = "<script>alert('x')</script> & <b>"


@pytest.fixture(scope="module")
def pf() -> kp.Portfolio:
    return kp.demo()


@pytest.fixture
def exchange() -> SimulatedExchange:
    return SimulatedExchange.tiny()  # type: ignore[return-value]


def synced(exchange: Any, folder: Path, **options: Any) -> kp.Portfolio:
    kp.sync(folder, connection=kp.demo_connection(exchange), progress=False, **options)
    return kp.Portfolio(folder)


def written(folder: Path, *datasets: Any) -> kp.Portfolio:
    """Give a portfolio over rows written by hand: table, frame, table, frame."""
    store = Store.open_for_sync(folder, Identity("example.com", "custom"))
    for table, rows in zip(datasets[::2], datasets[1::2], strict=True):
        store.upsert(table, rows)
    return kp.Portfolio(folder)


@pytest.mark.parametrize("name", DESIGN)
def test_every_column_of_the_design_is_there(pf: kp.Portfolio, name: str) -> None:
    assert set(DESIGN[name].split()) <= set(getattr(pf, name)().columns)


@pytest.mark.parametrize("name", FRAMES)
def test_frames_have_the_declared_schema_eager_and_lazy(pf: kp.Portfolio, name: str) -> None:
    eager, lazy = getattr(pf, name)(), getattr(pf, name)(lazy=True)
    assert isinstance(lazy, pl.LazyFrame)
    assert lazy.collect_schema() == eager.schema == FRAMES[name]
    assert_frame_equal(lazy.collect(), eager)
    assert eager.height > 0


@pytest.mark.parametrize("name", TIMES)
def test_since_is_inclusive_and_until_exclusive(pf: kp.Portfolio, name: str) -> None:
    method: Callable[..., pl.DataFrame] = getattr(pf, name)
    whole, column = method(), TIMES[name]
    times = whole[column].drop_nulls().sort()
    start, end = times[times.len() // 4], times[times.len() * 3 // 4]
    expected = whole.filter(pl.col(column) >= start, pl.col(column) < end)
    assert_frame_equal(method(since=start, until=end), expected)
    assert_frame_equal(getattr(pf, name)(since=start, until=end, lazy=True).collect(), expected)
    assert method(since=end, until=end).is_empty()
    assert method(since=times[-1] + timedelta(microseconds=1)).is_empty()
    assert method(until=times[0]).is_empty()


@pytest.mark.parametrize("name", ["fills", "settlements", "snapshots", "markets", "trades", "lots", "positions"])
def test_tickers_are_one_or_several(pf: kp.Portfolio, name: str) -> None:
    method: Callable[..., pl.DataFrame] = getattr(pf, name)
    two = method()["ticker"].unique(maintain_order=True).head(2).to_list()
    one = method(tickers=two[0])
    assert set(one["ticker"]) == {two[0]}
    for several in (two, tuple(two), set(two), pl.Series(two), iter(two)):
        assert set(method(tickers=several)["ticker"]) == set(two)
    nothing: list[str] = []
    assert method(tickers=nothing).is_empty()
    assert method(tickers=nothing).schema == FRAMES[name]
    assert_frame_equal(getattr(pf, name)(tickers=two, lazy=True).collect(), method(tickers=two))


@pytest.mark.parametrize("tickers", [[1], [None], 5, [T, None], b"x"])
def test_what_is_no_ticker_is_refused(pf: kp.Portfolio, tickers: Any) -> None:
    for method in (pf.fills, pf.positions, pf.pnl):
        with pytest.raises(ArgumentError, match="no tickers"):
            method(tickers=tickers)


@pytest.mark.parametrize(
    "bound",
    [
        "2026-09-01",
        " 2026-09-01 ",
        "2026-09-01T00:00",
        "2026-09-01T00:00:00Z",
        "2026-08-31T20:00:00-04:00",
        date(2026, 9, 1),
        datetime(2026, 9, 1, tzinfo=UTC),
        datetime(2026, 8, 31, 20, tzinfo=ZoneInfo("America/New_York")),
        datetime(2026, 9, 1, 3, tzinfo=timezone(timedelta(hours=3))),
    ],
)
def test_a_bound_may_be_written_in_many_ways(pf: kp.Portfolio, bound: Any) -> None:
    expected = pf.fills().filter(pl.col("executed_at") >= datetime(2026, 9, 1, tzinfo=UTC))
    assert expected.height > 0
    assert_frame_equal(pf.fills(since=bound), expected)
    assert_frame_equal(pf.fills(since=bound, lazy=True).collect(), expected)
    assert pf.fills(until=bound).height + expected.height == pf.fills().height
    assert pf.trades(since=bound).height > 0
    assert pf.pnl(since=bound).height == 1


@pytest.mark.parametrize("bound", ["yesterday", "2026-13-01", "", 20260901, 1.5, datetime(2026, 9, 1), "2026-02-30"])  # noqa: DTZ001
@pytest.mark.parametrize("name", [*TIMES, "pnl"])
def test_what_is_no_time_is_refused_at_once(pf: kp.Portfolio, name: str, bound: Any) -> None:
    for lazy in (False, True):
        with pytest.raises(ArgumentError, match=r"since=.*(no date|time zone)"):
            getattr(pf, name)(since=bound, lazy=lazy)


def test_an_end_before_the_start_is_refused(pf: kp.Portfolio) -> None:
    for method in (pf.fills, pf.trades, pf.pnl):
        with pytest.raises(ArgumentError, match="lies before"):
            method(since="2026-02-01", until="2026-01-31")


@pytest.mark.parametrize("bound", ["0001-01-01", "9999-12-31T12:00", "0001-01-01T00:00+14:00", date.min, date.max])
def test_the_ends_of_the_calendar_are_bounds_too(pf: kp.Portfolio, bound: Any) -> None:
    for name in (*TIMES, "pnl"):
        whole = getattr(pf, name)()
        parts = [getattr(pf, name)(since=bound).height, getattr(pf, name)(until=bound).height]
        known = whole.height - (whole[TIMES[name]].null_count() if name in TIMES else 0)
        assert sorted(parts) == [0, known]


def test_bounds_open_only_the_files_that_they_touch(pf: kp.Portfolio, tmp_path: Path) -> None:
    ours = synced(SimulatedExchange.tiny(), tmp_path / "data")
    days = sorted(path.name.removeprefix("date=") for path in (ours.root / "fills").iterdir())
    (ours.root / "fills" / f"date={days[0]}" / "data.parquet").write_bytes(b"nonsense")
    whole = pf.root  # another folder is not concerned
    assert whole != ours.root
    assert ours.fills(since=days[1]).height == 9
    assert ours.fills(since=days[1], lazy=True).collect().height == 9
    assert ours.fills(until=days[0]).height == 0
    for since, until in ((None, None), (days[0], None), (None, days[0] + "T00:00:00.000001")):
        with pytest.raises(DamagedFileError, match=f"date={days[0]}"):
            ours.fills(since=since, until=until)
        with pytest.raises(DamagedFileError, match=f"date={days[0]}"):
            ours.fills(since=since, until=until, lazy=True).collect()
    with pytest.raises(DamagedFileError, match=f"date={days[0]}"):
        ours.trades(since=days[1])  # linking needs the whole history


def test_filters_never_cut_a_history(pf: kp.Portfolio) -> None:
    since = "2026-10-01"
    cut = pf.trades(since=since)
    assert set(cut["position_id"]) <= set(pf.positions()["position_id"])
    sold = cut.filter(pl.col("action") == "sell")
    earlier = pf.positions(until=since)["position_id"]
    assert sold["position_id"].is_in(earlier.implode()).any(), "some sale closes what was bought before"
    assert sold["realized_pnl_cents"].null_count() == 0
    assert cut.equals(pf.trades().filter(pl.col("executed_at") >= datetime(2026, 10, 1, tzinfo=UTC)))


@pytest.mark.parametrize("status", ["open", "closed", "settled"])
def test_positions_by_status_are_the_whole(pf: kp.Portfolio, status: str) -> None:
    some = pf.positions(status=status)
    assert set(some["status"]) == {status}
    assert (some["closed_at"].is_null() == (status == "open")).all()
    assert ((some["quantity"] > 0) == (status == "open")).all()
    assert_frame_equal(some, pf.positions().filter(pl.col("status") == status))
    assert_frame_equal(some, pf.positions(status=status, lazy=True).collect())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"status": "opened"}, "open, closed, settled, or None"),
        ({"status": ""}, "open, closed, settled, or None"),
        ({"mark": "ask"}, "bid, mid, last"),
    ],
)
def test_an_unknown_choice_names_those_there_are(pf: kp.Portfolio, arguments: Any, message: str) -> None:
    for lazy in (False, True):
        with pytest.raises(ArgumentError, match=message):
            pf.positions(**arguments, lazy=lazy)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "colour"}, "category"),
        ({"by": ["side", "cause"]}, "cause"),
        ({"freq": "monthly"}, "1mo"),
        ({"freq": 5}, "1mo"),
        ({"freq": ""}, "1mo"),
        ({"tz": "Mars/Olympus"}, "America/New_York"),
        ({"tz": ""}, "America/New_York"),
        ({"tz": None}, "America/New_York"),
        ({"by": 5}, "by"),
    ],
)
def test_a_question_that_means_nothing_is_refused_at_once(pf: kp.Portfolio, arguments: Any, message: str) -> None:
    for lazy in (False, True):
        with pytest.raises(ArgumentError, match=message):
            pf.pnl(**arguments, lazy=lazy)


@pytest.mark.parametrize(
    "question",
    [
        {},
        {"by": "category"},
        {"by": ["side", "is_taker", "subaccount"]},
        {"by": "price_bucket", "freq": "1mo", "tz": "America/New_York"},
        {"by": ["hour", "weekday"], "tz": "Asia/Tokyo"},
        {"freq": "1h", "tz": "America/New_York"},
        {"by": "close_time", "since": "2026-10-01"},
        {"by": "result", "tickers": []},
    ],
)
def test_lazy_profit_has_the_schema_of_the_eager(pf: kp.Portfolio, question: Any) -> None:
    lazy, eager = pf.pnl(**question, lazy=True), pf.pnl(**question)
    assert lazy.collect_schema() == eager.schema
    assert_frame_equal(lazy.collect(), eager)
    assert eager.columns[-len(PNL_VALUES) :] == [column.name for column in PNL_VALUES]


def test_a_plan_made_before_a_sync_gives_what_came_with_it(exchange: Any, tmp_path: Path) -> None:
    ours = synced(exchange, tmp_path / "data")
    names = [*FRAMES, "pnl"]
    plans = {name: getattr(ours, name)(lazy=True) for name in names}
    before = {name: getattr(ours, name)() for name in names}
    exchange.trade(T, "yes", 5, "0.40")
    exchange.advance(exchange.now + timedelta(days=1))
    synced(exchange, tmp_path / "data")
    for name in names:
        after = getattr(ours, name)()
        assert_frame_equal(plans[name].collect(), after)
        if name in {"fills", "trades", "lots", "snapshots", "balances", "pnl"}:
            assert not after.equals(before[name]), name
    assert before["fills"].height + 1 == ours.fills().height


def test_what_was_linked_is_kept_until_something_changes(exchange: Any, tmp_path: Path) -> None:
    ours = synced(exchange, tmp_path / "data")
    assert ours._linked() is ours._linked()
    first = ours._linked()
    exchange.settle(T, "no")
    exchange.advance(exchange.now + timedelta(hours=1))
    synced(exchange, tmp_path / "data")
    assert ours._linked() is not first
    assert ours.positions(tickers=T)["status"].to_list() == ["settled"]


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.filterwarnings("ignore::kalshi_portfolio.errors.NotSyncedWarning")  # see test_portfolio_unsynced
def test_an_empty_folder_gives_empty_typed_frames(tmp_path: Path, name: str) -> None:
    ours = written(tmp_path / "data")
    for empty in (getattr(ours, name)(), getattr(ours, name)(lazy=True).collect()):
        assert empty.is_empty()
        assert empty.schema == FRAMES[name]


@pytest.mark.filterwarnings("ignore::kalshi_portfolio.errors.NotSyncedWarning")  # see test_portfolio_unsynced
def test_profit_and_coverage_of_an_empty_folder(tmp_path: Path) -> None:
    ours = written(tmp_path / "data")
    assert ours.pnl().is_empty()
    assert ours.pnl(by="category", freq="1d").columns[:2] == ["period", "category"]
    assert ours.coverage().schema == COVERAGE.schema
    assert ours.coverage().is_empty()
    for text in (repr(ours), str(ours._repr_html_()), str(ours.status())):
        assert "kp.sync(" in text


def test_an_account_that_never_traded(tmp_path: Path) -> None:
    ours = synced(SimulatedExchange.empty(), tmp_path / "data")
    assert ours.pnl().is_empty()
    assert "nothing was traded yet" in repr(ours)
    assert "unknown" not in repr(ours)
    assert "as of" in str(ours.status())


@pytest.mark.parametrize("only", ["positions", "fills", "settlements", "balances", "transfers"])
@pytest.mark.filterwarnings("ignore::kalshi_portfolio.errors.NotSyncedWarning")  # see test_portfolio_unsynced
def test_a_folder_with_one_dataset_works_and_says_what_is_missing(exchange: Any, tmp_path: Path, only: str) -> None:
    ours = synced(exchange, tmp_path / "data", only=only)
    for name, schema in FRAMES.items():
        assert getattr(ours, name)().schema == schema
    ours.pnl(by="category")
    ours.coverage()
    missing = {"fills", "settlements", "transfers", "balances"} - {only}
    waiting = {dataset.name for dataset in ours.status().datasets if not dataset.synced}
    assert missing <= waiting
    assert only not in waiting
    assert "kp.sync(pf.root)" in repr(ours)
    if only == "positions":
        held = ours.snapshots()
        assert held.height == 2
        assert ours.positions().is_empty()


@pytest.mark.filterwarnings("ignore::kalshi_portfolio.errors.NotSyncedWarning")  # see test_portfolio_unsynced
def test_settlements_without_fills_are_listed_and_not_summed(exchange: Any, tmp_path: Path) -> None:
    ours = synced(exchange, tmp_path / "data", only="settlements")
    positions = ours.positions()
    assert positions.height == 2
    assert not positions["complete"].any()
    assert positions["net_pnl_cents"].null_count() == 2
    assert positions["cause"].str.contains("none of the fills").all()


def test_coverage_in_all_its_statuses(tmp_path: Path) -> None:
    def window(dataset: str, tier: str, start: datetime, end: datetime, **more: Any) -> dict[str, Any]:
        row = {"run_id": f"{dataset}{tier}{start}", "dataset": dataset, "tier": tier, "exchange_index": -1}
        return row | {"subaccount": 0, "window_from": start, "window_to": end, "partitions": [], "rows": 0} | more

    beginning = datetime(1970, 1, 1, tzinfo=UTC)
    log = frame(
        SYNC_LOG,
        window("fills", "live", at(0), at(1)),
        window("fills", "live", at(2), at(3)),
        window("fills", "historical", beginning, at(-9)),
        window("fills", "live", at(0), at(2), subaccount=1),
        window("settlements", "archived", beginning, at(0)),
        window("settlements", "live", at(0), at(3)),
        window("balances", "snapshot", at(3), at(3), subaccount=-1),
    )
    ours = written(tmp_path / "data", SYNC_LOG, log)
    rows = ours.coverage().select("dataset", "subaccount", "covered_from", "covered_to", "status").rows()
    assert rows == [
        ("balances", None, at(3), at(3), "complete"),
        ("fills", 0, beginning, at(-9), "complete"),
        ("fills", 0, at(-9), at(0), "missing"),
        ("fills", 0, at(0), at(1), "complete"),
        ("fills", 0, at(1), at(2), "missing"),
        ("fills", 0, at(2), at(3), "complete"),
        ("fills", 1, beginning, at(0), "missing"),
        ("fills", 1, at(0), at(2), "complete"),
        ("settlements", 0, beginning, at(0), "archived"),
        ("settlements", 0, at(0), at(3), "complete"),
    ]
    text = str(ours.status())
    assert ours.status().complete_to is None, "what lies behind a gap is not complete"
    assert "subaccount 1: missing from the beginning to 2026-07-24 12:00: the next sync fetches it" in text
    assert "rebuilt from fills and results" in text
    assert "1970" not in text
    assert "-1" not in text.replace("2026-07-1", "").replace(str(tmp_path), "")
    assert "Part of the fills" in repr(ours)


def test_subaccounts_of_which_the_same_is_true_are_named_together(pf: kp.Portfolio) -> None:
    lines = [line for line in str(pf.status()).splitlines() if line.startswith("fills")]
    assert len(lines) == 1
    assert "from the beginning to 2026-11-20 16:59" in lines[0]
    assert "3,5" in lines[0]


def test_a_folder_that_is_not_there_is_told_with_the_path_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RootNotFoundError, match=str(tmp_path / "nowhere")):
        kp.Portfolio(tmp_path / "nowhere")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RootNotFoundError, match=r"kp\.sync\(\)"):
        kp.Portfolio()
    (tmp_path / "data").mkdir()
    with pytest.raises(RootNotFoundError, match="holds no synced account"):
        kp.Portfolio()


def test_a_folder_that_was_moved_away_does_not_read_as_an_empty_account(exchange: Any, tmp_path: Path) -> None:
    ours = synced(exchange, tmp_path / "data")
    ours.positions()
    (tmp_path / "data").rename(tmp_path / "elsewhere")
    for name in (*FRAMES, "pnl", "coverage", "status"):
        with pytest.raises(RootNotFoundError):
            getattr(ours, name)()
    assert "No data folder" in repr(ours)


def test_the_folder_is_found_as_settings_say(exchange: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = synced(exchange, tmp_path / "project" / "data").root
    deep = tmp_path / "project" / "notebooks" / "deep"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert kp.Portfolio().root == root
    assert kp.Portfolio("../../data").root.resolve() == root
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KALSHI_PORTFOLIO_DATA", str(root))
    assert kp.Portfolio().root == root
    monkeypatch.delenv("KALSHI_PORTFOLIO_DATA")
    (tmp_path / ".env").write_text("KALSHI_PORTFOLIO_DATA=project/data\n")
    assert kp.Portfolio().root == root


def test_a_damaged_file_is_named_and_the_rest_goes_on(exchange: Any, tmp_path: Path) -> None:
    ours = synced(exchange, tmp_path / "data")
    file = ours.root / "markets" / "data.parquet"
    file.write_bytes(b"PAR1 nonsense")
    for method in (ours.markets, ours.positions, ours.trades, ours.pnl):
        with pytest.raises(DamagedFileError, match=str(file)):
            method()
    assert ours.fills().height == 10
    assert str(file) in repr(ours)
    assert str(file) in ours._repr_html_()
    status = ours.status()
    assert any(str(file) in problem for problem in status.problems)
    assert {dataset.name: dataset.rows for dataset in status.datasets}["markets"] is None
    assert file.read_bytes() == b"PAR1 nonsense"


def hostile(folder: Path) -> kp.Portfolio:
    fill = {"kalshi_trade_id": "f", "ticker": T, "side": "yes", "executed_at": at(-1), "subaccount": 0}
    return written(
        folder,
        FILLS,
        frame(FILLS, fill),
        MARKETS,
        frame(MARKETS, {"ticker": T, "title": HOSTILE, "yes_bid_cents": Decimal(3), "open_time": at(-5)}),
        SYNC_LOG,
        frame(
            SYNC_LOG,
            {"run_id": "r", "dataset": "fills", "tier": "live", "subaccount": 0, "exchange_index": -1}
            | {"window_from": datetime(1970, 1, 1, tzinfo=UTC), "window_to": at(0), "finished_at": at(0)},
        ),
    )


def test_the_card_escapes_titles_and_paths(tmp_path: Path) -> None:
    card = hostile(tmp_path / "<i>data")._repr_html_()
    assert "<script" not in card
    assert "<i>" not in card
    assert "&lt;script&gt;" in card
    assert "Open positions</dt><dd>1<" in card
    status = kp.Portfolio(tmp_path / "<i>data").status()._repr_html_()
    assert "<i>" not in status


def test_nothing_secret_is_shown(exchange: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = synced(exchange, tmp_path / "data")
    monkeypatch.setenv("KALSHI_API_KEY_ID", "11111111-2222-3333-4444-555555555555")
    monkeypatch.setenv("KALSHI_PRIVATE_KEY", "-----BEGIN PRIVATE KEY-----")
    key = exchange.credentials()
    for text in (repr(ours), ours._repr_html_(), repr(ours.status()), repr(vars(ours))):
        for secret in ("1111", "BEGIN", key.key_id):
            assert secret not in text


def test_the_figures_are_those_of_the_frames(pf: kp.Portfolio) -> None:
    text, total = repr(pf), pf.pnl().row(0, named=True)
    assert f"{pf.fills().height:,}" in text
    assert f"in {pf.positions().height:,} positions" in text
    assert f"{pf.positions(status='open').height} positions open" in text
    assert f"${total['net_pnl_cents'] / 100:,.2f}" in text
    assert "left out" not in text
    assert max(map(len, text.splitlines()[1:])) < 100


def test_dollars_of_positions(pf: kp.Portfolio) -> None:
    shown = kp.dollars(pf.positions())
    assert shown["realized_pnl_dollars"].dtype == pl.Float64
    assert not [name for name in shown.columns if name.endswith("_cents")]


def test_frames_go_to_pandas_arrow_and_duckdb(pf: kp.Portfolio) -> None:
    positions = pf.positions()
    assert len(positions.to_pandas()) == positions.height
    assert positions.to_arrow().num_rows == positions.height
    assert kp.dollars(positions).to_pandas()["net_pnl_dollars"].dtype == "float64"
    table = positions.to_arrow()  # DuckDB finds it by its name
    assert table.num_columns == positions.width
    with duckdb.connect() as database:
        found = database.execute('select sum(net_pnl_cents) from "table"').fetchall()
        assert found == [(positions["net_pnl_cents"].sum(),)]
        files = f"{pf.root}/fills/*/*.parquet"
        found = database.execute("select count(*), sum(fee_cents) from read_parquet(?)", [files]).fetchall()
        assert found == [(pf.fills().height, pf.fills()["fee_cents"].sum())]


def test_average_cost_and_first_in_first_out_agree_where_all_is_over(pf: kp.Portfolio) -> None:
    fifo, average = pf.positions(), pf.positions(method="average")
    over = pl.col("status") != "open"
    assert_frame_equal(fifo.filter(over), average.filter(over))
    assert not fifo.equals(average)
    assert pf.pnl(method="average").columns == pf.pnl().columns
    assert pf.pnl(by="side", method="average", lazy=True).collect().equals(pf.pnl(by="side", method="average"))
    for method in (pf.positions, pf.pnl, pf.equity):
        with pytest.raises(ArgumentError, match="fifo, average"):
            method(method="lifo")


def test_average_cost_is_what_the_exchange_reports_of_open_positions(pf: kp.Portfolio) -> None:
    held = (
        pf.positions(status="open", method="average").group_by("ticker", "subaccount").agg(pl.col("cost_cents").sum())
    )
    theirs = pf.snapshots().filter(pl.col("quantity") > 0)
    both = held.join(theirs, on=["ticker", "subaccount"])
    assert both.height == theirs.height > 20
    assert ((both["cost_cents"] - both["market_exposure_cents"]).abs() < Decimal("0.001")).all()


def test_the_equity_curve_ends_at_the_total(pf: kp.Portfolio) -> None:
    net = pf.pnl()["net_pnl_cents"].item()
    questions: list[dict[str, Any]] = [{}, {"freq": "1mo"}, {"freq": "1w", "tz": "America/New_York"}]
    for question in [*questions, {"since": "2026-06-01"}]:
        curve = pf.equity(**question)
        assert curve["cumulative_net_pnl_cents"][-1] == net
        assert curve["period"].is_sorted()
    assert pf.equity(until="2025-01-01").height < pf.equity().height
    assert pf.equity()["transfers_cents"].sum() == pf.transfers()["amount_cents"].sum()
    for bad in ({"freq": "x"}, {"freq": None}, {"tz": "x"}, {"since": "x"}):
        with pytest.raises(ArgumentError):
            pf.equity(**bad)


def test_the_summary_is_one_row(pf: kp.Portfolio) -> None:
    row = pf.summary().row(0, named=True)
    assert row["net_pnl_cents"] == pf.pnl()["net_pnl_cents"].item()
    assert row["as_of"] == pf.status().complete_to


def test_our_figures_equal_the_exchanges_on_the_demo(pf: kp.Portfolio) -> None:
    checks = pf.reconcile()
    assert checks.filter(~pl.col("ok"), pl.col("cause").is_null()).is_empty()
    assert checks["ok"].mean() == pytest.approx(1, abs=0.02)
    ticker = checks["ticker"].drop_nulls()[0]
    assert set(pf.reconcile(tickers=ticker)["ticker"]) == {ticker}


@pytest.mark.filterwarnings("ignore::kalshi_portfolio.errors.NotSyncedWarning")  # see test_portfolio_unsynced
def test_results_of_an_empty_folder(tmp_path: Path) -> None:
    ours = written(tmp_path / "data")
    assert ours.equity().is_empty()
    assert ours.reconcile().is_empty()
    assert ours.summary().height == 1
