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
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from kalshi_portfolio.errors import LockedError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = ".locks"
_OWN_FOLDERS = (FOLDER, ".tmp", ".damaged", "quarantine")
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
    _refuse_links(root)
    folder = _made(root)
    lock = FileLock(folder / "sync", thread_local=False)
    try:
        _acquire(lock, root, timeout=timeout, on_wait=on_wait)
    except OSError as error:
        raise _unwritable(root, error) from error
    with ExitStack() as held:
        held.callback(lock.release)
        _name_holder(folder / "sync.json", held)
        yield


def holder(root: Path) -> Holder | None:
    """Tell who holds the sync lock, as far as its sidecar says; None if nobody is named there, or a dead process."""
    try:
        with (root / FOLDER / "sync.json").open("rb") as sidecar:
            found = Holder(**json.loads(sidecar.read()))
            return found if _is_locked(sidecar.fileno()) else None
    except (OSError, ValueError, TypeError):
        return None


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

    def _mark_alive(fd: int) -> None:
        """Do nothing: an open file could not be renamed there."""

    def _is_locked(fd: int) -> bool:  # noqa: ARG001
        return True

else:
    import fcntl

    def _lock(fd: int, *, shared: bool) -> None:
        fcntl.flock(fd, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)

    def _unlock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_UN)

    def _mark_alive(fd: int) -> None:
        """Lock the sidecar as long as it is open: who is named there lives, even if ids are used again."""
        fcntl.flock(fd, fcntl.LOCK_EX)

    def _is_locked(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def _opened(path: Path, opened: ExitStack) -> int:
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:
        fd = os.open(path, os.O_RDONLY)
    opened.callback(os.close, fd)
    return fd


def _refuse_links(root: Path) -> None:
    """Refuse a data folder whose own folders lead elsewhere: what lies in ``.tmp`` is cleared away."""
    for name in _OWN_FOLDERS:
        if (root / name).is_symlink():
            raise StoreError(
                f"{root / name} is a link to {(root / name).readlink()}. Expected a folder of its own: what lies in it "
                "is replaced and cleared away. Nothing was changed. Remove the link, and look where this data folder "
                "came from.",
                path=root / name,
            )


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


def _name_holder(sidecar: Path, held: ExitStack) -> None:
    """Write down who holds the lock, for people; a full disk is no reason not to sync."""
    me = Holder(os.getpid(), socket.gethostname(), _program(), f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    part = sidecar.with_suffix(".part")
    held.callback(_gone, sidecar)
    try:
        file = held.enter_context(part.open("wb", buffering=0))
        file.write(json.dumps(asdict(me)).encode())
        _mark_alive(file.fileno())
        if sys.platform == "win32":  # pragma: no cover
            file.close()
        part.replace(sidecar)
    except OSError:
        _gone(part)


def _gone(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _program() -> str:
    return Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"


def _unwritable(root: Path, error: OSError) -> StoreError:
    return StoreError(
        f"{root} cannot be written to: {error}. Check its owner and permissions, or choose another folder by "
        "KALSHI_PORTFOLIO_DATA, --root or the argument `root`.",
        path=root,
    )
