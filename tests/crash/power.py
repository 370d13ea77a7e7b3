"""A disk that loses power: what was not flushed may be gone, in any part.

The model is as hard as POSIX allows. Of a file's content only what was there at its last ``fsync`` is sure. A change of
a folder's entries is sure once that folder was flushed after it; until then each change is there or not, by itself. A
rename is one change, of the folder that it goes to.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from pathlib import Path


@dataclass
class _Entry:
    """A folder, or a file with its content."""

    folder: bool
    now: bytes = b""
    sure: bytes = b""


@dataclass
class _Change:
    """A name that stands for something else now, or for nothing."""

    path: str
    entry: _Entry | None
    source: str | None = None
    sure: bool = False

    def happen(self, entries: dict[str, _Entry]) -> None:
        """Change the names."""
        if self.source is not None:
            entries.pop(self.source, None)
        if self.entry is None:
            entries.pop(self.path, None)
        else:
            entries[self.path] = self.entry


class Disk:
    """What is on a disk below one folder, which is there to begin with."""

    def __init__(self) -> None:
        self._now: dict[str, _Entry] = {"": _Entry(folder=True)}
        self._changes: list[_Change] = []

    def happen(self, what: str, *paths: str, content: bytes = b"") -> None:
        """Let something happen: ``mkdir, open, written, fsync, rename, remove, rmdir``; other words mean nothing."""
        path = paths[-1]
        there = self._now.get(path)
        if what == "rename" and paths[0] in self._now:
            self._change(_Change(path, self._now[paths[0]], source=paths[0]))
        elif what in {"mkdir", "open"} and there is None:
            self._change(_Change(path, _Entry(folder=what == "mkdir")))
        elif what in {"remove", "rmdir"} and there is not None:
            self._change(_Change(path, None))
        elif what == "written" and there is not None:
            there.now = content
        elif what == "fsync" and there is not None:
            self._flush(path, there)

    def as_it_is(self, to: Path) -> None:
        """Write what a process sees to a new folder."""
        _write({path: (entry, entry.now) for path, entry in self._now.items()}, to)

    def after_power_loss(self, to: Path, chance: random.Random, kept: float) -> None:
        """Write what may be left to a new folder.

        Args:
            to: The folder.
            chance: Decides what is not sure.
            kept: How likely a change that is not sure is there.
        """
        entries: dict[str, _Entry] = {}
        for change in self._changes:
            if change.sure or chance.random() < kept:
                change.happen(entries)
        _write({p: (e, e.now if chance.random() < kept else e.sure) for p, e in entries.items()}, to)

    def _change(self, change: _Change) -> None:
        change.happen(self._now)
        self._changes.append(change)

    def _flush(self, path: str, entry: _Entry) -> None:
        entry.sure = entry.now
        for change in self._changes if entry.folder else ():
            change.sure = change.sure or str(PurePosixPath(change.path).parent) == (path or ".")


def _write(entries: dict[str, tuple[_Entry, bytes]], to: Path) -> None:
    """Write entries to a folder; one whose folder is gone is gone."""
    to.mkdir()
    for path in sorted(entries):
        entry, content = entries[path]
        if not path or not (to / path).parent.is_dir():
            continue
        if entry.folder:
            (to / path).mkdir()
        else:
            (to / path).write_bytes(content)
