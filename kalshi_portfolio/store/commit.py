"""The one way in which files of a dataset change: staged, intended, moved.

New files are written to ``.tmp/<commit>/`` and flushed to disk, then a list of what goes where (the *intent*)
is, and only then are they moved into place under the commit lock. Before the intent nothing happened; after it
everything did: :func:`recover` finishes what a dead process left.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from kalshi_portfolio.errors import StoreError
from kalshi_portfolio.store.layout import INTENT, TMP, Intent, intents, listed
from kalshi_portfolio.store.locks import exclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

_THREADS = 4
_RENAME_TRIES = 50


def commit(root: Path, writes: Iterable[tuple[str, Callable[[], bytes]]], deletes: Collection[str] = ()) -> None:
    """Replace and delete files, all of them or none. The caller holds the sync lock.

    Args:
        root: The data folder.
        writes: Path under the root, and a function that gives the file's content (called in a thread).
        deletes: Paths under the root to delete.

    Raises:
        StoreError: The disk is full, or the folder cannot be written to. Nothing was changed.
    """
    writes = list(writes)
    if not writes and not deletes:
        return
    recover(root)
    folder = root / TMP / f"{time.time_ns():020d}-{secrets.token_hex(4)}"
    try:
        intent = _stage(folder, writes, tuple(deletes))
    except OSError as error:
        raise StoreError(
            f"{root}: {len(writes)} files could not be written: {error}. Nothing was changed. Free some space or "
            "check the permissions, and sync again.",
            path=root,
        ) from error
    finally:
        if not (folder / INTENT).exists():
            shutil.rmtree(folder, ignore_errors=True)
    _finish(root, intent)


def recover(root: Path) -> int:
    """Finish the commits that were decided, and clear what was not. The caller holds the sync lock.

    Returns:
        How many commits were finished.

    Raises:
        StoreError: One could not be finished. It counts nevertheless: readers see it whole.
    """
    pending = intents(root)
    for intent in pending:
        _finish(root, intent)
    _clear(root)
    return len(pending)


def write_atomically(path: Path, data: bytes, *, root: Path) -> None:
    """Replace one small file, so that a crash leaves the old content or the new.

    Args:
        path: The file, under the root.
        data: Its content.
        root: The data folder, whose ``.tmp`` takes the new file first.

    Raises:
        StoreError: It could not be written. The old file is as it was.
    """
    part = root / TMP / f"{secrets.token_hex(8)}.part"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.parent.mkdir(exist_ok=True)
        _write(part, data)
        _replace(part, path)
        for folder in {path.parent, root}:  # the root too: the other may have been made just now
            flush_folder(folder)
    except OSError as error:
        raise StoreError(
            f"{path} could not be written: {error}. It is as it was. Free some space or check the permissions.",
            path=path,
        ) from error
    finally:
        with suppress(OSError):  # the error that is on its way says more
            part.unlink(missing_ok=True)


def _stage(folder: Path, writes: list[tuple[str, Callable[[], bytes]]], deletes: tuple[str, ...]) -> Intent:
    folder.mkdir(parents=True)
    names = [f"{number}.part" for number in range(len(writes))]  # no name that a glob for data files would find

    def one(name: str, content: Callable[[], bytes]) -> None:
        _write(folder / name, content())

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(one, names, (content for _, content in writes)))
    _at("staged")
    flush_folder(folder)
    _at("flushed")
    intent = Intent(folder, {name: final for name, (final, _) in zip(names, writes, strict=True)}, deletes)
    part = folder / "intent.part"
    _write(part, json.dumps({"moves": intent.moves, "deletes": deletes}).encode())
    flush_folder(folder.parent)
    _at("intent staged")
    part.replace(folder / INTENT)
    flush_folder(folder)
    _at("intent")
    return intent


def _finish(root: Path, intent: Intent) -> None:
    try:
        _apply(root, intent)
    except OSError as error:
        raise StoreError(
            f"{root}: files are written but could not all be moved into place: {error}. They count, and nothing is "
            "lost: the next sync moves them. Check the permissions and the disk first.",
            path=intent.folder,
        ) from error


def _apply(root: Path, intent: Intent) -> None:
    parents = {(root / final).parent for final in intent.moves.values()}
    for parent in sorted(parents):
        parent.mkdir(parents=True, exist_ok=True)
    for folder in {root, *(parent.parent for parent in parents)}:  # a file must not reach a folder that may yet be lost
        flush_folder(folder)
    with exclusive(root):
        for (
            final
        ) in intent.deletes:  # first: who reads the files without us may miss a row for a moment, not see it twice
            (root / final).unlink(missing_ok=True)
            _at("deleted")
        for staged, final in intent.moves.items():
            source = intent.folder / staged
            if source.exists():  # else a process that died moved it already
                _replace(source, root / final)
                _at("moved")
        for folder in {*parents, *((root / final).parent for final in intent.deletes)}:
            flush_folder(folder)
        _at("applied")
        (intent.folder / INTENT).unlink(missing_ok=True)
        _at("done")
    shutil.rmtree(intent.folder, ignore_errors=True)
    _drop_empty(root, intent.deletes)


def _drop_empty(root: Path, deletes: tuple[str, ...]) -> None:
    for final in deletes:
        try:
            (root / final).parent.rmdir()
        except OSError:  # something else lies there: not ours to remove
            continue


def _clear(root: Path) -> None:
    """Remove what dead processes have begun. Whoever writes a small file holds one lock or the other."""
    tmp = root / TMP
    entries = listed(tmp)
    if not entries:
        return
    with exclusive(root):
        for entry in entries:
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                with suppress(
                    OSError
                ):  # as above; what cannot be removed cannot be written over either, and that is said
                    entry.unlink(missing_ok=True)


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _replace(source: Path, target: Path) -> None:
    """Rename; on Windows an outside reader may hold the target open for a moment, so try again there."""
    for _ in range(_RENAME_TRIES if sys.platform == "win32" else 0):  # pragma: no cover
        try:
            source.replace(target)
        except PermissionError:
            time.sleep(0.02)
        else:
            return
    source.replace(target)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder outlive a loss of power; nothing happens where there is none."""
    if sys.platform == "win32":  # pragma: no cover
        return  # renames are durable there without it, and folders cannot be opened
    try:
        fd = os.open(folder, os.O_RDONLY)
    except FileNotFoundError:
        return
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _at(point: str) -> None:
    """Mark a point of a commit; tests let the process die here."""
