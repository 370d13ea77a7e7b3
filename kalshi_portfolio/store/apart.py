"""Damaged files, moved out of every reader's sight and kept: ``.damaged/<time>/<path>.damaged``."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from kalshi_portfolio.errors import StoreError
from kalshi_portfolio.store.locks import exclusive
from kalshi_portfolio.store.quarantine import FOLDER as QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FOLDER = ".damaged"
_SUFFIX = ".damaged"  # the name ends in it, so that not even a glob over hidden folders takes it for data
_DAY = re.compile(r"date=(\d{4}-\d{2}-\d{2})")


@dataclass(frozen=True, slots=True)
class Apart:
    """A file that was moved out of the way.

    Attributes:
        path: Where it lay.
        kept: Where it lies now.
        dataset: Of which dataset, or whose rows in quarantine.
        day: The UTC date of its rows; None where the dataset has no dates.
        quarantine: Whether it held rows in quarantine.
    """

    path: Path
    kept: Path
    dataset: str
    day: date | None
    quarantine: bool


def set_apart(root: Path, damaged: Iterable[StoreError]) -> list[Apart]:
    """Move files out of sight. The caller holds the sync lock.

    Args:
        root: The data folder.
        damaged: What is wrong, with the path of each file.

    Returns:
        What was moved, in the same order. Nothing is deleted.

    Raises:
        StoreError: The folder cannot be written to.
    """
    folder = _new_folder(root)
    with exclusive(root):
        return [_moved(root, error.path, folder) for error in damaged]


def keep(root: Path, path: Path, folder: Path | None = None) -> Path:
    """Move one file out of sight.

    Args:
        root: The data folder.
        path: The file.
        folder: Where to; None for a new folder.

    Returns:
        Where it lies now.

    Raises:
        StoreError: The folder cannot be written to.
    """
    relative = path.relative_to(root)
    folder = (folder or _new_folder(root)) / relative.parent
    kept = folder / f"{relative.name}{_SUFFIX}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.rename(kept)
    except OSError as error:
        raise StoreError(
            f"{path} could not be moved to {kept}: {error}. Check the permissions of {root}.", path=path
        ) from error
    return kept


def _new_folder(root: Path) -> Path:
    return root / FOLDER / f"{datetime.now(UTC):%Y-%m-%dT%H%M%S.%fZ}"


def _moved(root: Path, path: Path, folder: Path) -> Apart:
    kept = keep(root, path, folder)
    first = path.relative_to(root).parts[0]
    with suppress(OSError):  # a dataset's own folder, or one with something else in it
        path.parent.rmdir()
    day = _DAY.search(path.parent.name)
    return Apart(
        path=path,
        kept=kept,
        dataset=path.stem if first == QUARANTINE else first,
        day=date.fromisoformat(day[1]) if day else None,
        quarantine=first == QUARANTINE,
    )
