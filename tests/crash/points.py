"""What a process does to the files of a data folder, one point after the other; it may be killed at any of them."""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_CHANGES = {"os.rename": "rename", "os.remove": "remove", "os.mkdir": "mkdir", "os.rmdir": "rmdir"}
_LOCKS = {"gate", "commit"}  # every read opens these, and nothing hangs on it


class Points:
    """Counts, and tells, every point before something happens to a file below a folder: open, write, fsync, rename...

    Nothing in the package helps here: Python's audit events tell of all but ``fsync`` and ``write``, which are
    wrapped. A write is three points: before it, when half of it is in the file, and when all of it is.

    Args:
        root: The folder.
        tell: Called before each point with what is about to happen and to which paths.
    """

    def __init__(self, root: Path, tell: Callable[[str, tuple[str, ...]], None]) -> None:
        self._root = str(root)
        self._tell = tell
        self._here = threading.local()

    def watch(self) -> None:
        """Begin. It cannot be ended: this is for a process of its own."""
        fsync, opened = os.fsync, Path.open

        def noted_fsync(fd: Any) -> None:
            self._note("fsync", _path_of(fd))
            fsync(fd)

        def noted_open(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
            file = opened(path, mode, *args, **kwargs)
            return _InHalves(file, lambda what: self._note(what, str(path))) if mode == "wb" else file

        os.fsync = noted_fsync
        Path.open = noted_open  # type: ignore[assignment, method-assign]
        sys.addaudithook(self._hear)

    def _hear(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(args[0], str) and isinstance(args[2], int) and args[2] & _WRITING:
            if Path(args[0]).name not in _LOCKS:
                self._note("open", args[0])
        elif event == "os.rename":
            self._note("rename", os.fspath(args[0]), os.fspath(args[1]))
        elif event in _CHANGES:
            path = _absolute(args[0], args[-1])
            if event != "os.mkdir" or not Path(path).is_dir():
                self._note(_CHANGES[event], path)

    def _note(self, what: str, *paths: str) -> None:
        if getattr(self._here, "noting", False) or not all(path.startswith(self._root) for path in paths):
            return
        self._here.noting = True
        try:
            self._tell(what, paths)
        finally:
            self._here.noting = False


class Killer:
    """Kills its own process, for good and without a word, at the n-th point."""

    def __init__(self, at: int) -> None:
        self._left = at
        self._mutex = threading.Lock()

    def __call__(self, what: str, paths: tuple[str, ...]) -> None:
        with self._mutex:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


class Forbidder:
    """Takes the permission to write from every folder at the n-th point."""

    def __init__(self, root: Path, at: int) -> None:
        self._root, self._left = root, at
        self._mutex = threading.Lock()

    def __call__(self, what: str, paths: tuple[str, ...]) -> None:
        with self._mutex:
            self._left -= 1
            if self._left == 0:
                for path in (self._root, *self._root.rglob("*")):
                    if path.is_dir():
                        path.chmod(0o555)


class Recorder:
    """Writes down every point, with paths below the folder, and the content of what was written.

    Args:
        root: The folder.
        to: The file, which is added to.
    """

    def __init__(self, root: Path, to: Path) -> None:
        self._root, self._mutex = root, threading.Lock()
        self._file = to.open("a", encoding="utf-8")

    def __call__(self, what: str, paths: tuple[str, ...]) -> None:
        content = Path(paths[0]).read_bytes() if what == "written" else b""
        below = [path.removeprefix(str(self._root)).lstrip("/") for path in paths]
        event = {"what": what, "paths": below, "content": base64.b64encode(content).decode()}
        with self._mutex:
            print(json.dumps(event), file=self._file, flush=True)


class _InHalves:
    """A file that is written in two halves, with a point before, between and after them."""

    def __init__(self, file: Any, note: Callable[[str], None]) -> None:
        self._file, self._note = file, note

    def write(self, data: bytes) -> int:
        self._note("write")
        self._file.write(data[: len(data) // 2])
        self._file.flush()
        self._note("half a write")
        self._file.write(data[len(data) // 2 :])
        self._file.flush()
        self._note("written")
        return len(data)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _path_of(fd: int) -> str:
    return str(Path(f"/proc/self/fd/{fd}").readlink())


def _absolute(path: Any, folder: Any) -> str:
    """Give a whole path; some calls name a folder by a descriptor."""
    path = os.fspath(path)
    if isinstance(folder, int) and folder >= 0 and not path.startswith("/"):
        return f"{_path_of(folder)}/{path}"
    return str(path)
