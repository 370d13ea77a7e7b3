"""Puts the text of a report in place: whole or not at all, and never in the place of anything else."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING

from kalshi_portfolio.errors import ArgumentError, StoreError
from kalshi_portfolio.report import GENERATOR

if TYPE_CHECKING:
    from pathlib import Path

_START = 512


def check_place(path: Path) -> None:
    """Refuse a place that no report can be written to, before one is made.

    Args:
        path: Where it would be written.

    Raises:
        ArgumentError: The folder is not there, or something that is no report is in the place.
    """
    if path.is_dir():
        raise ArgumentError(f"{path} is a folder. Expected the name of a file, such as {path / 'report.html'}.")
    if not path.parent.is_dir():
        raise ArgumentError(
            f"The report cannot be written: there is no folder {path.parent}. Make it, or name another."
        )
    if path.exists() and not _is_report(path):
        raise ArgumentError(
            f"{path} is there already, and is no report of kalshi-portfolio. Only reports are overwritten: name "
            "another file, or move this one away."
        )


def put(path: Path, text: str) -> None:
    """Write a report beside its place, then move it there: who looks meanwhile sees the old one or the new one.

    Args:
        path: Where it goes.
        text: The page.

    Raises:
        StoreError: It cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(text, encoding="utf-8", newline="\n")
        beside.replace(path)
    except OSError as error:
        raise StoreError(
            f"The report cannot be written to {path}: {error.strerror or error}. Choose a folder that you may write "
            "to, or make room.",
            path=path,
        ) from error
    finally:
        with suppress(OSError):
            beside.unlink()


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError:
        return False
    return not start.strip() or GENERATOR.encode() in start
