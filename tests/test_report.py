"""The report: the same figures as the frames, text that stays text, a page that asks for nothing."""

from __future__ import annotations

import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from report_pages import Element, read, table
from store_rows import at, frame

import kalshi_portfolio as kp
from kalshi_portfolio import pnl as profit
from kalshi_portfolio.charts.style import GAIN, GROUPS, LOSS, REST
from kalshi_portfolio.errors import DamagedFileError
from kalshi_portfolio.parse import SetAside
from kalshi_portfolio.portfolio import clock, reporting
from kalshi_portfolio.report.style import DARK, LIGHT
from kalshi_portfolio.schema import FILLS
from kalshi_portfolio.simulation import SimulatedExchange
from kalshi_portfolio.store import Identity, Store

NY = "America/New_York"
NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
SECTIONS = [
    "Summary", "Equity and drawdown", "Calendar", "P&L by month", "P&L by category", "P&L by series",
    "Best and worst positions", "Open positions", "Fees", "Reconciliation", "Coverage", "How the numbers are defined",
]  # fmt: skip
HOSTILE = "<script>alert(1)</script> </style> </title> \"onload='x' --> {{7*7}} =cmd() &amp; clip1"


@pytest.fixture(scope="module")
def pf() -> kp.Portfolio:
    return kp.Portfolio(kp.demo().root)


@pytest.fixture(scope="module")
def text(pf: kp.Portfolio) -> str:
    return pf.report(None, tz=NY)


@pytest.fixture(scope="module")
def page(text: str) -> Element:
    return read(text)


def money(cents: Any, *, signed: bool = True) -> str:
    """Write an amount anew, with nothing of the package."""
    rounded = (Decimal(cents) / 100).quantize(Decimal("0.01"))
    return f"{'-' if rounded < 0 else '+' if signed and rounded > 0 else ''}${abs(rounded):,.2f}"


def section(page: Element, heading: str) -> Element:
    return next(s for s in page.all("section") if s.all("h2")[0].text == heading)


def gaps(page: Element) -> list[str]:
    found = page.all("aside")
    return [item.text for item in found[0].all("li")] if found else []


# What is in it


def test_all_sections_are_there_in_order_and_the_contents_lead_to_them(page: Element) -> None:
    assert [heading.text for heading in page.all("h2") if heading.text != "What is not known"] == SECTIONS
    links = page.all("nav")[0].all("a")
    assert [link.text for link in links] == SECTIONS
    assert [link.attributes["href"] for link in links] == [f"#{s.attributes['id']}" for s in page.all("section")]


def test_the_summary_is_that_of_the_frame(pf: kp.Portfolio, page: Element) -> None:
    row = pf.summary().row(0, named=True)
    shown = section(page, "Summary")
    figures = {d.all("dt")[0].text: d.all("dd")[0].text for d in shown.all("dl")[0].all("div")}
    assert shown.all("b")[0].text == money(row["net_pnl_cents"]) == "+$1,305.51"
    for label, name in {"Realised P&L": "realized_pnl_cents", "Unrealised P&L": "unrealized_pnl_cents"}.items():
        assert figures[label].startswith(money(row[name]))
    plain = {
        "Fees": "fee_cents",
        "Cost of what is held": "open_exposure_cents",
        "Worth of what is held": "market_value_cents",
        "Deepest drawdown": "max_drawdown_cents",
        "Paid in, net": "transfers_cents",
    }
    for label, name in plain.items():
        assert figures[label].startswith(money(row[name], signed=False)), label
    assert "8 of 36 unmarked" in figures["Unrealised P&L"]
    assert figures["Positions ended"].startswith("1,046")
    assert figures["Positions won"].startswith("50.4%")
    assert figures["Return"].startswith("15.9%")


def test_tables_of_profit_are_those_of_the_frames(pf: kp.Portfolio, page: Element) -> None:
    tables = {
        "P&L by month": pf.pnl(freq="1mo", tz=NY).with_columns(pl.col("period").dt.strftime("%b %Y").alias("name")),
        "P&L by category": profit.ranked(pf.pnl(by="category"), "category").with_columns(name="category"),
        "P&L by series": profit.ranked(pf.pnl(by="series_ticker"), "series_ticker").with_columns(name="series_ticker"),
        "By how the position was entered": pf.pnl(by="is_taker").with_columns(name=pl.Series(["maker", "taker"])),
    }
    total = pf.pnl().row(0, named=True) | {"name": "all"}
    for caption, rows in tables.items():
        expected = [
            [
                row["name"],
                money(row["realized_pnl_cents"]),
                money(row["fee_cents"], signed=False),
                money(row["net_pnl_cents"]),
                f"{row['quantity']:,.2f}" if row["quantity"] % 1 else f"{row['quantity']:,.0f}",
                f"{row['lots']:,}",
            ]
            for row in [*rows.to_dicts(), total]
        ]
        assert [row[:6] for row in table(page, caption)] == expected, caption


def test_the_course_by_month_is_that_of_the_frame(pf: kp.Portfolio, page: Element) -> None:
    course = pf.equity(freq="1mo", tz=NY)
    rows = table(page, "The course of the account")
    assert [row[2] for row in rows] == [money(cents) for cents in course["cumulative_net_pnl_cents"]]
    assert [row[3] for row in rows] == [money(cents, signed=False) for cents in course["drawdown_cents"]]
    days = pf.pnl(freq="1d", tz=NY)
    listed = table(page, "Days on which")
    assert len(listed) == 366
    assert [row[3] for row in listed] == [money(cents) for cents in days["net_pnl_cents"].reverse()[:366]]


def test_the_best_and_the_worst_positions_are_listed(pf: kp.Portfolio, page: Element) -> None:
    ended = pf.positions().filter(pl.col("status") != "open").sort("net_pnl_cents")
    worst, best = table(page, "The worst 20 positions"), table(page, "The best 20 positions")
    assert [row[6] for row in worst] == [money(cents) for cents in ended["net_pnl_cents"][:20]]
    assert [row[6] for row in best] == [money(cents) for cents in ended["net_pnl_cents"].reverse()[:20]]
    first = ended.row(0, named=True)
    assert worst[0][0] == f"{first['title']} {first['ticker']}"


def test_open_positions_have_marks_and_what_has_none_is_counted(pf: kp.Portfolio, page: Element) -> None:
    held = pf.positions(status="open").sort("cost_cents", descending=True)
    *rows, total = table(page, "All that is held now")
    assert [row[5] for row in rows] == [money(cents, signed=False) for cents in held["cost_cents"]]
    shown = ["–" if cents is None else money(cents) for cents in held["unrealized_pnl_cents"]]  # noqa: RUF001
    assert [row[6] for row in rows] == shown
    assert shown.count("–") == 8  # noqa: RUF001
    assert total[0] == "all 36"
    assert total[4:7] == ["8 unknown", money(held["cost_cents"].sum(), signed=False), "-$4.02"]
    assert gaps(page) == [
        "8 of 36 open positions have no mark (nobody bids or no quote was read): left out of unrealised P&L."
    ]


def test_the_comparison_and_the_coverage_are_in_words(pf: kp.Portfolio, page: Element) -> None:
    assert "779 checks, all agree." in section(page, "Reconciliation").text
    counts = table(page, "Check by check")
    assert len(counts) == pf.reconcile()["check"].n_unique()
    coverage = section(page, "Coverage").text
    assert "Nothing is missing." in coverage
    assert all(name in coverage for name in ("fills", "settlements", "positions", "transfers", "balances"))


def test_a_report_of_some_time_is_of_that_time_in_its_zone(pf: kp.Portfolio) -> None:
    start, end = (datetime(2026, month, 1, tzinfo=ZoneInfo(NY)).astimezone(UTC) for month in (3, 6))
    page = read(pf.report(None, tz=NY, since="2026-03-01", until=date(2026, 6, 1)))
    total = pf.pnl(since=start, until=end, tz=NY)
    net = money(total["net_pnl_cents"].item())
    assert section(page, "Summary").all("b")[0].text == net
    for caption in ("P&L by month", "P&L by category", "P&L by series"):
        assert table(page, caption)[-1][3] == net
    assert [row[0] for row in table(page, "P&L by month")] == ["Mar 2026", "Apr 2026", "May 2026", "all"]
    ended = pf.positions().filter(pl.col("closed_at") >= start, pl.col("closed_at") < end).sort("net_pnl_cents")
    assert table(page, "The worst")[0][6] == money(ended["net_pnl_cents"][0])
    assert table(page, "All that is held now")[-1][0] == "all 36"
    assert "1 Mar 2026 to before 1 Jun 2026" in page.text
    assert "Return" not in section(page, "Summary").text
    nothing = read(pf.report(None, since="2031-01-01"))
    assert "Nothing to show: no trades in this time." in section(nothing, "Calendar").drawn


def test_method_and_mark_are_those_asked_for_and_said(pf: kp.Portfolio) -> None:
    page = read(pf.report(None, method="average", mark="last"))
    assert "at average cost" in page.all("header")[0].text
    assert "The mark is the last trade" in page.text
    summary = pf.summary(method="average", mark="last").row(0, named=True)
    assert money(summary["unrealized_pnl_cents"]) in section(page, "Summary").text
    assert summary["unknown_marks"] != 8


def test_more_open_positions_than_a_page_holds_are_summed_up(pf: kp.Portfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reporting, "MOST_HELD", 10)
    page = read(pf.report(None))
    held = profit.largest_held(pf.positions())
    *rows, rest, total = table(page, "The 10 largest of 36 open positions")
    assert len(rows) == 10
    assert rest[0] == "26 further positions"
    assert rest[5] == money(held["cost_cents"][10:].sum(), signed=False)
    assert total[5] == money(held["cost_cents"].sum(), signed=False)


# What is not known


def test_an_empty_folder_gives_a_page_that_says_what_to_do(tmp_path: Path) -> None:
    Store.open_for_sync(tmp_path / "d", Identity("example.com", "custom"))
    page = read(kp.Portfolio(tmp_path / "d").report(None))
    assert gaps(page) == ["Nothing is synced yet: kalshi-portfolio sync fetches it."]
    assert [s.all("h2")[0].text for s in page.all("section")] == SECTIONS
    assert "nothing is held" in section(page, "Open positions").text
    assert "No checks" in section(page, "Reconciliation").text


def test_unknown_is_a_dash_and_is_counted_never_zero(tmp_path: Path) -> None:
    fill = {"ticker": "KXA-1", "side": "yes", "executed_at": at(-1), "subaccount": 0}
    store = Store.open_for_sync(tmp_path / "d", Identity("example.com", "custom"))
    store.upsert(FILLS, frame(FILLS, {**fill, "kalshi_trade_id": "f"}, {**fill, "kalshi_trade_id": "g"}))
    store.quarantine("fills", [SetAside("fills", "{}", "no ticker", None, "live", 0, at(0))])
    page = read(kp.Portfolio(tmp_path / "d").report(None))
    assert section(page, "Summary").all("b")[0].text == "–"  # noqa: RUF001
    said = " ".join(gaps(page))
    assert "1 position is left out of P&L, because part of the history is missing." in said
    assert "1 row that the exchange sent does not fit and is kept aside" in said
    assert "Never synced: settlements, positions, transfers, balances, markets." in said
    assert table(page, "All that is held now")[-1][6] == "–"  # noqa: RUF001
    row = table(page, "P&L by month")[0]
    assert row[1:4] == ["–", "–", "–"]  # noqa: RUF001


def test_a_gap_a_failed_check_and_old_data_come_first(
    pf: kp.Portfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(pf.root, tmp_path / "d")
    marker = folder / "kalshi-portfolio.json"
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"environment": "prod"}))
    shutil.rmtree(folder / "fills" / "date=2026-11-19")
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=3))
    ours = kp.Portfolio(folder)
    page, checks = read(ours.report(None)), ours.reconcile()
    said = gaps(page)
    assert said[0] == "Part of the fills is missing: see Coverage. The next sync fetches it."
    assert said[1].startswith("Last synced 3 days before this report was made")
    wrong = checks.filter(~pl.col("ok"))
    assert said[2].startswith(f"{wrong.height} checks against the exchange's figures differ")
    failures = section(page, "Reconciliation").all(cls="kp-entries")
    assert len(failures) == wrong["check"].n_unique()
    assert all(item.all("small")[0].text for item in section(page, "Reconciliation").all("li"))
    assert "missing" in section(page, "Coverage").text
    assert page.text.index("What is not known") < page.text.index(SECTIONS[0] + " Net P&L")


def test_a_damaged_file_is_named_and_an_older_report_stays(pf: kp.Portfolio, tmp_path: Path) -> None:
    folder = shutil.copytree(pf.root, tmp_path / "d")
    place = pf.report(tmp_path / "report.html")
    before = place.read_bytes()
    damaged = next((folder / "fills").iterdir()) / "data.parquet"
    damaged.write_bytes(b"PAR1 nonsense")
    with pytest.raises(DamagedFileError, match=re.escape(str(damaged))):
        kp.Portfolio(folder).report(place)
    assert place.read_bytes() == before


# Safety


def test_text_from_outside_stays_text_everywhere(tmp_path: Path) -> None:
    exchange = SimulatedExchange.empty(now=NOW)
    for number, settled in enumerate((True, True, False)):
        ticker = f"KXH{number}-26-<B>"
        exchange.add_market(
            ticker,
            title=f"{HOSTILE} {number}",
            category=f"{HOSTILE} {number}",
            series_ticker=f"KX{number}{HOSTILE}",
            event_ticker=f"KXH{number}-26",
        )
        exchange.trade(ticker, "yes", 10, "0.40", at=NOW - timedelta(days=9))
        if settled:
            exchange.settle(ticker, ("no", "yes")[number], at=NOW - timedelta(days=2))
    kp.sync(tmp_path / "d", connection=kp.demo_connection(exchange), progress=False)
    text = kp.Portfolio(tmp_path / "d").report(None)
    page = read(text)
    tags = {element.tag for element in page.all()}
    assert "script" not in tags
    assert not {"b", "B"} & {e.tag for e in page.all("svg")[0].all()}
    assert len(page.all("style")) == len(page.all("title")) == 1
    assert not [name for e in page.all() for name in e.attributes if name.startswith("on")]
    written = " ".join(HOSTILE.split())
    for heading in ("Best and worst positions", "Open positions"):
        assert written in section(page, heading).text
    for heading in ("P&L by category", "P&L by series"):
        assert "<script>alert(1)" in section(page, heading).drawn
    assert "=cmd()" in section(page, "P&L by category").text
    assert "49" not in section(page, "Open positions").all("td")[0].text


def test_the_page_asks_for_nothing_and_runs_nothing(text: str, page: Element) -> None:
    policy = next(m for m in page.all("meta") if "http-equiv" in m.attributes)
    assert policy.attributes["http-equiv"] == "Content-Security-Policy"
    assert policy.attributes["content"].startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:")
    tags = {element.tag for element in page.all()}
    assert not tags & {"script", "iframe", "object", "embed", "img", "image", "use", "foreignobject", "base", "form"}
    for element in page.all():
        for name in ("src", "href", "xlink:href", "srcset", "action"):
            assert element.attributes.get(name, "#").startswith(("#", "data:,"))
    assert not re.search(r"https?:|//[a-z]|@import|javascript:", text)
    assert set(re.findall(r"url\(([^)]*)\)", text)) <= {f"#{e.attributes['id']}" for e in page.all("clipPath".lower())}


def test_the_page_names_no_id_no_key_and_no_folder(pf: kp.Portfolio, text: str) -> None:
    ids = {*pf.fills()["kalshi_trade_id"], *pf.fills()["order_id"].drop_nulls(), *pf.transfers()["transfer_id"]}
    keys = json.loads((pf.root / "kalshi-portfolio.json").read_text())["key_fingerprints"]
    for secret in (*ids, *keys, str(pf.root), str(Path.home()), pf.root.name):
        assert secret not in text


def test_the_same_account_gives_the_same_page(pf: kp.Portfolio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    assert pf.report(None) == kp.Portfolio(pf.root).report(None)


def test_the_page_is_small(text: str) -> None:
    assert len(text.encode()) < 3_000_000


# Accessibility


def test_the_page_can_be_read_without_seeing_it(page: Element) -> None:
    assert page.all("html")[0].attributes["lang"] == "en"
    levels = [int(element.tag[1]) for element in page.all() if re.fullmatch("h[1-6]", element.tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    for one in page.all("table"):
        assert one.all("caption")[0].text
        assert all(head.attributes.get("scope") in {"col", "row"} for head in one.all("th"))
    for region in page.all(role="region"):
        assert region.attributes["tabindex"] == "0"
        assert region.attributes["aria-label"]
    pictures = [p for p in page.all(role="img") if p.all("svg")]
    assert len(pictures) == len(page.all("svg")) == 17
    assert all(len(p.attributes["aria-label"]) > 40 for p in pictures)
    for one in page.all("section"):
        assert page.all(id=one.attributes["aria-labelledby"])[0].tag == "h2"
    ids = [element.attributes["id"] for element in page.all() if "id" in element.attributes]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("palette", [LIGHT, DARK], ids=["light", "dark"])
def test_every_colour_can_be_read_on_its_ground(palette: dict[str, str]) -> None:
    for text in ("ink", "quiet", "gain", "loss", "warn"):
        assert contrast(palette[text], palette["ground"]) >= 4.5, text
    for text in ("ink", "warn"):
        assert contrast(palette[text], palette["warnground"]) >= 4.5, text
    for mark in {GAIN, LOSS, REST, *GROUPS}:
        assert contrast(mark, palette["ground"]) >= 3, mark


def contrast(one: str, other: str) -> float:
    """Give the contrast of two colours as WCAG defines it."""

    def luminance(colour: str) -> float:
        parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)
