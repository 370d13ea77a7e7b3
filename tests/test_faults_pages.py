"""Pages, cursors, tiers and permissions that misbehave: every row comes in once, and what could not come is said."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import fault_kinds as kinds
import pytest
from fault_exchange import FOREVER, FaultExchange
from fault_world import DAY, A, D, account, check_books, check_same_as_calm, check_subset_of_books, line, sync
from sync_world import read

from kalshi_portfolio.errors import BadRequestError, ProtocolError
from kalshi_portfolio.schema import FILLS
from kalshi_portfolio.simulation import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fault_exchange import Fault

    from kalshi_portfolio.simulation import ScriptedExchange

LATE = "KXLATE-26DEC-T1"


@pytest.fixture
def exchange() -> ScriptedExchange:
    return account()


@pytest.fixture
def world(exchange: ScriptedExchange) -> Iterator[FaultExchange]:
    with FaultExchange(exchange) as served:
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
        pytest.param(lambda: [kinds.small_pages(1)], id="one row a page"),
        pytest.param(lambda: [kinds.repeated(1)], id="rows twice within a page"),
        pytest.param(lambda: [kinds.small_pages(2), kinds.repeated(2)], id="rows twice across pages and tiers"),
        pytest.param(lambda: [kinds.reordered(3, page=4)], id="any order"),
        pytest.param(lambda: [kinds.reordered(4, page=1), kinds.repeated(5)], id="any order and twice, one a page"),
        pytest.param(lambda: [kinds.unknown_fields()], id="unknown fields"),
    ],
)
def test_however_the_rows_come_the_same_is_stored_once(
    world: FaultExchange, root: Path, faults: Callable[[], list[Fault]]
) -> None:
    world.faults = faults()
    for _ in range(2):
        report = sync(root, line(world))
        assert (report.warnings, report.in_quarantine) == ((), 0)
        check(root, world)
    assert not report.changed
    assert all(fault.struck > 3 for fault in world.faults)


def test_rows_that_both_tiers_have_are_stored_once(root: Path) -> None:
    exchange = account(overlap=300 * DAY)
    exchange.move_cutoff(NOW - 11 * DAY)
    with FaultExchange(exchange) as world:
        report = sync(root, line(world))
        assert report["fills"].received > report["fills"].new == len(exchange.fills)
        check(root, world)


@pytest.mark.parametrize("path", ["/portfolio/fills", "/historical/fills", "/portfolio/settlements"])
def test_a_cursor_that_expires_fails_the_sync_and_completes_nothing(
    world: FaultExchange, root: Path, path: str
) -> None:
    world.faults = [kinds.small_pages(1), kinds.expired(path=path)]
    with pytest.raises(BadRequestError, match="invalid cursor"):
        sync(root, line(world))
    check_subset_of_books(root, world.exchange)
    assert sync(root, line(world)).warnings == ()
    check(root, world)


@pytest.mark.parametrize("path", ["/portfolio/fills", "/historical/fills", "/markets"])
def test_a_cursor_that_repeats_is_an_error_and_no_endless_loop(world: FaultExchange, root: Path, path: str) -> None:
    world.faults = [kinds.small_pages(1), kinds.same_cursor(path=path)]
    with pytest.raises(ProtocolError, match="a second time"):
        sync(root, line(world))
    check_subset_of_books(root, world.exchange)
    world.faults = []
    sync(root, line(world))
    check(root, world)


# Tiers


@pytest.mark.parametrize(
    ("path", "skip", "ago"),
    [
        ("/portfolio/fills", 1, 3),
        ("/portfolio/settlements", 0, 10),
        ("/historical/cutoff", 1, 4),
        ("/historical/fills", 0, 4),
        ("/portfolio/positions", 0, 4),
    ],
)
def test_a_cutoff_that_moves_on_during_a_read_loses_nothing(
    world: FaultExchange, exchange: ScriptedExchange, root: Path, path: str, skip: int, ago: int
) -> None:
    move = kinds.happening("cutoff", lambda: exchange.move_cutoff(NOW - ago * DAY), path=path, skip=skip)
    world.faults = [kinds.small_pages(2), move]
    sync(root, line(world))
    assert move.struck == 1
    exchange.verify()
    assert read(root, FILLS).height == len(exchange.fills)
    sync(root, line(world))
    check(root, world)


@pytest.mark.parametrize("path", ["/portfolio/settlements", "/historical/fills", "/portfolio/positions"])
def test_a_cutoff_that_moves_back_during_a_read_loses_nothing(
    world: FaultExchange, exchange: ScriptedExchange, root: Path, path: str
) -> None:
    world.faults = [kinds.happening("cutoff back", lambda: exchange.move_cutoff(NOW - 185 * DAY), path=path)]
    sync(root, line(world))
    assert read(root, FILLS).height == len(exchange.fills)
    for _ in range(2):  # the first learns of it, the second reads what is listed again
        sync(root, line(world))
    check(root, world)


def test_fills_that_show_up_late_are_found_although_their_time_is_covered(
    world: FaultExchange, exchange: ScriptedExchange, root: Path
) -> None:
    exchange.add_market(LATE, opens=NOW - 200 * DAY)
    sync(root, line(world))
    exchange.trade(LATE, "yes", 4, "0.20", at=NOW - timedelta(hours=20))  # within the overlap
    report = sync(root, line(world))
    assert report["fills"].new == 1
    exchange.add_market(f"{LATE}2", opens=NOW - 200 * DAY)
    exchange.trade(f"{LATE}2", "no", 7, "0.20", at=NOW - 20 * DAY)  # long covered: the position tells
    exchange.add_market(f"{LATE}3", opens=NOW - 200 * DAY)
    exchange.trade(f"{LATE}3", "no", 7, "0.20", at=NOW - 90 * DAY)  # and even archived
    report = sync(root, line(world))
    assert (report["fills"].new, report.warnings) == (2, ())
    check(root, world)


def test_a_fill_that_comes_in_while_it_is_read_is_not_lost(
    world: FaultExchange, exchange: ScriptedExchange, root: Path
) -> None:
    def trade() -> None:
        exchange.trade(D, "no", 1, "0.60")

    for path in ("/portfolio/fills", "/portfolio/settlements", "/portfolio/positions", "/portfolio/balance"):
        world.faults = [kinds.small_pages(2), kinds.happening("trade", trade, path=path)]
        sync(root, line(world))
        exchange.advance(exchange.now + timedelta(minutes=1))
    world.faults = []
    sync(root, line(world))
    check(root, world)


def test_a_fill_that_changes_is_changed_and_counted_once(
    world: FaultExchange, exchange: ScriptedExchange, root: Path
) -> None:
    sync(root, line(world))
    exchange.amend(D, 1, fee="0.25")
    report = sync(root, line(world))
    assert (report["fills"].new, report["fills"].changed) == (0, 1)
    assert sync(root, line(world))["fills"].changed == 0
    row = read(root, FILLS).filter(ticker=D).row(-1, named=True)
    assert row["fee_cents"] == 25
    # Within one sync: the row comes in its old form on one page, in its new one on another.
    exchange.amend(D, 1, fee="0.10")
    world.faults = [kinds.repeated(7), kinds.small_pages(1)]
    sync(root, line(world))
    assert read(root, FILLS).filter(ticker=D).row(-1, named=True)["fee_cents"] == 10
    assert read(root, FILLS).height == len(exchange.fills)


# Permissions


MOVES = "/portfolio/(deposits|withdrawals|subaccounts/transfers|intra_exchange_instance_transfers)"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda: kinds.forbidden(MOVES, times=FOREVER), "Transfers of the kind 'deposit' could not be read"),
        (lambda: kinds.forbidden("/portfolio/subaccounts/.*", times=FOREVER), "of the kind 'subaccount'"),
        (lambda: kinds.forbidden("/markets", times=FOREVER), "Markets could not be read"),
        (lambda: kinds.missing("/historical/fills", times=FOREVER), "archive of fills could not be read"),
        (lambda: kinds.missing("/historical/.*", times=FOREVER), "gave no archive cutoff"),
        (lambda: kinds.missing("/historical/markets", times=FOREVER), "Markets could not be read"),
        (lambda: kinds.missing("/historical/cutoff", times=FOREVER), "gave no archive cutoff"),
    ],
)
def test_what_is_refused_is_said_and_read_once_it_is_not(
    world: FaultExchange, root: Path, fault: Callable[[], Fault], words: str
) -> None:
    world.faults = [fault()]
    for _ in range(2):
        report = sync(root, line(world))
        assert any(words in text for text in report.warnings)
        assert words in str(report)
        check_subset_of_books(root, world.exchange)
    world.faults = []
    report = sync(root, line(world))
    assert (report.warnings, report.in_quarantine) == ((), 0)
    assert not any(report.missing.values())
    check(root, world)


@pytest.mark.parametrize("fault", [kinds.forbidden, kinds.missing])
@pytest.mark.parametrize("path", ["/series/.*", "/events", "/events.*"])
def test_names_that_are_refused_for_a_moment_come_with_the_next_sync(
    world: FaultExchange, root: Path, path: str, fault: Callable[..., Fault]
) -> None:
    """Also by a 404 that is not the exchange's own: it says nothing about what there is."""
    world.faults = [fault(path, times=FOREVER)]
    sync(root, line(world))
    world.faults = []
    sync(root, line(world))
    check(root, world)


def test_an_archive_that_comes_back_between_two_syncs_of_days_is_read_whole(
    world: FaultExchange, exchange: ScriptedExchange, root: Path
) -> None:
    """What was logged while nobody said where the archive begins is no proof for the time before it."""
    world.faults = [kinds.missing("/historical/.*", times=FOREVER)]
    for _ in range(3):
        sync(root, line(world))
        exchange.advance(exchange.now + DAY)
    world.faults = []
    sync(root, line(world))
    check(root, world)


@pytest.mark.parametrize("fault", [kinds.forbidden, kinds.missing])
def test_a_list_of_subaccounts_that_is_refused_files_nothing_under_the_wrong_one(
    world: FaultExchange, exchange: ScriptedExchange, root: Path, fault: Callable[..., Fault]
) -> None:
    path = "/portfolio/subaccounts/balances"
    world.faults = [fault(path, times=FOREVER)]
    report = sync(root, line(world))
    assert any("did not list the subaccounts" in text for text in report.warnings)
    check_subset_of_books(root, exchange)
    world.faults = []
    assert sync(root, line(world)).warnings == ()
    check(root, world)
    world.faults = [fault(path, times=FOREVER)]
    exchange.trade(A, "yes", 1, "0.50", subaccount=1)
    report = sync(root, line(world))  # it is known by now which there are
    assert report["fills"].new == 1
    check_books(root, exchange)
