"""Long frames in pieces that stay in the processor's cache, so that the memory of one piece serves the next.

Columns of millions of rows would be fetched anew from the system at every step, page by page: that costs more
than the arithmetic, and it grows faster than the number of rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROWS = 2**17
"""How many rows a piece has, about."""


def blocks(length: int) -> Iterator[tuple[int, int]]:
    """Give offset and length of every piece; a single empty one for no rows.

    Examples:
        >>> list(blocks(0)), [n for _, n in blocks(ROWS + 1)] == [ROWS, 1]
        ([(0, 0)], True)
    """
    for offset in range(0, max(length, 1), ROWS):
        yield offset, min(ROWS, length - offset)


def blocks_of_groups(groups: pl.Series) -> Iterator[tuple[int, int]]:
    """Give offset and length of every piece, none of which cuts a group in two.

    Args:
        groups: Numbers of the groups, ascending.
    """
    offset, length = 0, groups.len()
    while offset < max(length, 1):
        end = min(offset + ROWS, length)
        if end < length:
            end = cast("int", groups.search_sorted(groups[end - 1], side="right"))
        yield offset, end - offset
        offset = max(end, 1)


def in_blocks(frame: pl.DataFrame, work: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """Do work that takes each row by itself on one piece after the other.

    Args:
        frame: Any frame.
        work: Gives a frame of the same number of rows.

    Returns:
        The results in order. They are not copied together: the columns consist of several chunks.
    """
    return pl.concat([work(frame.slice(*block)) for block in blocks(frame.height)], rechunk=False)
