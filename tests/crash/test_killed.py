"""``kill -9``: at the points of a sync, and at random moments. Nothing committed goes, and the next sync completes."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from signal import SIGKILL
from typing import TYPE_CHECKING, Any

import pytest
from store_rows import at, frame

from crash import world
from crash.conftest import linux_only
from crash.processes import Server
from kalshi_portfolio.schema import SETTLEMENTS
from kalshi_portfolio.store import Identity, Store, commit

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [linux_only, pytest.mark.timeout(3600), pytest.mark.filterwarnings("ignore:.* not synced yet")]

_CHANGING = re.compile(r"\d{20}-[0-9a-f]{8}|[0-9a-f]{16}(?=\.part)|\d{4}-\d\d-\d\d|\d+(?=\.part)")
_WORKERS = 2
_RANDOM = 30


def points(record: Path) -> list[str]:
    """Name every point of a sync without what changes from sync to sync; the start of a commit with its dataset."""
    events = [json.loads(line) for line in record.read_text().splitlines()]
    of = {e["paths"][0].split("/")[1]: e["paths"][-1].split("/")[0] for e in events if _moves_into_place(e)}
    named = []
    for event in events:
        folder = event["paths"][0].removeprefix(".tmp/")
        dataset = f" of {of[folder]}" if event["what"] == "mkdir" and folder in of else ""
        named.append(_CHANGING.sub("*", " ".join([event["what"], *event["paths"]])) + dataset)
    return named


def _moves_into_place(event: dict[str, Any]) -> bool:
    return bool(event["what"] == "rename" and event["paths"][-1].endswith("data.parquet"))


def sample(found: list[str]) -> list[int]:
    """Give the number of the start of every commit, and of the first point of every other kind of point."""
    kinds = list(dict.fromkeys(found))
    starts = [kind for kind in kinds if " of " in kind]
    return sorted(found.index(kind) + 1 for kind in {*starts, *kinds[::3]})


def killed_and_mended(server: Server, root: Path, before: Path | None, day: int, kill_at: int, calm: Path) -> None:
    if before is not None:
        shutil.copytree(before, root)
    child = server.run("sync", root, day=day, kill_at=kill_at)
    assert child.status in (-SIGKILL, 0), child.said
    if root.exists():
        world.look_over(root)
    if (root / "kalshi-portfolio.json").exists():
        seen = world.rows(root)
        Store.open(root).recover()
        world.nothing_committed_is_gone(root, seen)
    if before is not None:
        world.nothing_committed_is_gone(root, world.rows(before))
    world.next_sync_completes(root, day, calm)
    shutil.rmtree(root)


@pytest.mark.parametrize("days", [(0,), (0, 2)], ids=["first sync", "later sync"])
def test_a_sync_may_be_killed_at_any_point(
    tmp_path: Path, folder: Path, server: Server, rounds: int | None, days: tuple[int, ...]
) -> None:
    day, before = days[-1], world.calm(folder, *days[:-1]) if days[:-1] else None
    calm, whole, record = world.calm(folder, *days), tmp_path / "whole", tmp_path / "record"
    if before:
        shutil.copytree(before, whole)
    assert server.run("sync", whole, day=day, record=str(record)).status == 0
    found = points(record)
    kinds = Counter(point.split()[0] for point in found)
    assert min(kinds[what] for what in ("open", "write", "half", "fsync", "rename", "remove")) >= 5
    assert any("sync_log" in point for point in found)
    chosen = range(1, len(found) + 1) if rounds else sample(found)
    for number in chosen:
        killed_and_mended(server, tmp_path / str(number), before, day, number, calm)


def one_worker(folder: Path, server: Server, seed: int, deaths: int) -> int:
    """Let a process sync day after day and kill it, again and again; give how many deaths were inside of a commit."""
    chance, cut_short = random.Random(seed), 0  # noqa: S311
    root = folder / f"random-{seed}"
    day = 0
    for _ in range(deaths):
        had = world.rows(root) if (root / "kalshi-portfolio.json").exists() else {}
        child = server.start("go_on", root, day=day).until_ready()
        time.sleep(chance.uniform(0, 1.2))
        assert child.kill() == -SIGKILL, child.said
        cut_short += any((root / ".tmp").glob("*"))
        if root.exists():
            world.look_over(root)
        if had:
            world.nothing_committed_is_gone(root, had)
        day = int(child.said.split()[-1].replace("ready", str(day)))
        world.next_sync_completes(root, day, world.calm(folder, day), snapshots=False)
        if day == world.DAYS:
            shutil.rmtree(root)
            day = 0
    return cut_short


def test_a_sync_may_be_killed_at_any_moment(folder: Path, rounds: int | None) -> None:
    deaths = (rounds or _RANDOM) // _WORKERS
    servers = [Server(folder) for _ in range(_WORKERS)]
    try:
        with ThreadPoolExecutor(_WORKERS) as pool:
            works = [pool.submit(one_worker, folder, server, n, deaths) for n, server in enumerate(servers)]
            cut_short = sum(work.result() for work in works)
    finally:
        for server in servers:
            server.close()
    assert cut_short > deaths // 20, "hardly any death came while files were being written"


@pytest.mark.parametrize("point", ["moved", "deleted"])
def test_a_plain_scan_sees_no_row_twice_when_a_death_comes_between_two_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """A settlement is settled again on another day, so its key leaves one file for another; both orders of days."""
    store = Store.open_for_sync(tmp_path / "data", Identity("example.com", "simulated"))

    class Death(BaseException):
        pass

    def die(reached: str) -> None:
        if reached == point:
            raise Death

    def settled(*days: int) -> None:
        tickers = ("A", "B", "C", "D")
        rows = ({"ticker": t, "settled_at": at(d)} for t, d in zip(tickers, days, strict=False))
        store.upsert(SETTLEMENTS, frame(SETTLEMENTS, *rows))

    settled(1, 1, 6, 7)
    for later in ((2, 1, 6, 7), (5, 1, 6, 7), (5, 6, 6, 7), (5, 6, 7, 7)):
        with monkeypatch.context() as patch:
            patch.setattr(commit, "_at", die)
            with suppress(Death):
                settled(*later)
        world.look_over(store.root)
        assert store.read(SETTLEMENTS)["settled_at"].to_list() == sorted(at(d) for d in later)
        assert store.recover() == 0  # taking the lock has done it


def test_the_next_sync_takes_away_what_a_death_left_at_once(tmp_path: Path) -> None:
    """Whatever the clock says: it may have been set back since."""
    store = Store.open_for_sync(tmp_path / "data", Identity("example.com", "simulated"))
    left = store.root / ".tmp" / "0123456789abcdef.part"
    left.write_bytes(b"half")
    os.utime(left, (time.time() + 1e6,) * 2)
    with store.sync_lock():
        assert not left.exists()


def test_a_part_file_that_somebody_is_writing_is_left_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fact is put without the sync lock; a sync that starts meanwhile must not take its file away."""
    store = Store.open_for_sync(tmp_path / "data", Identity("example.com", "simulated"))
    replace = commit._replace
    with ThreadPoolExecutor(1) as pool:

        def slowly(source: Path, target: Path) -> None:
            monkeypatch.setattr(commit, "_replace", replace)
            swept = pool.submit(store.recover)
            time.sleep(0.3)
            assert not swept.done()
            replace(source, target)

        monkeypatch.setattr(commit, "_replace", slowly)
        store.put_fact("limits", 1)
    assert store.get_fact("limits") == 1
