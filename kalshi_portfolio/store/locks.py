"""The two locks of a data folder: one for whole syncs, one for the instant of a commit.

* The *sync lock* keeps a second sync waiting. It is an OS lock, so it dies with its process; who holds it
  is written beside it, for people.
* The *commit lock* is shared by readers and exclusive for the renames of a commit, both short. A reader
  that may not even open the lock file (a folder on read-only media) goes without and is told so.

``filelock.ReadWriteLock`` was looked at for the second: it is a SQLite database, which a reader of a
read-only folder cannot lock and which is poisoned by ``fork``. Plain ``flock`` has neither trouble.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from kalshi_portfolio.errors import LockedError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = ".locks"
_POLL_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Holder:
    """Who holds the sync lock.

    Attributes:
        pid: The process id on its host.
        host: The host's name.
        command: The program's name, without its arguments.
        since: When it took the lock (that host's clock), ISO 8601.
    """

    pid: int
    host: str
    command: str
    since: str

    def __str__(self) -> str:
        return f"{self.command} (process {self.pid} on {self.host}, since {self.since})"


@contextmanager
def sync_lock(root: Path, *, timeout: float, on_wait: Callable[[Holder | None], None] | None = None) -> Iterator[None]:
    """Hold the lock that lets one sync at a time write to a data folder.

    Args:
        root: The data folder.
        timeout: How many seconds to wait for another holder; 0 does not wait, below 0 waits for ever.
        on_wait: Called once, with the holder if known, before waiting.

    Raises:
        LockedError: Another process still held the lock after ``timeout`` seconds.
        StoreError: The folder cannot be written to.
    """
    folder = _made(root)
    lock = FileLock(folder / "sync", thread_local=False)
    try:
        _acquire(lock, root, timeout=timeout, on_wait=on_wait)
    except OSError as error:
        raise _unwritable(root, error) from error
    sidecar = folder / "sync.json"
    try:
        _name_holder(sidecar)
        yield
    finally:
        sidecar.unlink(missing_ok=True)
        lock.release()


def holder(root: Path) -> Holder | None:
    """Tell who holds the sync lock, as far as its sidecar says; None if nobody is named there."""
    try:
        found = Holder(**json.loads((root / FOLDER / "sync.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
    return None if found.host == socket.gethostname() and not _alive(found.pid) else found


@contextmanager
def shared(root: Path) -> Iterator[bool]:
    """Keep commits away while reading.

    Yields:
        Whether the lock is held; False where the folder is on media that do not let us lock.
    """
    with ExitStack() as opened:
        try:
            held = _take(root, opened, shared=True)
        except OSError:
            held = False
        yield held


@contextmanager
def exclusive(root: Path) -> Iterator[None]:
    """Keep readers and other commits away while renaming; readers that come later queue behind.

    Raises:
        StoreError: The folder cannot be written to.
    """
    _made(root)
    with ExitStack() as opened:
        try:
            _take(root, opened, shared=False)
        except OSError as error:
            raise _unwritable(root, error) from error
        yield


def _take(root: Path, opened: ExitStack, *, shared: bool) -> bool:
    """Wait for the commit lock; it goes when its file is closed, so with the process at the latest.

    A waiting writer holds the gate, so that a stream of readers cannot starve it.
    """
    gate, lock = (_opened(root / FOLDER / name, opened) for name in ("gate", "commit"))
    _lock(gate, shared=False)
    _lock(lock, shared=shared)
    if shared:
        _unlock(gate)
    return True


if sys.platform == "win32":  # pragma: no cover
    import time

    from filelock import lock_descriptor, unlock_descriptor

    def _lock(fd: int, *, shared: bool) -> None:  # noqa: ARG001  (Windows readers exclude one another: correct, if slower)
        while not lock_descriptor(fd, blocking=False):
            time.sleep(0.001)

    def _unlock(fd: int) -> None:
        unlock_descriptor(fd)

else:
    import fcntl

    def _lock(fd: int, *, shared: bool) -> None:
        fcntl.flock(fd, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)


def _opened(path: Path, opened: ExitStack) -> int:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        fd = os.open(path, os.O_RDONLY)
    opened.callback(os.close, fd)
    return fd


def _made(root: Path) -> Path:
    folder = root / FOLDER
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(root, error) from error
    return folder


def _acquire(lock: FileLock, root: Path, *, timeout: float, on_wait: Callable[[Holder | None], None] | None) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        pass
    else:
        return
    if on_wait is not None:
        on_wait(holder(root))
    try:
        lock.acquire(timeout=timeout, poll_interval=_POLL_SECONDS)
    except Timeout as error:
        who = holder(root) or "another process"
        raise LockedError(
            f"{root} is being synced by {who}; waited {timeout:g} s. Let it finish, or end it, and try again: "
            "the lock goes away with its process.",
            path=root,
        ) from error


def _name_holder(sidecar: Path) -> None:
    me = Holder(os.getpid(), socket.gethostname(), _program(), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    part = sidecar.with_suffix(".part")
    part.write_text(json.dumps(asdict(me)), encoding="utf-8")
    part.replace(sidecar)


def _program() -> str:
    return Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"


def _alive(pid: int) -> bool:
    if sys.platform == "win32":  # pragma: no cover
        return True  # there, os.kill(pid, 0) would end the process
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _unwritable(root: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{root} cannot be written to: {error}. Check its owner and permissions, or choose another folder by "
        "KALSHI_PORTFOLIO_DATA or the argument `root`.",
        path=root,
    )
