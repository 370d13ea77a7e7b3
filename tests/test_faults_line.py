"""A bad line to the exchange, over a real socket: nothing is lost or invented, and what could not be read is said."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

import fault_kinds as kinds
import pytest
import stamina
from fault_exchange import FOREVER, Fault, FaultExchange, Reply
from fault_world import (
    A,
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

import kalshi_portfolio as kp
from kalshi_portfolio.errors import (
    AuthenticationError,
    ConnectionFailedError,
    KalshiPortfolioError,
    ProtocolError,
    RateLimitError,
    ServerError,
)
from kalshi_portfolio.simulation import NOW, ScriptedExchange

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fault_exchange import Asked

SLOW = 0.6  # a silence that counts as one, in seconds


@pytest.fixture
def world() -> Iterator[FaultExchange]:
    with FaultExchange(account()) as served:
        yield served


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "d"


def check(root: Path, world: FaultExchange) -> None:
    check_books(root, world.exchange)
    check_same_as_calm(root, world.exchange)


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param([kinds.storm(times=2), kinds.storm(skip=5, times=3)], id="429"),
        pytest.param([kinds.broken(500, skip=1), kinds.broken(502, skip=7), kinds.broken(503, skip=9)], id="5xx"),
        pytest.param([kinds.page_of_html(skip=4, times=2)], id="200 with HTML"),
        pytest.param([kinds.truncated(skip=2), kinds.truncated(path=kinds.PAGED, skip=3, times=2)], id="truncated"),
        pytest.param([kinds.reset(skip=1), kinds.reset(path="/portfolio/.*", skip=3, times=3)], id="reset"),
        pytest.param([kinds.silence(path="/portfolio/fills"), kinds.silence(path="/markets")], id="silence"),
    ],
)
def test_what_passes_is_tried_again_and_nothing_is_lost(world: FaultExchange, root: Path, faults: list[Fault]) -> None:
    world.faults = faults
    report = sync(root, line(world, timeout=SLOW))
    assert report.retries == sum(fault.struck for fault in faults) == sum(fault.times for fault in faults)
    assert (report.warnings, report.in_quarantine) == ((), 0)
    assert f"{report.retries} retried" in str(report)
    check(root, world)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        (kinds.storm(times=FOREVER, path="/portfolio/.*"), RateLimitError, "429"),
        (kinds.broken(503, times=FOREVER, path="/portfolio/fills"), ServerError, "503"),
        (kinds.page_of_html(times=FOREVER, path="/portfolio/settlements"), ProtocolError, "text/html"),
        (kinds.truncated(times=FOREVER, path="/portfolio/fills"), ProtocolError, "not what the API documents"),
        (kinds.reset(times=FOREVER, path="/historical/fills"), ConnectionFailedError, "no whole answer"),
        (kinds.silence(times=FOREVER, path="/markets"), ConnectionFailedError, "ReadTimeout"),
        (kinds.unauthorized(path="/portfolio/positions"), AuthenticationError, "does not say which part"),
        (kinds.broken(500, times=FOREVER, path="/portfolio/deposits"), ServerError, "500"),
    ],
    ids=lambda value: value.name if isinstance(value, Fault) else "",
)
def test_what_does_not_pass_is_said_and_made_up_for_by_the_next_sync(
    world: FaultExchange, root: Path, fault: Fault, error: type[KalshiPortfolioError], words: str
) -> None:
    world.faults = [fault]
    with pytest.raises(error, match=words):
        sync(root, line(world, timeout=0.2))
    check_subset_of_books(root, world.exchange)
    world.faults = []
    assert sync(root, line(world)).warnings == ()
    check(root, world)


@pytest.mark.parametrize("seed", range(5))
def test_an_answer_with_impossible_bytes_is_asked_for_again(world: FaultExchange, root: Path, seed: int) -> None:
    world.faults = [kinds.malformed(seed=seed * 10 + n, skip=2 + 2 * n, path="/portfolio/.*") for n in range(5)]
    try:
        sync(root, line(world))
    except KalshiPortfolioError:
        check_subset_of_books(root, world.exchange)
    world.faults = []
    assert sync(root, line(world)).in_quarantine == 0
    check(root, world)


def test_an_answer_that_drips_does_not_hold_a_sync_for_ever(world: FaultExchange, root: Path) -> None:
    world.faults = [kinds.drip(0.1, path="/portfolio/fills")]
    began = time.monotonic()
    report = sync(root, line(world, timeout=0.3))  # ten times that for the whole answer
    assert report.retries >= 1
    assert time.monotonic() - began < 60, "at this pace the answer would have taken two minutes"
    check(root, world)


def test_an_answer_that_drips_for_a_moment_is_waited_for(world: FaultExchange, root: Path) -> None:
    world.faults = [kinds.drip(0.0, path="/portfolio/settlements")]
    assert sync(root, line(world, timeout=30.0)).retries == 0
    check(root, world)


def test_retries_wait_longer_each_time_without_being_told_to(world: FaultExchange, root: Path) -> None:
    times: list[float] = []

    async def instead(served: FaultExchange, asked: Asked) -> Reply:
        times.append(time.monotonic())
        return Reply(429, {}, b'{"error":"too many requests"}')

    world.faults = [Fault("429", path="/portfolio/fills", times=2, instead=instead)]
    report = kp.sync(root, connection=line(world), progress=False, only="fills")  # with the true waits
    assert report.retries == 2
    assert times[1] - times[0] >= 0.5
    check_subset_of_books(root, world.exchange)


def test_trouble_that_lasts_is_told_once_and_not_in_silence(
    world: FaultExchange, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(times: int) -> str:
        world.faults = [kinds.broken(503, path=path, times=times) for path in ("/portfolio/fills", "/markets")]
        with stamina.set_testing(True, attempts=4, cap=True):
            kp.sync(root, connection=line(world))
        return capsys.readouterr().err

    assert told(times=1) == ""
    assert told(times=3).splitlines() == [
        "GET /portfolio/fills failed with HTTP 503: 503 Bad gateway. Trying again, up to 4 times in all."
    ]
    assert kp.sync(root, connection=line(world), progress=False).retries == 0


# Clocks


@pytest.mark.parametrize("seconds", [-600, -30, 30, 600])
def test_a_computer_whose_clock_is_off_syncs_the_same_by_the_exchanges_time(
    world: FaultExchange, root: Path, seconds: int
) -> None:
    report = sync(root, line(world, clock_off=seconds))
    assert report.retries == (abs(seconds) > 30)  # signed anew once, and right from then on
    assert report.as_of <= world.exchange.now
    check(root, world)


@pytest.mark.parametrize("minutes", [-10, 10])
def test_a_date_header_that_is_off_moves_no_window_past_what_the_exchange_vouches_for(
    world: FaultExchange, root: Path, minutes: int
) -> None:
    world.faults = [kinds.timed(timedelta(minutes=minutes))]
    assert sync(root, line(world)).as_of <= world.exchange.now
    check(root, world)
    world.exchange.trade("KXFED-26DEC-T3.75", "no", 1, "0.60")  # type: ignore[attr-defined]
    world.faults = []
    world.exchange.advance(NOW + timedelta(minutes=1))
    assert sync(root, line(world)).retries == 0
    check(root, world)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_set_during_a_sync_is_noticed_by_all_requests_under_way(
    world: FaultExchange, root: Path, hours: int
) -> None:
    """Four requests are refused for one and the same wrong clock: the offset is set once, not added up."""
    jump = {"by": 0.0}
    world.faults = [
        kinds.happening("clock set", lambda: jump.update(by=hours * 3600.0), path="/series/.*"),
        # Without the code of an expired time only the Date header tells.
        Fault("401 without a code", path="/portfolio/.*", times=FOREVER, reply=_without_code),
    ]
    report = sync(root, line(world, clock_off=lambda: jump["by"]))
    assert report.warnings == ()
    assert 1 <= report.retries <= 4
    check(root, world)


def _without_code(reply: Reply) -> None:
    if reply.status == 401:
        reply.body = b'{"error":"unauthorized"}'


def test_a_computer_that_sleeps_for_an_hour_in_the_middle_goes_on_afterwards(
    world: FaultExchange, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, slept = time.monotonic, {"for": 0.0}
    monkeypatch.setattr(time, "monotonic", lambda: real() + slept["for"])

    def sleep() -> None:
        slept["for"] += 3600
        world.exchange.advance(world.exchange.now + timedelta(hours=1))

    where = {"path": "/portfolio/settlements"}
    world.faults = [kinds.happening("sleep", sleep, **where), kinds.silence(0.5, **where)]
    report = sync(root, line(world, timeout=30.0))
    assert report.retries == 1
    check(root, world)


# Breaking off


@pytest.mark.parametrize("synced_before", [False, True])
def test_a_sync_that_breaks_off_at_any_write_loses_nothing(
    world: FaultExchange, tmp_path: Path, synced_before: bool
) -> None:
    """Odd numbers break off just before a write, even ones just after it."""
    if synced_before:
        sync(tmp_path / "before", line(world))
        _trade_on_the_same_day(world)
    for at in range(1, 40):
        root = tmp_path / str(at)
        if synced_before:
            shutil.copytree(tmp_path / "before", root)
        broken = True
        with crashing(at), suppress(Stopped):
            sync(root, line(world))
            broken = False
        check_subset_of_books(root, world.exchange)
        check_log(root)
        assert sync(root, line(world)).warnings == ()
        check(root, world)
        if not broken:
            break
    assert at > 4


def _trade_on_the_same_day(world: FaultExchange) -> None:
    """Buy and sell: the positions are what they were, and no file is missing, so the windows alone tell of it."""
    exchange = world.exchange
    assert isinstance(exchange, ScriptedExchange)
    exchange.advance(NOW + timedelta(hours=3))
    for side in ("yes", "no"):
        exchange.trade(A, side, 5, "0.50")
    exchange.advance(NOW + timedelta(days=5))
