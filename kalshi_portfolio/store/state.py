"""Has anything on disk changed? What a cache of computed frames asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kalshi_portfolio.store import layout, quarantine

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kalshi_portfolio.schema import Table


def state(root: Path, tables: Iterable[Table]) -> tuple[object, ...]:
    """Give something that is equal as long as no file of some datasets, and nothing in quarantine, has changed.

    Args:
        root: The data folder.
        tables: Which datasets.

    Returns:
        Path, inode, time and size of every file: a replaced file has another inode.
    """
    paths = [path for table in tables for path in layout.present(root, table).values()]
    paths.extend(sorted((root / quarantine.FOLDER).glob("*.json")))
    found = []
    for path in paths:
        try:
            stat = path.stat()
        except FileNotFoundError:
            continue
        found.append((str(path), stat.st_ino, stat.st_mtime_ns, stat.st_size))
    return tuple(found)
