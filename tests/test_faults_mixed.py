"""Any mix of faults over any number of syncs: the data equal those of a calm sync, and the exchange's own books.

A minute by default; ``FAULTS_MINUTES=30 pytest tests/test_faults_mixed.py`` looks for about so long. What is begun
after that time does nothing, so that a slow machine takes no longer, but sees less.
"""

from __future__ import annotations

import os
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fault_kinds as kinds
import pytest
from fault_exchange import FOREVER, Fault, FaultExchange
from fault_world import (
    DAY,
    TICKERS,
    Stopped,
    account,
    check_books,
    check_log,
    check_same_as_calm,
    check_subset_of_books,
    crashing,
    line,
    sync,
)
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sync_world import read

from kalshi_portfolio.errors import KalshiPortfolioError
from kalshi_portfolio.schema import FILLS, SETTLEMENTS
from kalshi_portfolio.simulation import NOW

if TYPE_CHECKING:
    from collections.abc import Callable

    from kalshi_portfolio.sync import SyncReport

MINUTES = float(os.environ.get("FAULTS_MINUTES", "0"))
SECONDS = MINUTES * 60 or 60.0
EXAMPLES = max(10, int(MINUTES * 20))
STEPS = 12
# To shrink an example takes minutes: left to whoever looks for long.
PHASES = [phase for phase in Phase if MINUTES or phase not in {Phase.shrink, Phase.explain}]

SPOILT: list[tuple[str, str, Any]] = [
    ("/portfolio/fills", "count_fp", None),
    ("/portfolio/fills", "created_time", []),
    ("/portfolio/fills", "exchange_index", None),
    ("/historical/fills", "count_fp", "1.005"),
    ("/portfolio/settlements", "revenue", None),
    ("/portfolio/settlements", "ticker", None),
    ("/portfolio/settlements", "settled_time", "later"),
    ("/portfolio/settlements", "market_result", None),
    ("/portfolio/positions", "position_fp", None),
    ("/portfolio/positions", "exchange_index", None),
    ("/portfolio/deposits", "amount_cents", None),
    ("/portfolio/subaccounts/transfers", "from_subaccount", None),
    ("/portfolio/subaccounts/balances", "subaccount_number", None),
    ("/markets", "ticker", None),
    ("/markets", "yes_bid_dollars", {}),
]
SIGNED = "/portfolio/.*|/historical/fills"
REFUSABLE = [
    "/historical/.*",
    "/historical/fills",
    "/historical/markets",
    "/portfolio/subaccounts/.*",
    "/portfolio/deposits",
    "/markets",
    "/series/.*",
    "/events.*",
]


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    """Draw one fault of any kind, with when it strikes and how often."""
    where = {"skip": draw(st.integers(0, 15)), "times": draw(st.sampled_from([1, 2, 3, 6]))}
    seed = draw(st.integers(0, 99))
    makers: list[Callable[[], Fault]] = [
        lambda: kinds.storm(**where),
        lambda: kinds.broken(500 + seed % 4, **where),
        lambda: kinds.page_of_html(**where),
        lambda: kinds.truncated(**where),
        lambda: kinds.reset(**where),
        lambda: kinds.silence(**where | {"times": 1}),
        lambda: kinds.unauthorized(path=SIGNED, skip=where["skip"]),
        lambda: kinds.forbidden(REFUSABLE[3 + seed % 2], times=FOREVER),
        lambda: kinds.missing(REFUSABLE[seed % len(REFUSABLE)], times=FOREVER),
        lambda: kinds.forbidden(REFUSABLE[5 + seed % 3], times=where["times"]),
        lambda: kinds.expired(skip=where["skip"] % 4),
        lambda: kinds.same_cursor(path="/portfolio/fills"),
        kinds.unknown_fields,
        lambda: kinds.timed(timedelta(seconds=(-600, -30, 30, 600)[seed % 4])),
    ]
    return draw(st.sampled_from(makers))()


@st.composite
def spoilt_rows(draw: st.DrawFn) -> Fault:
    """Draw a list of which one row does not fit."""
    path, field, value = draw(st.sampled_from(SPOILT))
    where = {"nth": draw(st.integers(0, 9)), "path": path, "times": draw(st.sampled_from([2, FOREVER]))}
    if draw(st.integers(0, 3)) == 0:
        return kinds.changed("no row", lambda row: "no row", **where)
    return kinds.field_set(f"spoilt {field}", field, value, **where)


@st.composite
def shapes(draw: st.DrawFn) -> list[Fault]:
    """Draw in what pages and order the rows come."""
    seed, page = draw(st.integers(0, 99)), draw(st.integers(1, 5))
    shape = draw(st.sampled_from(["plain", "small", "twice", "any order", "any order, twice"]))
    shapes_: dict[str, Callable[[], list[Fault]]] = {
        "plain": lambda: [],  # noqa: PIE807  (list alone has no type)
        "small": lambda: [kinds.small_pages(page)],
        "twice": lambda: [kinds.small_pages(page), kinds.repeated(seed)],
        "any order": lambda: [kinds.reordered(seed, page)],
        "any order, twice": lambda: [kinds.reordered(seed, page), kinds.repeated(seed)],
    }
    return shapes_[shape]()


class Account(RuleBasedStateMachine):
    """An account that lives, and a data folder that is synced from it over a line that is never to be trusted."""

    began = 0.0

    @initialize()
    def begin(self) -> None:
        Account.began = Account.began or time.monotonic()
        self.over = time.monotonic() > Account.began + SECONDS
        if self.over:
            return
        self.folder = tempfile.TemporaryDirectory()
        self.folders = 0
        self.root = Path(self.folder.name) / "0"
        self.exchange = account()
        self.world = FaultExchange(self.exchange)
        self.world.__enter__()
        self.markets = 0

    @rule(
        trades=st.lists(
            st.tuples(
                st.sampled_from(TICKERS),
                st.sampled_from(["yes", "no"]),
                st.sampled_from(["1", "2.50", "30"]),
                st.integers(0, 1),
            ),
            max_size=4,
        ),
        late=st.none() | st.tuples(st.sampled_from([timedelta(minutes=5), 3 * DAY, 80 * DAY]), st.sampled_from([0, 2])),
        settled=st.none() | st.tuples(st.sampled_from(TICKERS), st.sampled_from(["yes", "no"])),
        dollars=st.none() | st.sampled_from(["10", "0.01"]),
        then=st.sampled_from([timedelta(0), timedelta(seconds=1), timedelta(hours=2), 2 * DAY, 30 * DAY]),
        archived=st.none() | st.integers(1, 40),
    )
    def life_goes_on(
        self,
        trades: list[tuple[str, str, str, int]],
        late: tuple[timedelta, int] | None,
        settled: tuple[str, str] | None,
        dollars: str | None,
        then: timedelta,
        archived: int | None,
    ) -> None:
        if self.over:
            return
        exchange = self.exchange
        for ticker, side, count, subaccount in trades:
            if exchange.world.markets[ticker].settled is None:
                exchange.trade(ticker, side, count, "0.42", subaccount=subaccount)
        if late is not None:
            self.markets += 1
            ticker = f"KXLATE{late[1]}-{self.markets}-T1"
            exchange.add_market(ticker, opens=NOW - 200 * DAY, exchange_index=late[1])
            exchange.trade(ticker, "yes", 5, "0.30", at=exchange.now - late[0])
        if settled is not None and exchange.world.markets[settled[0]].settled is None:
            exchange.settle(*settled)
        if dollars is not None:
            exchange.deposit(dollars)
            exchange.transfer(0, 1, dollars)
        exchange.advance(exchange.now + then)
        if archived is not None:
            exchange.move_cutoff(max(exchange.cutoff, exchange.now - archived * DAY))

    @rule(
        drawn=st.lists(faults(), min_size=1, max_size=3),
        shape=shapes(),
        clock_off=st.sampled_from([0.0, -600.0, -30.0, 30.0, 600.0]),
        anew=st.booleans(),
    )
    def sync_over_a_bad_line(self, drawn: list[Fault], shape: list[Fault], clock_off: float, anew: bool) -> None:
        if self.over:
            return
        self._begin_anew(anew)
        self._sync([*drawn, *shape], clock_off=clock_off)

    @rule(
        spoilt=st.lists(spoilt_rows(), min_size=1, max_size=3),
        shape=shapes(),
        refused=st.none() | st.sampled_from(REFUSABLE),
        cutoff_moves=st.none() | st.integers(0, 9),
        anew=st.booleans(),
    )
    def sync_rows_that_do_not_fit(
        self, spoilt: list[Fault], shape: list[Fault], refused: str | None, cutoff_moves: int | None, anew: bool
    ) -> None:
        if self.over:
            return
        self._begin_anew(anew)
        drawn = [*shape, *spoilt]
        if refused is not None:
            drawn.append(kinds.missing(refused, times=FOREVER))
        if cutoff_moves is not None:
            to = max(self.exchange.cutoff, self.exchange.now - 3 * DAY)
            drawn.append(kinds.happening("cutoff moves", lambda: self.exchange.move_cutoff(to), skip=cutoff_moves))
        self._sync(drawn)

    @rule(
        drawn=st.lists(faults(), max_size=1),
        shape=shapes(),
        request=st.integers(0, 30),
        write=st.integers(0, 14),
        anew=st.booleans(),
    )
    def break_off(self, drawn: list[Fault], shape: list[Fault], request: int, write: int, anew: bool) -> None:
        """Break off at a request, as the stop button does, or at a write; 0 is never."""
        if self.over:
            return
        self._begin_anew(anew)
        with crashing(write):
            self._sync([*drawn, *shape], crash_at=request)

    @rule()
    def sync_in_calm(self) -> None:
        if self.over:
            return
        report = self._sync([])
        assert report is not None
        again = self._sync([])  # what the first found out about, the second reads
        assert again is not None
        assert again.in_quarantine == 0, str(again)
        assert not any(again.missing.values()), str(again)
        check_books(self.root, self.exchange)
        check_same_as_calm(self.root, self.exchange)

    @invariant()
    def nothing_is_invented(self) -> None:
        if hasattr(self, "root") and not self.over:
            check_subset_of_books(self.root, self.exchange)
            check_log(self.root)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.sync_in_calm()
            finally:
                self.world.__exit__(None, None, None)
                self.folder.cleanup()

    def _begin_anew(self, anew: bool) -> None:
        """Use an empty folder: a first sync has the most to lose."""
        if anew:
            self.folders += 1
            self.root = Path(self.folder.name) / str(self.folders)

    def _sync(self, drawn: list[Fault], **options: Any) -> SyncReport | None:
        self.world.faults = drawn
        try:
            report = sync(
                self.root, line(self.world, timeout=1.0 if any(f.name == "silence" for f in drawn) else 20.0, **options)
            )
            self._what_is_lost_is_said(report)
        except Stopped:
            return None
        except KalshiPortfolioError:
            if not drawn:
                raise
            return None
        else:
            return report
        finally:
            self.world.faults = []

    def _what_is_lost_is_said(self, report: SyncReport) -> None:
        """Where a sync came to its end and something is not on disk, its report does not look like a good one."""
        exchange = self.exchange
        fills = {fill.fill_id for fill in exchange.fills} - set(read(self.root, FILLS)["kalshi_trade_id"])
        listed = {
            (s.subaccount, s.ticker)
            for s in exchange.settlements
            if not exchange.is_archived(exchange.world.events[s.event_ticker])
        }
        if fills or listed - set(read(self.root, SETTLEMENTS).select("subaccount", "ticker").rows()):
            assert report.in_quarantine or report.warnings or any(report.missing.values()), str(report)


Account.TestCase.settings = settings(
    settings(),
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    deadline=None,
)
TestAnyAccount = pytest.mark.timeout(max(600, MINUTES * 240))(Account.TestCase)
