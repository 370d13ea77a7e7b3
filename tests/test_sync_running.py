"""Locks, loops and the ways to call: waiting, cancelling, awaiting, one dataset at a time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from sync_world import connect, contents, read, sync

import kalshi_portfolio as kp
from kalshi_portfolio.errors import (
    ArgumentError,
    LockedError,
)
from kalshi_portfolio.schema import FILLS
from kalshi_portfolio.simulation import NOW, ScriptedExchange, SimulatedExchange, SimulatedTransport
from kalshi_portfolio.store import Store
from kalshi_portfolio.sync import PortfolioSyncer

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

T = TypeVar("T")

DAY = timedelta(days=1)


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine. ``asyncio.run`` leaves its loop open once a sync inside of a loop has made loops reentrant."""
    with asyncio.Runner() as runner:
        return runner.run(coroutine)


@pytest.fixture
def exchange() -> ScriptedExchange:
    return SimulatedExchange.tiny()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "d"


def test_a_second_sync_waits_says_who_holds_the_lock_and_gives_up(
    root: Path, exchange: ScriptedExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    sync(root, connect(exchange))
    with Store.open(root).sync_lock(), pytest.raises(LockedError, match=r"waited 0\.3 s") as caught:
        sync(root, connect(exchange), wait=0.3)
    assert "process" in str(caught.value)
    assert "Waiting for" in capsys.readouterr().err
    assert sync(root, connect(exchange), wait=0).warnings == ()


def test_two_syncs_at_once_come_one_after_the_other(root: Path, exchange: ScriptedExchange) -> None:
    link = connect(exchange)

    async def one() -> int:
        store = Store.open_for_sync(root, link.identity)
        async with link.client() as client:
            return (await PortfolioSyncer(client, store, wait=-1, paced=False).sync_all())["fills"].new

    async def both() -> list[int]:
        return list(await asyncio.gather(one(), one()))

    assert sorted(finished(both())) == [0, 10]


def test_a_cancelled_task_frees_the_lock_and_the_next_sync_completes(root: Path, exchange: ScriptedExchange) -> None:
    slow = SimulatedTransport(exchange, latency=0.02)
    link = connect(exchange, slow)

    async def main() -> None:
        store = Store.open_for_sync(root, link.identity)
        async with link.client() as client:
            task = asyncio.create_task(PortfolioSyncer(client, store, paced=False).sync_all())
            while len(slow.seen) < 8:  # noqa: ASYNC110  (the transport has no event to wait for)
                await asyncio.sleep(0.005)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        assert store.holder() is None
        async with link.client() as client:
            report = await PortfolioSyncer(client, store, paced=False, wait=0).sync_all()
        assert report["fills"].new + report["fills"].received >= 0

    finished(main())
    assert read(root, FILLS).height == 10


def test_the_functions_work_where_a_loop_already_runs(root: Path, exchange: ScriptedExchange) -> None:
    async def cell() -> int:
        await asyncio.sleep(0)
        return sync(root, connect(exchange))["fills"].new

    assert finished(cell()) == 10


@pytest.mark.parametrize("name", ["fills", "settlements", "positions", "markets", "transfers", "balances"])
def test_each_dataset_can_be_synced_alone(root: Path, exchange: ScriptedExchange, name: str) -> None:
    function = getattr(kp, f"sync_{name}")
    report = function(root, connection=connect(exchange), progress=False)
    assert name in report.datasets
    assert set(report.datasets) <= {name, "markets"}


def test_every_method_of_the_syncer_is_awaited_as_the_specification_has_it(
    root: Path, exchange: ScriptedExchange
) -> None:
    link = connect(exchange)

    async def main() -> dict[str, int]:
        store = Store.open_for_sync(root, link.identity)
        async with link.client() as client:
            syncer = PortfolioSyncer(client, store, paced=False)
            trades = await syncer.sync_trades()
            settled = await syncer.sync_settlements()
            held = await syncer.sync_positions()
            moved = await syncer.sync_transfers()
            cash = await syncer.sync_balances()
            listed = await syncer.sync_markets()
            await syncer.sync_all()
        named = {"fills": trades, "settlements": settled, "positions": held, "transfers": moved}
        named |= {"balances": cash, "markets": listed}
        return {name: report[name].received for name, report in named.items()}

    received = finished(main())
    sync(root.with_name("e"), connect(exchange))
    assert contents(root) == contents(root.with_name("e"))
    assert received == {"fills": 10, "settlements": 2, "positions": 2, "transfers": 2, "balances": 2, "markets": 2}


def test_the_syncer_refuses_a_start_without_a_time_zone(root: Path, exchange: ScriptedExchange) -> None:
    link = connect(exchange)
    store = Store.open_for_sync(root, link.identity)
    with pytest.raises(ArgumentError, match="time zone"):
        PortfolioSyncer(link.client(), store, since=NOW.replace(tzinfo=None))
    with pytest.raises(ArgumentError, match="negative"):
        PortfolioSyncer(link.client(), store, overlap=-DAY)
