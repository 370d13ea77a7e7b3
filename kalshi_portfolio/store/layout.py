"""Where files lie, and which of them count: the committed picture of a dataset.

A commit counts from the instant its intent is written. Where the process died before all its files were moved,
readers see the staged ones in place of the final ones, so nobody ever sees half a commit.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from kalshi_portfolio.errors import StoreError
from kalshi_portfolio.schema import DATASETS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kalshi_portfolio.schema import Table

TMP = ".tmp"
INTENT = "intent.json"
FILE = "data.parquet"
_DAY = re.compile(r"date=(\d{4}-\d{2}-\d{2})")
_FINAL = re.compile(rf"({'|'.join(DATASETS)})/(?:date=\d{{4}}-\d{{2}}-\d{{2}}/)?{re.escape(FILE)}", re.ASCII)
_STAGED = re.compile(r"\d+\.part", re.ASCII)


@dataclass(frozen=True, slots=True)
class Intent:
    """What a commit will do: files to move into place, files to delete; all paths relative and checked.

    Attributes:
        folder: The staging folder.
        moves: Name in the staging folder → path under the root.
        deletes: Paths under the root.
    """

    folder: Path
    moves: dict[str, str]
    deletes: tuple[str, ...]


def relative(table: Table, day: date | None) -> str:
    """Give the path of a partition under the root.

    Examples:
        >>> from kalshi_portfolio.schema import FILLS, MARKETS
        >>> relative(FILLS, date(2026, 7, 24)), relative(MARKETS, None)
        ('fills/date=2026-07-24/data.parquet', 'markets/data.parquet')
    """
    return f"{table.name}/{FILE}" if day is None else f"{table.name}/date={day.isoformat()}/{FILE}"


def present(root: Path, table: Table) -> dict[date | None, Path]:
    """List the committed files of a dataset.

    Returns:
        Partition → the file to read, in order of the dates; the key is None for an unpartitioned table.
    """
    found = dict(_final(root, table))
    for intent in intents(root):
        for staged, final in intent.moves.items():
            if _belongs(table, final) and (intent.folder / staged).exists():
                found[_day(final)] = intent.folder / staged
        for final in intent.deletes:
            if _belongs(table, final):
                found.pop(_day(final), None)
    return dict(sorted(found.items(), key=lambda item: item[0] or date.min))


def intents(root: Path) -> list[Intent]:
    """List the commits that were decided and not finished, oldest first.

    Raises:
        StoreError: An intent asks for something that no commit of ours would.
    """
    folders = sorted(entry for entry in listed(root / TMP) if (entry / INTENT).is_file())
    return [_intent(folder) for folder in folders]


def listed(folder: Path) -> list[Path]:
    """List a folder; nothing where there is none.

    Raises:
        StoreError: It cannot be read.
    """
    try:
        return list(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be read: {error.strerror}. Check its owner and permissions.", path=folder
        ) from error


def _intent(folder: Path) -> Intent:
    path = folder / INTENT
    try:
        content = json.loads(path.read_bytes())
        intent = Intent(folder, dict(content["moves"]), tuple(content["deletes"]))
        finals = (*intent.moves.values(), *intent.deletes)
        fits = all(map(_STAGED.fullmatch, intent.moves)) and all(map(_FINAL.fullmatch, finals))
    except FileNotFoundError:  # finished while we looked
        return Intent(folder, {}, ())
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(_odd(path), path=path) from error
    if not fits:
        raise StoreError(_odd(path), path=path)
    return intent


def _odd(path: Path) -> str:
    return (
        f"{path} is no record of an interrupted commit as this package writes them. Nothing was changed. "
        f"Move {path.parent} away and sync again."
    )


def _final(root: Path, table: Table) -> Iterator[tuple[date | None, Path]]:
    folder = root / table.name
    if table.partition_by is None:
        if (folder / FILE).exists():
            yield None, folder / FILE
        return
    for entry in listed(folder):
        match = _DAY.fullmatch(entry.name)
        path = entry / FILE
        if match and path.exists():
            with suppress(ValueError):  # 2026-02-30 is no folder of ours
                yield date.fromisoformat(match[1]), path


def _belongs(table: Table, final: str) -> bool:
    return final.partition("/")[0] == table.name


def _day(final: str) -> date | None:
    match = _DAY.search(final)
    return date.fromisoformat(match[1]) if match else None
