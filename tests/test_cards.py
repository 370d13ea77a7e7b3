"""How a portfolio and its frames show themselves: figures, what is missing, what to call next, and nothing else."""

from __future__ import annotations

import copy
import json
import pickle
import re
import shutil
import time
import warnings
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from store_rows import at, frame

import kalshi_portfolio as kp
from kalshi_portfolio.errors import ArgumentError, NotSyncedWarning, RootNotFoundError, UnknownTickerWarning
from kalshi_portfolio.parse import SetAside
from kalshi_portfolio.portfolio import clock
from kalshi_portfolio.portfolio.tickers import near
from kalshi_portfolio.schema import FILLS, MARKETS, RECONCILIATION, SYNC_LOG
from kalshi_portfolio.simulation import SimulatedExchange
from kalshi_portfolio.store import Identity, Store

if TYPE_CHECKING:
    from collections.abc import Callable

VIEWS = ("summary", "reconcile", "coverage")
SYNCED = datetime(2026, 11, 20, 16, 59, tzinfo=UTC)
T = "KXFED-26DEC-T3.75"


@pytest.fixture(scope="module")
def demo() -> Path:
    return kp.demo().root


@pytest.fixture
def pf(demo: Path) -> kp.Portfolio:
    return kp.Portfolio(demo)


@pytest.fixture
def real(demo: Path, tmp_path: Path) -> Path:
    """Give a copy of the demo's folder that says it is of the real exchange: only there data grow old."""
    folder = shutil.copytree(demo, tmp_path / "real")
    marker = folder / "kalshi-portfolio.json"
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"environment": "prod"}))
    return folder


def empty(folder: Path, *datasets: Any) -> kp.Portfolio:
    store = Store.open_for_sync(folder, Identity("example.com", "custom"))
    for table, rows in zip(datasets[::2], datasets[1::2], strict=True):
        store.upsert(table, rows)
    return kp.Portfolio(folder)


def both(shown: Any) -> tuple[str, str]:
    """Give an object as text and as the text of its HTML."""
    return repr(shown), re.sub(r"<style>.*?</style>|<[^>]*>", " ", shown._repr_html_(), flags=re.DOTALL)


def next_call(pf: kp.Portfolio) -> str:
    """Give what the card says one should call next; text and HTML say the same."""
    text = " ".join(repr(pf).rpartition("next: ")[2].split())
    html = re.findall(r'class="kp-next">.*?<code>(.*?)</code>', pf._repr_html_())
    call = html[0].replace("&quot;", '"')
    assert len(html) == 1
    assert text.endswith(call)
    return str(call)


# The card


def test_a_card_has_the_figures_of_the_summary(pf: kp.Portfolio) -> None:
    row = pf.summary().row(0, named=True)
    text, html = both(pf)
    for shown in (text, html):
        for name in ("net_pnl_cents", "realized_pnl_cents", "unrealized_pnl_cents", "open_exposure_cents"):
            assert f"${abs(row[name]) / 100:,.2f}" in shown, name
        assert f"${row['fee_cents'] / 100:,.2f}" in shown
        assert "50.4%" in shown
        assert "as of 2026-11-20 16:59 UTC" in shown
        assert "8 of 36" in shown
    assert "credit" not in html.lower()
    assert max(map(len, text.splitlines())) < 110


def test_the_equity_line_is_a_picture_with_words_for_it(pf: kp.Portfolio) -> None:
    html = pf._repr_html_()
    curve = pf.equity()["cumulative_net_pnl_cents"]
    words = re.findall(r"<title>(.*?)</title>", html)[0]
    for cents in (curve[-1], curve.max(), curve.min()):
        assert f"${abs(Decimal(str(cents))) / 100:,.2f}" in words
    assert html.count("<svg") == html.count('role="img"') == 1
    assert max(path.count("L") for path in re.findall(r' d="([^"]*)"', html)) <= 122


@pytest.mark.parametrize("name", ["card", *VIEWS, "status"])
def test_html_asks_for_nothing_runs_nothing_and_names_no_id(pf: kp.Portfolio, name: str, demo: Path) -> None:
    shown: Any = pf if name == "card" else getattr(pf, name)()
    ids = {*pf.fills()["kalshi_trade_id"], *pf.fills()["order_id"].drop_nulls(), *pf.transfers()["transfer_id"]}
    for text in (repr(shown), shown._repr_html_()):
        assert not re.search(r"<script|https?:|//|url\(|@import|\bon\w+=|src=|href=", text)
        assert not any(one in text for one in ids)
        for fingerprint in json.loads((demo / "kalshi-portfolio.json").read_text())["key_fingerprints"]:
            assert fingerprint not in text


def test_a_card_is_quick_once_it_is_known_and_reads_again_what_changed(demo: Path, tmp_path: Path) -> None:
    warm = kp.Portfolio(demo)
    warm._repr_html_()
    times = []
    for _ in range(5):
        start = time.perf_counter()
        warm._repr_html_()
        times.append(time.perf_counter() - start)
    assert min(times) < 0.05
    exchange: Any = SimulatedExchange.tiny()
    connection = kp.demo_connection(exchange)
    kp.sync(tmp_path / "d", connection=connection, progress=False)
    ours = kp.Portfolio(tmp_path / "d")
    before = repr(ours)
    assert repr(ours) == before
    exchange.trade(T, "yes", 5, "0.40")
    exchange.advance(exchange.now + timedelta(days=1))
    kp.sync(tmp_path / "d", connection=connection, progress=False)
    assert repr(ours) != before


def test_a_card_reads_each_file_once(demo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    real_read = Store.read

    def counted(self: Store, table: Any, **options: Any) -> pl.DataFrame:
        read.append(table.name)
        return real_read(self, table, **options)

    monkeypatch.setattr(Store, "read", counted)
    kp.Portfolio(demo)._repr_html_()
    assert {name: read.count(name) for name in read if name != "sync_log"} == dict.fromkeys(
        ("fills", "markets", "settlements", "positions", "transfers"), 1
    )


def test_how_old_the_data_are_is_said_and_what_to_do(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = kp.Portfolio(real)
    for age, said, stale in (
        (timedelta(hours=3), "3 hours ago", False),
        (timedelta(days=3), "3 days ago", True),
        (timedelta(days=80), "80 days ago", True),
    ):
        monkeypatch.setattr(clock, "now", lambda age=age: SYNCED + timedelta(minutes=1) + age)
        for text in both(ours):
            assert said in text
            assert ("(stale)" in text) is stale
        assert next_call(ours) == ("kp.sync(pf.root)" if stale else "pf.reconcile()")
    assert "about 60 days" in " ".join(repr(ours).split())
    monkeypatch.setattr(clock, "now", lambda: SYNCED - timedelta(days=1))
    assert "ago" not in repr(ours), "a clock that is behind makes nothing old"


def test_a_simulated_account_grows_no_older(pf: kp.Portfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: SYNCED + timedelta(days=900))
    assert "ago" not in repr(pf) + pf._repr_html_()


def test_the_next_call_depends_on_what_there_is(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = kp.Portfolio(demo)
    assert next_call(ours) == "pf.reconcile()"
    ours.reconcile(tickers=ours.fills()["ticker"][0])
    assert "all 779 checks" in " ".join(repr(ours).split())
    assert next_call(ours).startswith("pf.pnl(")
    nothing = empty(tmp_path / "nothing")
    assert next_call(nothing) == "kp.sync(pf.root)"
    assert "Nothing is synced yet" in both(nothing)[1]
    monkeypatch.chdir(nothing.root)
    monkeypatch.setenv("KALSHI_PORTFOLIO_DATA", str(nothing.root))
    assert next_call(kp.Portfolio()) == "kp.sync()"
    part = tmp_path / "part"
    kp.sync(part, connection=kp.demo_connection(SimulatedExchange.tiny()), only="fills", progress=False)
    assert "Never synced: settlements, positions, transfers, balances, markets." in " ".join(
        repr(kp.Portfolio(part)).split()
    )
    assert next_call(kp.Portfolio(part)) == "kp.sync(pf.root)"


def test_a_gap_is_said_and_a_check_that_differs_is_remembered(real: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: SYNCED)
    shutil.rmtree(real / "fills" / "date=2026-11-19")
    ours = kp.Portfolio(real)
    checks = ours.reconcile()
    wrong = checks.height - checks["ok"].sum()
    for text in both(ours):
        shown = " ".join(text.split())
        assert "Part of the fills is missing" in shown
        assert "positions are left out of P&" in shown
        assert f"{wrong} of {checks.height} checks against" in shown
        assert "incomplete, synced 2026-11-20" in shown
    assert next_call(ours) == "kp.sync(pf.root)"


def test_unknown_is_never_shown_as_nothing(tmp_path: Path) -> None:
    fill = {"kalshi_trade_id": "f", "ticker": T, "side": "yes", "executed_at": at(-1), "subaccount": 0}
    ours = empty(tmp_path / "d", FILLS, frame(FILLS, fill))
    with pytest.warns(NotSyncedWarning, match="transfers: not synced yet"):
        summary = ours.summary()
    assert summary["incomplete_positions"].item() == 1
    for text in (*both(ours), *both(summary)):
        assert "$0.00" not in text.partition("fees")[0].partition("Fees")[0]
    assert "unknown" in both(ours)[1]
    assert "<svg" not in ours._repr_html_()
    assert "1 position is left out of P&L" in repr(ours)


def test_a_position_never_quoted_asks_for_quotes(tmp_path: Path) -> None:
    fill = {"kalshi_trade_id": "f", "ticker": T, "side": "yes", "executed_at": at(-1), "subaccount": 0}
    window = {"run_id": "r", "dataset": "fills", "tier": "live", "subaccount": 0, "exchange_index": -1}
    window |= {"window_from": datetime(1970, 1, 1, tzinfo=UTC), "window_to": at(0), "finished_at": at(0)}
    ours = empty(
        tmp_path / "d",
        *(FILLS, frame(FILLS, fill)),
        *(MARKETS, frame(MARKETS, {"ticker": T, "open_time": at(-5)})),
        *(SYNC_LOG, frame(SYNC_LOG, window)),
    )
    shown = " ".join(repr(ours).split())
    assert "1 open position has no mark: no quote was read yet. pf.refresh_marks()" in shown
    assert "1 lot is left out of P&L, for a fee or part of the history is unknown. pf.lots()" in shown
    with pytest.warns(NotSyncedWarning, match="transfers: not synced yet"):
        summary = ours.summary()
    assert "1 position is left out of net figures: a fee is unknown." in repr(summary)
    assert "net P&L" in repr(summary)
    assert re.search(r"fees +-\s", repr(summary)), "what is not known is no sum"
    Store.open(ours.root).quarantine("fills", [SetAside("fills", "{}", "no ticker", None, "live", 0, at(0))])
    assert "In quarantine: 1 row that does not fit." in " ".join(repr(ours).split())


def test_damage_is_a_card_that_names_every_file(demo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo, tmp_path / "d")
    files = [folder / "markets" / "data.parquet", next((folder / "transfers").iterdir()) / "data.parquet"]
    for file in files:
        file.write_bytes(b"PAR1 nonsense")
    ours = kp.Portfolio(folder)
    for text in both(ours):
        assert all(str(file) in text for file in files)
    assert next_call(ours) == "pf.status()"
    shutil.rmtree(folder)
    assert "No data folder" in both(ours)[1]
    assert next_call(ours) == "kp.sync(pf.root)"
    folder.write_text("a file")
    assert "is a file. Expected the data" in repr(ours)
    with pytest.raises(RootNotFoundError, match="is a file"):
        kp.Portfolio(folder)


def test_a_folder_at_home_does_not_name_its_owner(demo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = shutil.copytree(demo, tmp_path / "someone" / "data")
    monkeypatch.setattr(Path, "home", lambda: tmp_path / "someone")
    for text in both(kp.Portfolio(folder)):
        assert "~/data" in text
        assert "someone" not in text


# The frames


@pytest.mark.parametrize("name", VIEWS)
def test_a_frame_that_shows_itself_is_a_frame_in_all_else(pf: kp.Portfolio, name: str) -> None:
    view = getattr(pf, name)()
    plain = getattr(pf, name)(lazy=True).collect() if name != "coverage" else pl.DataFrame(view.get_columns())
    assert isinstance(view, pl.DataFrame)
    assert type(plain) is pl.DataFrame
    assert_frame_equal(view, plain)
    assert view.equals(plain)
    assert plain.equals(view)
    assert pl.concat([view, plain]).height == 2 * plain.height
    assert view.join(plain, on=view.columns, nulls_equal=True).height == plain.height
    assert kp.dollars(view).columns == kp.dollars(plain).columns
    with duckdb.connect() as database:
        assert database.execute("select count(*) from view").fetchall() == [(plain.height,)]


@pytest.mark.parametrize("name", VIEWS)
def test_a_frame_shows_itself_also_after_pickling_and_what_comes_out_of_it_as_polars_does(
    pf: kp.Portfolio, name: str
) -> None:
    view = getattr(pf, name)()
    again = pickle.loads(pickle.dumps(view))  # noqa: S301  (pickled a moment ago)
    assert_frame_equal(again, view)
    assert repr(again) == str(view)
    assert "shape: (" not in repr(view)
    assert 'class="kp mathjax_ignore"' in view._repr_html_()
    plain = pl.DataFrame(view.get_columns())
    changed: list[Callable[[pl.DataFrame], pl.DataFrame]] = [
        lambda f: f.head(3),
        lambda f: f.slice(0, 1),
        lambda f: f.clone(),
        copy.copy,
        copy.deepcopy,
        lambda f: f.filter(pl.lit(value=True)),
        lambda f: f.select(f.columns[:2]),
        lambda f: f.with_row_index(),
        lambda f: f.rename({f.columns[0]: "x"}),
        lambda f: f.drop(f.columns[-1]),
        lambda f: f.clear(),
        lambda f: f.clear(2),
        lambda f: f.lazy().collect(),
        lambda f: pickle.loads(pickle.dumps(f.head(1))),  # noqa: S301
    ]
    for change in changed:
        expected, shown = change(plain), change(view)
        assert repr(shown) == repr(expected)
        assert shown._repr_html_() == expected._repr_html_()
    view.insert_column(0, pl.Series("x", [1] * view.height))
    assert "shape: (" in repr(view)
    assert 'class="kp ' not in view._repr_html_()


def test_a_series_of_a_shown_frame_is_displayed_as_any_other(pf: kp.Portfolio) -> None:
    assert "kp" not in pf.summary()["net_pnl_cents"]._repr_html_()


def test_the_summary_is_in_dollars_with_the_exact_amount_at_hand(pf: kp.Portfolio) -> None:
    summary = pf.summary()
    text, html = repr(summary), summary._repr_html_()
    assert re.search(r"net P&L +\+\$1,305\.51  after fees", text)
    assert 'title="130,550.85 cents"' in html
    assert "8 of 36 unmarked" in text
    assert "KXFED-25MAY-T3.75" in text
    assert summary["best_position_id"].item() not in text


def test_reconciliation_says_in_a_line_that_all_agree_and_how_many_per_check(pf: kp.Portfolio) -> None:
    text = repr(pf.reconcile())
    assert text.splitlines()[0] == "779 checks, all agree."
    assert re.search(r"contracts held +40 of 40", text)
    assert "all agree" in both(pf.reconcile())[1]


def test_reconciliation_shows_what_differs_first_with_its_cause(pf: kp.Portfolio) -> None:
    rows = [
        {"check": "cash", "ticker": None, "unit": "cents", "ours": Decimal(100), "theirs": Decimal("70.5")},
        *(
            {"check": "position", "ticker": f"T-{n}", "unit": "contracts", "ours": None, "theirs": Decimal(n)}
            for n in range(5)
        ),
    ]
    wrong = pl.DataFrame(
        [row | {"subaccount": 3, "ok": False, "cause": "Sync <again>.", "difference": None} for row in rows],
        schema=RECONCILIATION.schema,
    )
    view = type(pf.reconcile())(pl.concat([wrong, pf.reconcile()]))
    text = repr(view)
    assert text.startswith(
        "6 of 785 checks differ.\n  cash\n    all markets, subaccount 3: ours $1.00, the exchange's $0.705"
    )
    assert "contracts held, the first 3 of 5" in text
    assert "T-2, subaccount 3: ours unknown, the exchange's 2\n" in text
    assert "T-3," not in text
    assert text.index("Sync <again>.") < text.index("3 of 4")
    assert "Sync &lt;again&gt;." in view._repr_html_()
    one = type(pf.reconcile())(wrong.head(1))
    assert repr(one).startswith("1 of 1 check differs.")
    assert "No checks" in repr(type(pf.reconcile())(RECONCILIATION.empty()))


def test_coverage_is_in_words(pf: kp.Portfolio, tmp_path: Path) -> None:
    text, html = both(pf.coverage())
    assert text.startswith("Nothing is missing.")
    assert "complete, part of it archived" in html
    assert "1970" not in text + html
    assert "kp.sync()" in repr(empty(tmp_path / "d").coverage())
    assert pf.coverage().filter(dataset="transfers")["subaccount"].to_list() == [None]


def test_a_sync_report_shows_counts_and_remarks_and_escapes_them(tmp_path: Path) -> None:
    report = kp.sync(tmp_path / "d", connection=kp.demo_connection(SimulatedExchange.tiny()), progress=False)
    html = report._repr_html_()
    assert '<th scope="row">fills</th><td class="kp-n">10</td>' in html
    assert "kp-remarks" not in html.partition("</style>")[2]
    odd = kp.SyncReport({}, SYNCED, 1, 0, 0.1, 1, ("<b>no</b>",), {"fills": ((SYNCED, SYNCED),)})
    assert "&lt;b&gt;no&lt;/b&gt;" in odd._repr_html_()
    assert "(1 request)" in str(odd)
    assert "1 row in quarantine: it did not fit" in both(odd)[1]


# Tickers that are not there


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    "name", ["fills", "snapshots", "markets", "settlements", "trades", "lots", "positions", "pnl", "reconcile"]
)
def test_a_ticker_that_is_nowhere_is_told_with_near_ones_at_the_line_that_asked(
    pf: kp.Portfolio, name: str, lazy: bool
) -> None:
    with pytest.warns(UnknownTickerWarning, match=r"'KXFED-26DEC-T3\.57' \(near: KXFED-26DEC-T") as caught:
        frame_ = getattr(pf, name)(tickers=["KXFED-26DEC-T3.57"], lazy=lazy)
    assert caught[0].filename == __file__
    assert frame_.lazy().collect().is_empty()


def test_known_tickers_and_folders_without_any_are_no_reason_to_warn(pf: kp.Portfolio, tmp_path: Path) -> None:
    known = pf.markets()["ticker"].to_list()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pf.fills(tickers=known)
        warnings.simplefilter("ignore", NotSyncedWarning)
        assert empty(tmp_path / "d").trades(tickers="KXFED").is_empty()
        only_fills = {"kalshi_trade_id": "f", "ticker": T, "side": "yes", "executed_at": at(-1)}
        assert empty(tmp_path / "e", FILLS, frame(FILLS, only_fills)).fills(tickers=T).height == 1


def test_many_unknown_tickers_are_counted(pf: kp.Portfolio) -> None:
    with pytest.warns(UnknownTickerWarning, match=r"These tickers are .*'Q3' \(nothing near\) and 2 more\. Expected"):
        pf.trades(tickers=["Q1", "Q2", "Q3", "Q4", "Q5", pf.fills()["ticker"][0]])


def test_a_damaged_file_does_not_keep_others_from_being_asked(demo: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(demo, tmp_path / "d")
    ticker = kp.Portfolio(folder).fills()["ticker"][0]
    (folder / "markets" / "data.parquet").write_bytes(b"PAR1 nonsense")
    assert kp.Portfolio(folder).fills(tickers=ticker).height > 0


@pytest.mark.parametrize(
    ("wanted", "first"),
    [
        ("KXFED-26DEC-T3.7", T),
        (" kxfed-26dec-t3.75 ", T),
        ("KXFDE-26DEC-T3.75", T),
        ("KXFED-26DEC", T),
        ("FED-26DEC-T3.75", T),
    ],
)
def test_slips_of_the_pen_find_what_was_meant(wanted: str, first: str) -> None:
    known = [T, "KXRT-26NOV27UNDSUN-T65", "KXBTCD-26NOV2017-T99999.99", *(f"KXHIGHNY-26NOV{n}-B5" for n in range(30))]
    assert near(wanted, known)[0] == first
    assert near("", known) == near("???", known) == []


def test_two_hundred_thousand_tickers_are_searched_in_a_moment() -> None:
    known = [f"KXBTCD-26NOV{n:06d}-T{n}" for n in range(200_000)]
    start = time.perf_counter()
    assert near("KXBTCD-26NOV123456-T12345", known)[0] == "KXBTCD-26NOV123456-T123456"
    assert time.perf_counter() - start < 5


# Dollars


def test_dollars_take_eager_and_lazy_frames_and_nothing_else(pf: kp.Portfolio) -> None:
    lazy = kp.dollars(pf.lots(lazy=True))
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), kp.dollars(pf.lots()))
    others: list[Any] = [pf, pf.lots()["net_pnl_cents"], [1], None, pf.lots().to_pandas()]
    for wrong in others:
        with pytest.raises(ArgumentError, match="Expected a Polars DataFrame or LazyFrame"):
            kp.dollars(wrong)


def test_all_positions_may_be_asked_for_by_name(pf: kp.Portfolio) -> None:
    assert_frame_equal(pf.positions(status="all"), pf.positions())
