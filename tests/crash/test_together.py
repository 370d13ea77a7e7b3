"""Several processes on one folder: syncs one after the other, and readers who notice nothing."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from crash import world
from crash.conftest import linux_only
from kalshi_portfolio.errors import LockedError
from kalshi_portfolio.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from crash.processes import Server

pytestmark = [linux_only, pytest.mark.timeout(3600)]


@pytest.fixture
def root(tmp_path: Path, calm0: Path) -> Path:
    shutil.copytree(calm0, tmp_path / "data")
    return tmp_path / "data"


@pytest.mark.parametrize("number", [2, 5])
@pytest.mark.parametrize("days", [(0,), (0, 2)], ids=["first sync", "later sync"])
def test_syncs_at_once_all_complete(
    tmp_path: Path, folder: Path, server: Server, number: int, days: tuple[int, ...]
) -> None:
    root = tmp_path / "data"
    if days[:-1]:
        shutil.copytree(world.calm(folder, *days[:-1]), root)
    children = [server.start("sync", root, day=days[-1], patience=600) for _ in range(number)]
    assert [child.wait() for child in children] == [0] * number, [child.said for child in children]
    world.next_sync_completes(root, days[-1], world.calm(folder, *days))


def test_of_syncs_that_do_not_wait_one_works_and_the_others_name_it(folder: Path, server: Server, root: Path) -> None:
    holder = server.start("hold", root).until_ready()
    children = [server.start("sync", root, day=2, patience=0) for _ in range(4)]
    for child in children:
        assert child.wait() == 1
        assert child.said.splitlines()[-1].startswith("LockedError: ")
        assert f"server.py (process {holder.pid} on {os.uname().nodename}, since 20" in child.said
    holder.kill()
    assert server.run("sync", root, day=2, patience=0).status == 0
    world.next_sync_completes(root, 2, world.calm(folder, 0, 2))


def test_the_next_gets_the_lock_of_a_killed_holder_at_once(folder: Path, server: Server, root: Path) -> None:
    holder = server.start("hold", root).until_ready()
    waiting = server.start("sync", root, day=2, patience=600)
    while "Waiting for" not in waiting.said:
        time.sleep(0.01)
    holder.kill()
    assert waiting.wait() == 0, waiting.said
    assert f"process {holder.pid} " in waiting.said
    world.next_sync_completes(root, 2, world.calm(folder, 0, 2))


def test_a_stopped_holder_is_waited_for_and_named(folder: Path, server: Server, root: Path) -> None:
    holder = server.start("hold", root).until_ready()
    holder.signal(signal.SIGSTOP)
    try:
        child = server.run("sync", root, day=2, patience=0.5)
        assert child.status == 1
        assert "waited 0.5 s" in child.said
        assert f"process {holder.pid} " in child.said
        assert world.rows(root)["fills"]  # readers do not wait
    finally:
        holder.kill()
    assert server.run("sync", root, day=2, patience=0).status == 0


def test_a_sync_that_is_stopped_in_a_commit_and_woken_later_completes(folder: Path, server: Server, root: Path) -> None:
    """A laptop that sleeps: the process stands still at any moment, and goes on."""
    child = server.start("sync", root, day=2)
    for _ in range(20):
        child.signal(signal.SIGSTOP)
        time.sleep(0.05)
        child.signal(signal.SIGCONT)
        time.sleep(0.03)
    assert child.wait() == 0, child.said
    world.next_sync_completes(root, 2, world.calm(folder, 0, 2))


def test_a_waiting_time_that_passed_in_sleep_ends_with_one_more_try(
    root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock jumps an hour while somebody waits, and the holder has ended meanwhile."""
    real, pause, jump = time.monotonic, asyncio.sleep, 0.0
    monkeypatch.setattr(time, "monotonic", lambda: real() + jump)
    held = ExitStack()
    held.enter_context(Store.open(root).sync_lock())

    async def sleep(seconds: float) -> None:
        nonlocal jump
        jump = 3600.0
        held.close()
        await pause(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    world.next_sync_completes(root, 2, world.calm(folder, 0, 2), wait=60)
    assert jump


def test_a_clock_that_is_set_back_keeps_nobody_waiting_longer(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wall = time.time
    with Store.open(root).sync_lock():
        monkeypatch.setattr(time, "time", lambda: wall() - 86_400)
        began = time.perf_counter()
        with pytest.raises(LockedError), Store.open(root).sync_lock(timeout=0.3):
            pytest.fail("two hold the lock")
        assert time.perf_counter() - began < 30


def test_a_clock_that_is_set_back_between_two_commits_changes_nothing(
    folder: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Staging folders are named by the time."""
    real, back = time.time_ns, 0

    def earlier() -> int:
        nonlocal back
        back += 3600 * 10**9
        return real() - back

    monkeypatch.setattr(time, "time_ns", earlier)
    world.next_sync_completes(root, 2, world.calm(folder, 0, 2))
    assert back > 5 * 3600 * 10**9


def test_readers_see_every_row_once_and_no_error_while_days_are_synced(
    tmp_path: Path, server: Server, root: Path, rounds: int | None
) -> None:
    stop = tmp_path / "stop"
    readers = [server.start("read", root, stop=str(stop)).until_ready() for _ in range(2)]
    writer = server.start("go_on", root, day=1).until_ready()
    until = time.monotonic() + 600
    while writer.said.split()[-2:] != [str(world.DAYS)] * 2:
        assert time.monotonic() < until, writer.said
        assert not any("UNEXPECTED" in reader.said for reader in readers), [reader.said for reader in readers]
        time.sleep(0.1)
    writer.kill()
    stop.touch()
    for reader in readers:
        assert reader.wait() == 0, reader.said
        times, new, _ = (int(word) for word in reader.said.split() if word.isdigit())
        assert times >= 3
        assert new > 7
