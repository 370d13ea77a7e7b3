"""Something computed from a data folder, kept as long as nothing on disk changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from kalshi_portfolio.schema import DATASETS
from kalshi_portfolio.store.state import state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from kalshi_portfolio.schema import Table

T = TypeVar("T")


class Kept(Generic[T]):
    """One value with the state of the files that it was computed from.

    Args:
        tables: The datasets that it depends on; without them all.
    """

    def __init__(self, tables: Iterable[Table] = tuple(DATASETS.values())) -> None:
        self._tables = tuple(tables)
        self._kept: tuple[object, T] | None = None

    def of(self, root: Path, compute: Callable[[], T]) -> T:
        """Give the value, computed anew if anything on disk has changed since.

        The state is looked at before the files are read: where a sync commits in between, the next call computes again.
        """
        current = state(root, self._tables)
        if self._kept is None or self._kept[0] != current:
            self._kept = (current, compute())
        return self._kept[1]

    def if_current(self, root: Path) -> T | None:
        """Give the value if it was computed from what is on disk now; compute nothing."""
        if self._kept is None or self._kept[0] != state(root, self._tables):
            return None
        return self._kept[1]
