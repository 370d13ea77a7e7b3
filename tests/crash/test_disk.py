"""A full disk, a read-only one, a permission that goes while a sync runs: it is said, and nothing is lost."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from crash import world
from crash.conftest import linux_only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from crash.processes import Child, Server

pytestmark = [linux_only, pytest.mark.timeout(3600), pytest.mark.filterwarnings("ignore:.* not synced yet")]

PAGE = 4096


@contextmanager
def mounted(path: Path, *arguments: str) -> Iterator[Path]:
    """Mount something; skip where that is not allowed."""
    path.mkdir()
    done = subprocess.run(["mount", *arguments, str(path)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    if done.returncode:
        pytest.skip(f"mounting is not allowed here: {done.stderr.strip()}")
    try:
        yield path
    finally:
        subprocess.run(["umount", str(path)], check=True)  # noqa: S603, S607


def refused(child: Child, root: Path, *words: str) -> None:
    """Fail unless a sync ended with our own error, which names a path below the root and says what to do."""
    assert child.status == 1, child.said
    assert "StoreError" in child.said
    assert all(word in child.said for word in (str(root), *words)), child.said


@pytest.mark.parametrize("days", [(0,), (0, 2)], ids=["first sync", "later sync"])
def test_a_full_disk_is_said_loses_nothing_and_is_forgotten_once_there_is_space(
    tmp_path: Path, folder: Path, server: Server, rounds: int | None, days: tuple[int, ...]
) -> None:
    """The disk is full a little later each time, so that every write is the one that fails."""
    calm, before = world.calm(folder, *days), world.calm(folder, *days[:-1]) if days[:-1] else None
    failed = 0
    with mounted(tmp_path / "disk", "-t", "tmpfs", "-o", "size=4m", "none") as disk:
        root, ballast = disk / "data", disk / "ballast"
        for free in range(0, 200, 1 if rounds else 4):
            if before:
                shutil.copytree(before, root)
            room = os.statvfs(disk).f_bavail - free
            ballast.write_bytes(bytes(room * PAGE))
            child = server.run("sync", root, day=days[-1])
            if child.status != 0:
                failed += 1
                refused(child, root, "No space left", "ree some space" if root.exists() else "")
            if root.exists():
                world.look_over(root)
            if before:
                world.nothing_committed_is_gone(root, world.rows(before))
            ballast.unlink()
            world.next_sync_completes(root, days[-1], calm)
            shutil.rmtree(root)
            if child.status == 0:
                break
        else:
            pytest.fail("even with much space it did not work")
    assert failed > 3


def test_a_quota_is_as_a_full_disk(tmp_path: Path, folder: Path, server: Server, calm0: Path) -> None:
    """Also where nothing can be mounted: no file may grow beyond some bytes."""
    for limit in (0, 100, 2000, 4000):
        root = tmp_path / str(limit)
        shutil.copytree(calm0, root)
        refused(server.run("sync", root, day=2, most=limit), root, "File too large")
        world.look_over(root)
        world.nothing_committed_is_gone(root, world.rows(calm0))
        world.next_sync_completes(root, 2, world.calm(folder, 0, 2))


def test_a_read_only_disk_can_be_read_and_a_sync_says_that_it_cannot_be_written_to(
    tmp_path: Path, server: Server, calm0: Path
) -> None:
    with mounted(tmp_path / "read-only", "--bind", "-o", "ro", str(calm0)) as root:
        assert world.rows(root) == world.rows(calm0)
        world.look_over(root)
        refused(server.run("sync", root, day=2), root, "Read-only file system", "KALSHI_PORTFOLIO_DATA")


def test_a_read_only_disk_with_half_a_commit_shows_all_of_it(
    tmp_path: Path, folder: Path, server: Server, calm0: Path
) -> None:
    root, record, decided = tmp_path / "data", tmp_path / "record", 0
    shutil.copytree(calm0, root)
    server.run("sync", root, day=2, record=str(record))
    events = [json.loads(line) for line in record.read_text().splitlines()]
    moves = [n for n, event in enumerate(events, 1) if event["what"] == "rename" and "fills" in event["paths"][-1]]
    shutil.rmtree(root)
    shutil.copytree(calm0, root)
    assert server.run("sync", root, day=2, kill_at=moves[-1]).status == -9
    decided = len(list((root / ".tmp").glob("*/intent.json")))
    assert decided == 1
    with mounted(tmp_path / "read-only", "--bind", "-o", "ro", str(root)) as seen:
        assert world.rows(seen)["fills"] == world.rows(world.calm(folder, 0, 2))["fills"]


def test_a_folder_without_permission_can_be_read_and_a_sync_says_so(
    tmp_path: Path, folder: Path, server: Server, calm0: Path
) -> None:
    root = tmp_path / "data"
    shutil.copytree(calm0, root)
    folders = [root, *(path for path in root.rglob("*") if path.is_dir())]
    for path in folders:
        path.chmod(0o555)
    refused(server.run("sync", root, day=2, humble=True), root, "Permission denied")
    assert world.rows(root) == world.rows(calm0)
    for path in folders:
        path.chmod(0o755)
    world.next_sync_completes(root, 2, world.calm(folder, 0, 2))


def test_a_permission_that_goes_while_a_sync_runs_is_said_and_loses_nothing(
    tmp_path: Path, folder: Path, server: Server, rounds: int | None, calm0: Path
) -> None:
    calm, failed = world.calm(folder, 0, 2), 0
    for number in range(3, 220, 1 if rounds else 24):
        root = tmp_path / str(number)
        shutil.copytree(calm0, root)
        child = server.run("sync", root, day=2, humble=True, forbid_at=number)
        if child.status != 0:
            failed += 1
            refused(child, root, "Permission denied", "permissions")
        world.look_over(root)
        for path in [root, *root.rglob("*")]:
            if path.is_dir():
                path.chmod(0o755)
        world.nothing_committed_is_gone(root, world.rows(calm0))
        world.next_sync_completes(root, 2, calm)
        shutil.rmtree(root)
    assert failed > 3


@pytest.mark.parametrize("name", [".tmp", "fills"])
def test_a_folder_that_may_not_be_looked_into_is_named(tmp_path: Path, server: Server, calm0: Path, name: str) -> None:
    root = tmp_path / "data"
    shutil.copytree(calm0, root)
    (root / name).chmod(0)
    refused(server.run("sync", root, day=2, humble=True), root / name, "Permission denied", "permissions")
    (root / name).chmod(0o755)
    world.look_over(root)
