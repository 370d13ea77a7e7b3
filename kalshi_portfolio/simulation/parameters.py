"""Query parameters, checked as the exchange checks them, and cursors."""

from __future__ import annotations

import base64
import binascii
import json
from bisect import bisect_left
from typing import TYPE_CHECKING, Protocol, TypeVar

from kalshi_portfolio.simulation.amounts import SECOND
from kalshi_portfolio.simulation.refusals import bad

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

Key = tuple[int | str, str]
"""What rows are sorted by: two parts, of which the second tells them apart."""

DEFAULT_LIMIT = 100
_MOST_SUBACCOUNT = 63
_MOST_SECONDS = 99_999_999_999


class Keyed(Protocol):
    """A record with a sort key."""

    @property
    def key(self) -> tuple[int, str]:
        """What it is sorted by."""


R = TypeVar("R", bound=Keyed)


class Parameters:
    """The query of one request.

    Args:
        query: Names and values as sent.

    Attributes:
        unread: Names that were sent and that no handler asked for.
    """

    def __init__(self, query: Mapping[str, str]) -> None:
        self._query = query
        self.unread = set(query)

    def text(self, name: str) -> str | None:
        """Give a value, or None where it is missing or empty."""
        self.unread.discard(name)
        return self._query.get(name) or None

    def integer(self, name: str, *, low: int = 0, high: int) -> int | None:
        """Give a whole number within bounds, both inclusive."""
        text = self.text(name)
        if text is None:
            return None
        if not (text.isascii() and text.isdigit() and low <= int(text[:20]) <= high):
            raise bad(f"{name}: expected a whole number from {low} to {high}, got {text[:40]!r}")
        return int(text)

    def limit(self, most: int, *, low: int = 1, default: int = DEFAULT_LIMIT) -> int:
        """Give the page size. A limit of 0, where it is allowed, means the default."""
        return self.integer("limit", low=low, high=most) or default

    def choice(self, name: str, options: Collection[str]) -> str | None:
        """Give one of these words."""
        text = self.text(name)
        if text is not None and text not in options:
            raise bad(f"{name}: expected one of {sorted(options)}, got {text[:40]!r}")
        return text

    def flag(self, name: str) -> bool:
        """Give ``true`` or ``false``, the latter where it is missing."""
        return self.choice(name, ("true", "false")) == "true"

    def names(self, name: str, *, most: int | None = None) -> list[str] | None:
        """Give a list that was sent with commas, without repetitions."""
        text = self.text(name)
        if text is None:
            return None
        found = list(dict.fromkeys(text.split(",")))
        if most is not None and len(found) > most:
            raise bad(f"{name}: expected at most {most}, got {len(found)}")
        return found

    def single(self, name: str) -> str | None:
        """Give a value that must not be a list."""
        text = self.text(name)
        if text is not None and "," in text:
            raise bad(f"{name}: expected one value, got a list")
        return text

    def seconds(self, name: str) -> int | None:
        """Give a time in Unix seconds as microseconds; milliseconds are refused."""
        found = self.integer(name, high=_MOST_SECONDS)
        return None if found is None else found * SECOND

    def number_of_subaccount(self) -> int | None:
        """Give the subaccount asked for."""
        return self.integer("subaccount", high=_MOST_SUBACCOUNT)

    def shard(self) -> int | None:
        """Give the shard asked for."""
        return self.integer("exchange_index", high=1000)

    def exclusive(self, *families: Collection[str]) -> None:
        """Refuse values from more than one of these families."""
        sent = [family for family in families if any(self.text(name) for name in family)]
        if len(sent) > 1:
            raise bad(f"these filters exclude each other: {sorted(n for f in sent for n in f)}")

    def after(self, listing: str) -> Key | None:
        """Give the key behind the cursor: the last row of the page before.

        Args:
            listing: Which listing the cursor must belong to.
        """
        text = self.text("cursor")
        if text is None:
            return None
        try:
            of, first, second = json.loads(base64.b64decode(text, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError, TypeError) as error:
            raise bad("invalid cursor") from error
        if of != listing or not isinstance(first, int | str) or not isinstance(second, str):
            raise bad("invalid cursor")
        return (first, second)


def cursor(listing: str, key: Key) -> str:
    """Give the opaque text for a place in a listing. Filters are not in it."""
    return base64.urlsafe_b64encode(json.dumps([listing, *key]).encode()).decode()


def newest_first(
    records: Sequence[R], parameters: Parameters, *, listing: str, limit: int, low: int = 0, high: int | None = None
) -> tuple[list[R], str]:
    """Cut a page out of records that are in order of time.

    Args:
        records: Records, the oldest first.
        parameters: The query, for its cursor.
        listing: Which listing it is.
        limit: The page size.
        low: Index of the first record that may be served.
        high: Index after the last one; None for the end.

    Returns:
        The page, the newest first, and the cursor to the next, empty at the end.
    """
    end = len(records) if high is None else high
    after = parameters.after(listing)
    if after is not None:
        if isinstance(after[0], str):
            raise bad("invalid cursor")
        end = min(end, bisect_left(records, (after[0], after[1]), key=lambda r: r.key))
    start = max(end - limit, low)
    page = [*reversed(records[start:end])] if start < end else []
    return page, cursor(listing, page[-1].key) if page and start > low else ""
