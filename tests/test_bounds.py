"""Bounds in time: what lies between them and no more, in every zone, in frames, charts and reports alike."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from report_pages import read, table

import kalshi_portfolio as kp
from kalshi_portfolio import pnl as profit
from kalshi_portfolio.errors import ArgumentError

if TYPE_CHECKING:
    from pathlib import Path

NY = "America/New_York"
ZONES = ["UTC", NY, "Asia/Tokyo", "Australia/Lord_Howe", "America/Sao_Paulo"]
BOUNDS: list[tuple[Any, Any]] = [
    ("2026-11-10", "2026-11-12"),
    ("2026-10-15", "2026-11-10"),
    ("2026-11-10T12:34:56", None),
    (None, "2026-03-08T02:30"),  # an hour that New York does not have
    (date(2025, 11, 2), date(2025, 11, 3)),  # a day of 25 hours there
    (datetime(2026, 9, 1, 3, 7, tzinfo=UTC), datetime(2026, 9, 9, 21, 1, tzinfo=ZoneInfo("Asia/Tokyo"))),
]
SUMS = ["realized_pnl_cents", "fee_cents", "net_pnl_cents"]


@pytest.fixture(scope="module")
def pf() -> kp.Portfolio:
    return kp.demo()


@pytest.mark.parametrize("freq", ["1h", "1d", "1w", "1mo", "1q"])
@pytest.mark.parametrize("tz", ZONES)
def test_equity_between_bounds_is_the_pnl_between_them(pf: kp.Portfolio, tz: str, freq: str) -> None:
    whole = pf.equity(freq=freq, tz=tz)
    for since, until in BOUNDS:
        told: dict[str, Any] = {"freq": freq, "tz": tz, "since": since, "until": until}
        equity, pnl = pf.equity(**told), pf.pnl(**told)
        moving = equity.filter(pl.any_horizontal(pl.col(SUMS) != 0))["period"].to_list()
        assert equity.join(pnl, on="period").select(SUMS).rows() == pnl.select(SUMS).rows()
        assert set(moving) <= set(pnl["period"]) <= set(equity["period"])
        total = equity["cumulative_net_pnl_cents"][-1]
        assert total == (pf.pnl(tz=tz, until=until)["net_pnl_cents"].item() or 0)
        # A period that no bound cuts is the same as without bounds, drawdown and quiet periods included.
        inner = equity.slice(1, max(equity.height - 2, 0))
        assert inner.rows() == whole.filter(pl.col("period").is_in(inner["period"].implode())).rows()


def test_days_are_those_of_the_zone() -> None:
    pf = kp.demo()
    told: dict[str, Any] = {"freq": "1d", "tz": NY, "since": "2026-11-10", "until": "2026-11-12"}
    days = [date(2026, 11, 10), date(2026, 11, 11)]
    assert pf.equity(**told)["period"].to_list() == pf.pnl(**told)["period"].to_list() == days
    start, end = (datetime(2026, 11, day, 5, tzinfo=UTC) for day in (10, 12))  # midnights of New York
    at = pl.col("executed_at")
    paid = pf.trades().filter(at >= start, at < end)["fee_cents"].sum()
    assert pf.pnl(**told)["fee_cents"].sum() == paid
    assert kp.dollars(pf.equity(**told)).height == 2


def test_bounds_one_after_the_other_add_up_to_the_whole(pf: kp.Portfolio) -> None:
    edges = [None, "2025-02-03", "2025-07-04T09:30", date(2026, 1, 1), "2026-11-11", None]
    for method in ("fifo", "average"):
        parts = [pf.equity(freq="1mo", tz=NY, since=a, until=b, method=method) for a, b in pairwise(edges)]
        whole = pf.pnl(method=method)
        assert pl.concat(parts).select(SUMS).sum().rows() == whole.select(SUMS).rows()
        ends = [part["cumulative_net_pnl_cents"][-1] for part in parts]
        assert ends[-1] == whole["net_pnl_cents"].item()


@pytest.mark.parametrize("freq", ["1h", "1d"])
@pytest.mark.parametrize("tz", ZONES)
def test_exposure_is_of_the_periods_that_begin_between_the_bounds(pf: kp.Portfolio, tz: str, freq: str) -> None:
    since, until = datetime(2026, 11, 10, 12, tzinfo=UTC), datetime(2026, 11, 12, 12, tzinfo=UTC)
    told: dict[str, Any] = {"freq": freq, "tz": tz, "since": since, "until": until}
    shown = profit.exposure(pf.lots(), pf.markets(), **told)["period"].unique().sort()
    begins = [_begin(period, tz) for period in shown]
    assert all(since <= at < until for at in begins)
    step = timedelta(hours=1) if freq == "1h" else timedelta(days=1)
    assert begins[0] - since < step
    assert until - begins[-1] <= step + timedelta(hours=1)
    assert pf.plot.exposure(**told).to_dict()["title"]["text"] == "Exposure"


def _begin(period: date | datetime, tz: str) -> datetime:
    if isinstance(period, datetime):
        return period
    return datetime(period.year, period.month, period.day, tzinfo=ZoneInfo(tz)).astimezone(UTC)


@pytest.mark.parametrize("call", ["equity", "pnl"])
@pytest.mark.parametrize("tz", ["Mars", "localtime", "posixrules", "", 5])
def test_a_zone_that_is_none_is_our_error(pf: kp.Portfolio, call: str, tz: Any) -> None:
    for bounds in ({}, {"since": "2026-11-10"}):
        with pytest.raises(ArgumentError, match="is no time zone"):
            getattr(pf, call)(freq="1d", tz=tz, **bounds)


def test_the_months_of_a_report_add_up_to_its_total(pf: kp.Portfolio, tmp_path: Path) -> None:
    page = read(pf.report(tmp_path / "r.html", tz=NY, since="2026-10-15", until="2026-11-10").read_text("utf-8"))
    months = table(page, "The course of the account")
    assert [row[0] for row in months] == ["Oct 2026", "Nov 2026"]
    net = pf.pnl(tz=NY, since="2026-10-15", until="2026-11-10")["net_pnl_cents"].item()
    shown = sum(Decimal(row[1].translate({ord(c): None for c in "$+,"})) for row in months)
    assert abs(shown - net / 100) <= Decimal("0.01")  # each is rounded to a cent


def test_the_course_of_some_markets_is_their_pnl_and_has_no_transfers(pf: kp.Portfolio) -> None:
    tickers = pf.positions()["ticker"].unique().sort().head(40).to_list()
    equity, summary = pf.equity(tickers=tickers), pf.summary(tickers=tickers).row(0, named=True)
    net = pf.pnl(tickers=tickers)["net_pnl_cents"].item()
    assert equity["cumulative_net_pnl_cents"][-1] == summary["net_pnl_cents"] == net
    assert equity["transfers_cents"].sum() == summary["transfers_cents"] == 0
    assert summary["return_on_capital"] is None
    assert summary["positions"] == pf.positions(tickers=tickers).height > 0
    assert pf.equity(tickers=tickers, lazy=True).collect().equals(equity)
    assert pf.summary(tickers=tickers, lazy=True).collect().row(0, named=True) == summary


def test_nothing_to_group_by_may_be_none_and_what_is_no_name_is_refused(pf: kp.Portfolio) -> None:
    nothing: Any = None
    assert pf.pnl(by=nothing).equals(pf.pnl())
    wrong: list[Any] = [pl.col("side"), [pl.col("side")], 5]
    for odd in wrong:
        with pytest.raises(ArgumentError, match="cannot be grouped by"):
            pf.pnl(by=odd)
    assert pf.coverage(lazy=True).collect().rows() == pf.coverage().rows()
