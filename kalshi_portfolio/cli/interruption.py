"""What a person is told after Ctrl-C."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from kalshi_portfolio.schema import DATASETS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STAYS = "What was synced stays; the next sync goes on where this one stopped."


class Interrupted(Exception):  # noqa: N818  (it is no error: a person ended it)
    """A person ended a command; typer swallows a KeyboardInterrupt, and with it what could be said of it."""

    def __init__(self, stays: str = "") -> None:
        super().__init__(f"Interrupted. {stays}".rstrip())


@contextmanager
def interruptible(folder: Path) -> Iterator[None]:
    """Sync into a folder; of an interruption tell that what was synced stays, if anything is there.

    Raises:
        Interrupted: It was interrupted.
    """
    try:
        yield
    except KeyboardInterrupt:
        stays = any((folder / name).is_dir() for name in DATASETS)
        raise Interrupted(_STAYS if stays else "Nothing was synced yet.") from None
