from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import textwrap
import threading
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from store_rows import at, frame

from kalshi_portfolio.errors import LockedError, StoreError
from kalshi_portfolio.schema import FILLS
from kalshi_portfolio.store import Holder, Identity, Store, locks

if TYPE_CHECKING:
    from collections.abc import Iterator

SIMULATED = Identity("example.com", "simulated")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open_for_sync(tmp_path / "data", SIMULATED)


@contextmanager
def other_process(body: str, root: Path) -> Iterator[subprocess.Popen[str]]:
    """Run code that prints a line when it is ready and then waits for its input to end."""
    head = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from pathlib import Path
        from kalshi_portfolio.store import Store, locks
        root = Path({str(root)!r})
        store = Store.open(root)
    """
    code = textwrap.dedent(head) + textwrap.dedent(body)
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            process.kill()


HOLD = """
    with store.sync_lock():
        print("ready", flush=True)
        sys.stdin.read()
"""


def test_a_second_sync_waits_and_then_says_who_holds_the_lock(store: Store) -> None:
    waited_for: list[Holder | None] = []
    with other_process(HOLD, store.root) as other:
        with (
            pytest.raises(LockedError, match=f"process {other.pid} on "),
            store.sync_lock(timeout=0.3, on_wait=waited_for.append),
        ):
            pytest.fail("two hold the lock")
        assert [who.pid for who in waited_for if who] == [other.pid]
        holder = store.holder()
        assert holder is not None
        assert holder.pid == other.pid


def test_a_dead_holder_holds_nothing_and_is_not_named(store: Store) -> None:
    with other_process(HOLD, store.root) as other:
        other.kill()
        other.wait()
        assert store.holder() is None
        with store.sync_lock(timeout=0):
            pass


def test_a_waiting_sync_goes_on_when_the_other_ends(store: Store) -> None:
    with other_process(HOLD, store.root) as other:
        assert other.stdin is not None
        closing = threading.Timer(0.3, other.stdin.close)
        closing.start()
        with store.sync_lock(timeout=20):
            pass
        closing.join()


def test_two_stores_of_one_process_exclude_each_other_and_one_store_serves_its_threads(store: Store) -> None:
    with store.sync_lock(timeout=0):
        with pytest.raises(LockedError), Store.open(store.root).sync_lock(timeout=0):
            pytest.fail("two hold the lock")
        thread = threading.Thread(target=lambda: store.upsert(FILLS, frame(FILLS, {})))
        thread.start()
        thread.join()
    assert store.read(FILLS).height == 1


def test_the_sidecar_goes_with_the_lock_and_holds_no_arguments(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/kalshi-portfolio", "sync", "--key", "secret"])
    sidecar = store.root / ".locks/sync.json"
    with store.sync_lock():
        assert json.loads(sidecar.read_text())["command"] == "kalshi-portfolio"
    assert not sidecar.exists()


def test_readers_share_and_a_writer_waits_for_them(store: Store) -> None:
    order: list[str] = []

    def write() -> None:
        with locks.exclusive(store.root):
            order.append("write")

    writer = threading.Thread(target=write)
    with locks.shared(store.root) as one, locks.shared(store.root) as two:
        assert one
        assert two
        writer.start()
        time.sleep(0.1)
        order.append("read")
    writer.join()
    assert order == ["read", "write"]


def test_a_reader_of_another_process_waits_for_a_commit(store: Store) -> None:
    body = """
        print("ready", flush=True)
        sys.stdin.readline()
        with locks.shared(root) as held:
            print(held, flush=True)
    """
    with other_process(body, store.root) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        with locks.exclusive(store.root):
            other.stdin.write("go\n")
            other.stdin.flush()
            time.sleep(0.3)
            order = ["committed"]
        order.append(other.stdout.readline().strip())
    assert order == ["committed", "True"]


def test_a_stream_of_readers_does_not_starve_a_writer(store: Store) -> None:
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            with locks.shared(store.root):
                time.sleep(0.005)

    with ExitStack() as cleanup:
        readers = [threading.Thread(target=read) for _ in range(8)]
        for reader in readers:
            cleanup.callback(reader.join)
        cleanup.callback(stop.set)
        for reader in readers:
            reader.start()
        start = time.monotonic()
        for _ in range(20):
            with locks.exclusive(store.root):
                pass
        assert time.monotonic() - start < 10


def test_readers_during_writes_see_whole_commits_only(store: Store) -> None:
    """The writer changes one row on each of five days in one commit; no reader may see two generations."""

    def generation(n: int) -> None:
        rows = ({"kalshi_trade_id": str(d), "executed_at": at(d), "order_id": f"{n:03}"} for d in range(5))
        store.upsert(FILLS, frame(FILLS, *rows))

    generation(0)
    body = """
        from kalshi_portfolio.schema import FILLS
        print("ready", flush=True)
        seen = set()
        while "049" not in seen:
            for frame in (store.read(FILLS), store.scan(FILLS).collect()):
                found = set(frame["order_id"])
                assert len(found) == 1 and frame.height == 5, found
                seen |= found
        print("whole", flush=True)
    """
    with other_process(body, store.root) as other, store.sync_lock():
        for n in range(1, 50):
            generation(n)
        assert other.stdout is not None
        assert other.stdout.readline() == "whole\n"


def test_a_folder_that_cannot_be_written_to_says_what_to_do(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    with pytest.raises(StoreError, match="KALSHI_PORTFOLIO_DATA"), store.sync_lock():
        pass


def test_whoever_has_a_dead_holders_process_id_now_is_not_taken_for_it(store: Store) -> None:
    left = Holder(os.getpid(), socket.gethostname(), "python", "2026-07-24T12:00:00Z")
    sidecar = store.root / ".locks/sync.json"
    sidecar.parent.mkdir(exist_ok=True)
    sidecar.write_text(json.dumps(asdict(left)))
    assert store.holder() is None
    with store.sync_lock(timeout=0):
        assert store.holder() is not None
    assert not sidecar.exists()
