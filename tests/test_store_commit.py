"""Commits under fire: the process dies at every point, and readers look at what is left."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from store_rows import at, frame

from kalshi_portfolio.errors import StoreError
from kalshi_portfolio.schema import FILLS, SETTLEMENTS
from kalshi_portfolio.store import Identity, Store, commit

if TYPE_CHECKING:
    from collections.abc import Callable

SIMULATED = Identity("example.com", "simulated")
POINTS = ["staged", "flushed", "intent staged", "intent", "moved", "moved 2", "deleted", "applied", "done"]
COMMITTED = POINTS[3:]

WRITER = """
    import os, sys
    sys.path.insert(0, {tests!r})
    from store_rows import at, frame
    from kalshi_portfolio.schema import SETTLEMENTS
    from kalshi_portfolio.store import Identity, Store, commit

    seen = 0
    def die(point):
        global seen
        seen += point == "moved"
        if point == {point!r} or (point == "moved" and {point!r} == f"moved {{seen}}"):
            {death}

    store = Store.open_for_sync({root!r}, Identity("example.com", "simulated"))
    commit._at = die
    store.upsert(SETTLEMENTS, frame(SETTLEMENTS,
        {{"ticker": "A", "settled_at": at(5)}}, {{"ticker": "B", "settled_at": at(1)}}))
"""
DEATHS = {"exit": "os._exit(9)", "kill": "os.kill(os.getpid(), 9)"}


def write_and_die(root: Path, point: str, death: str) -> None:
    code = textwrap.dedent(WRITER).format(
        tests=str(Path(__file__).parent), root=str(root), point=point, death=DEATHS[death]
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode in (9, -9), done.stderr


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Hold A, settled on day 0, and C on day 1; the writer moves A to day 5 and adds B to day 1."""
    store = Store.open_for_sync(tmp_path / "data", SIMULATED)
    store.upsert(
        SETTLEMENTS, frame(SETTLEMENTS, {"ticker": "A", "settled_at": at(0)}, {"ticker": "C", "settled_at": at(1)})
    )
    return tmp_path / "data"


def days(frame: pl.DataFrame) -> dict[str, int]:
    return {ticker: (when - at(0)).days for ticker, when in frame.select("ticker", "settled_at").rows()}


BEFORE, AFTER = {"A": 0, "C": 1}, {"C": 1, "B": 1, "A": 5}


@pytest.mark.parametrize("death", DEATHS)
@pytest.mark.parametrize("point", POINTS)
def test_after_a_death_at_any_point_everybody_sees_all_or_nothing(root: Path, point: str, death: str) -> None:
    write_and_die(root, point, death)
    expected = AFTER if point in COMMITTED else BEFORE
    store = Store.open(root)
    assert days(store.read(SETTLEMENTS)) == expected
    assert days(store.scan(SETTLEMENTS).collect()) == expected
    assert store.partitions(SETTLEMENTS) == sorted({at(d).date() for d in expected.values()})

    with store.sync_lock(timeout=0):
        assert days(store.read(SETTLEMENTS)) == expected
    assert days(pl.read_parquet(root / "settlements/*/*.parquet")) == expected
    assert list((root / ".tmp").iterdir()) == []


def test_a_commit_after_a_stopped_one_in_the_same_sync_finishes_it_first(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store.open(root)

    def stop(point: str) -> None:
        if point == "moved":
            raise KeyboardInterrupt

    with store.sync_lock():
        with monkeypatch.context() as patch:
            patch.setattr(commit, "_at", stop)
            with pytest.raises(KeyboardInterrupt):
                store.upsert(SETTLEMENTS, frame(SETTLEMENTS, {"ticker": "A", "settled_at": at(5)}))
        store.upsert(SETTLEMENTS, frame(SETTLEMENTS, {"ticker": "B", "settled_at": at(1)}))
    assert days(pl.read_parquet(root / "settlements/*/*.parquet")) == AFTER


def test_a_reader_of_read_only_media_sees_the_committed_picture(root: Path) -> None:
    write_and_die(root, "moved", "kill")
    shutil.rmtree(root / ".locks")
    with_no_write = [root, *root.rglob("*")]
    for path in with_no_write:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert days(Store.open(root).read(SETTLEMENTS)) == AFTER
    finally:
        for path in with_no_write:
            path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_full_disk_is_said_and_changes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    store = Store.open(root)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match=r"No space left.*Nothing was changed"):
            store.upsert(SETTLEMENTS, frame(SETTLEMENTS, {"ticker": "Z"}))
    assert days(store.read(SETTLEMENTS)) == BEFORE
    assert list((root / ".tmp").iterdir()) == []


def test_a_commit_that_fails_after_its_decision_counts_and_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(source: Path, target: Path) -> None:
        raise OSError(5, "Input/output error")

    store = Store.open(root)
    with monkeypatch.context() as patch:
        patch.setattr(commit, "_replace", broken)
        with pytest.raises(StoreError, match=r"Input/output error.*next sync"):
            store.upsert(SETTLEMENTS, frame(SETTLEMENTS, {"ticker": "A", "settled_at": at(5)}))
    assert days(store.read(SETTLEMENTS)) == {"A": 5, "C": 1}
    assert store.recover() == 0  # entering the sync lock did it
    assert days(pl.read_parquet(root / "settlements/*/*.parquet")) == {"A": 5, "C": 1}


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "not json",
        '{"moves": {"0.part": "../../etc/passwd"}, "deletes": []}',
        '{"moves": {}, "deletes": ["../x"]}',
        '{"moves": {"../0.part": "markets/data.parquet"}, "deletes": []}',
    ],
)
def test_an_intent_that_no_commit_of_ours_writes_is_refused(root: Path, text: str) -> None:
    folder = root / ".tmp" / "1"
    folder.mkdir(parents=True)
    (folder / "intent.json").write_text(text)
    with pytest.raises(StoreError, match=r"intent\.json"):
        Store.open(root).upsert(FILLS, frame(FILLS, {"fee_cents": Decimal(1)}))


def test_staged_files_without_intent_are_swept(root: Path) -> None:
    folder = root / ".tmp" / "1"
    folder.mkdir(parents=True)
    (folder / "0.part").write_bytes(b"half")
    assert Store.open(root).recover() == 0
    assert list((root / ".tmp").iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc which file a descriptor is")
def test_every_file_is_on_disk_before_the_intent_and_the_intent_before_any_move(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    fsync: Callable[[int], None] = os.fsync

    def noted(fd: int) -> None:
        events.append(Path(f"/proc/self/fd/{fd}").readlink().name)
        fsync(fd)

    monkeypatch.setattr(os, "fsync", noted)
    monkeypatch.setattr(commit, "_at", lambda point: events.append(f"@{point}"))
    Store.open(root).upsert(SETTLEMENTS, frame(SETTLEMENTS, {"ticker": "A", "settled_at": at(5)}))
    assert events.index("0.part") < events.index("intent.part") < events.index("@intent") < events.index("@moved")
    assert events.index("@moved") < events.index(f"date={at(5).date()}") < events.index("@done")
