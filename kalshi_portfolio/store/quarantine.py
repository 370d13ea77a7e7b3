"""Rows that did not fit, kept as the exchange sent them, to be tried again at each sync. Each has a checksum."""

from __future__ import annotations

import json
import re
import zlib
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.parse import SetAside
from kalshi_portfolio.store.commit import write_atomically
from kalshi_portfolio.store.files import damaged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path

FOLDER = "quarantine"
_NAME = re.compile(r"[a-z_]{1,40}", re.ASCII)


def add(root: Path, dataset: str, rows: Iterable[SetAside]) -> int:
    """Put rows into quarantine; one that is there already keeps the time it was first seen.

    Returns:
        How many rows are new there.
    """
    known = {row.digest: row for row in load(root, dataset)}
    fresh: dict[str, SetAside] = {}
    for row in sorted(rows, key=lambda r: r.seen_at):
        if row.digest not in known:
            fresh.setdefault(row.digest, row)
    if fresh:
        _save(root, dataset, [*known.values(), *fresh.values()])
    return len(fresh)


def load(root: Path, dataset: str) -> list[SetAside]:
    """Give the rows in quarantine, in the order in which they came.

    Raises:
        DamagedFileError: The file cannot be read.
    """
    path = _path(root, dataset)
    try:
        rows = json.loads(path.read_bytes())
        return [_read(row) for row in rows]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(path, f"it is no list of rows as this package writes them ({error})") from error


def release(root: Path, dataset: str, digests: Collection[str]) -> int:
    """Let rows go, by their digests; unknown ones are passed over.

    Returns:
        How many rows went.
    """
    rows = load(root, dataset)
    kept = [row for row in rows if row.digest not in set(digests)]
    if len(kept) < len(rows):
        _save(root, dataset, kept)
    return len(rows) - len(kept)


def _path(root: Path, dataset: str) -> Path:
    if not _NAME.fullmatch(dataset):
        raise ArgumentError(f"{dataset!r} is no dataset's name. Expected lower-case letters and underscores.")
    return root / FOLDER / f"{dataset}.json"


def _save(root: Path, dataset: str, rows: list[SetAside]) -> None:
    path = _path(root, dataset)
    content = [_sealed(asdict(row) | {"seen_at": row.seen_at.isoformat()}) for row in rows]
    write_atomically(path, json.dumps(content, indent=1).encode(), root=root)


def _sealed(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"crc32": f"{zlib.crc32(json.dumps(row, sort_keys=True).encode()):08x}"}


def _read(row: dict[str, Any]) -> SetAside:
    content = {name: value for name, value in row.items() if name != "crc32"}
    if "crc32" in row and _sealed(content) != row:
        raise ValueError(f"the checksum of a row is not {row['crc32']}")
    return SetAside(**content | {"seen_at": datetime.fromisoformat(content["seen_at"])})
