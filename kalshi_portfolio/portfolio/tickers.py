"""Tickers that a data folder does not know: told with those that look alike, since most are slips of the pen."""

from __future__ import annotations

import difflib
import warnings
from itertools import takewhile
from typing import TYPE_CHECKING

from kalshi_portfolio.errors import StoreError, UnknownTickerWarning
from kalshi_portfolio.portfolio.kept import Kept
from kalshi_portfolio.portfolio.unsynced import callers_level
from kalshi_portfolio.schema import FILLS, MARKETS, SETTLEMENTS, SNAPSHOTS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kalshi_portfolio.schema import Table
    from kalshi_portfolio.store import Store

_SHOWN = 3
_COMPARED = 5_000


class KnownTickers:
    """The tickers of a data folder, read when one is asked for that it may not know, and kept until that changes."""

    def __init__(self) -> None:
        self._markets = Kept[frozenset[str]]([MARKETS])
        self._others = Kept[frozenset[str]]([FILLS, SETTLEMENTS, SNAPSHOTS])

    def check(self, store: Store, tickers: Collection[str]) -> None:
        """Warn of tickers that appear in no market, fill, settlement or snapshot, and name near ones.

        Nothing is said where nothing is on disk, or where it cannot be read: others say that.
        """
        wanted = dict.fromkeys(tickers)
        try:
            known = self._markets.of(store.root, lambda: _tickers(store, MARKETS))
            if not wanted.keys() <= known:
                known |= self._others.of(store.root, lambda: _tickers(store, FILLS, SETTLEMENTS, SNAPSHOTS))
        except StoreError:
            return
        unknown = [ticker for ticker in wanted if ticker not in known]
        if unknown and known:
            warnings.warn(_message(unknown, known), UnknownTickerWarning, stacklevel=callers_level())


def near(ticker: str, known: Collection[str]) -> list[str]:
    """Give the known tickers that look most like one, best first, three at most.

    A ticker begins with its series and its event, so only the tickers of the nearest series are compared letter by
    letter: that stays quick with hundreds of thousands of markets.

    Examples:
        >>> near("kxfed-26dec-t375", ["KXFED-26DEC-T3.75", "KXFED-26DEC-T4.00", "KXRT-26-A"])
        ['KXFED-26DEC-T3.75', 'KXFED-26DEC-T4.00']
    """
    wanted = ticker.strip().upper()
    series = sorted({_series(one) for one in known})
    nearest = difflib.get_close_matches(_series(wanted), series, n=_SHOWN, cutoff=0.6)
    candidates = sorted(one for one in known if _series(one) in nearest)
    if len(candidates) > _COMPARED:
        candidates = _likeliest(wanted, candidates)
    return difflib.get_close_matches(wanted, candidates, n=_SHOWN, cutoff=0.6)


def _likeliest(wanted: str, candidates: Sequence[str]) -> list[str]:
    """Give those that share the longest beginning with what is wanted, as many as can be compared quickly."""

    def shared(one: str) -> int:
        return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, wanted, strict=False)))

    return sorted(candidates, key=shared, reverse=True)[:_COMPARED]


def _series(ticker: str) -> str:
    return ticker.partition("-")[0]


def _tickers(store: Store, *tables: Table) -> frozenset[str]:
    return frozenset(ticker for table in tables for ticker in store.read(table, columns=["ticker"])["ticker"].unique())


def _message(unknown: Sequence[str], known: Collection[str]) -> str:
    told = [f"{ticker!r}{_or_near(ticker, known)}" for ticker in unknown[:_SHOWN]]
    more = f" and {len(unknown) - _SHOWN:,} more" if len(unknown) > _SHOWN else ""
    whose = "This ticker is" if len(unknown) == 1 else "These tickers are"
    return (
        f"{whose} in none of the {len(known):,} markets of this account, and so in no row: {'; '.join(told)}{more}. "
        "Expected tickers as in markets()."
    )


def _or_near(ticker: str, known: Collection[str]) -> str:
    found = near(ticker, known)
    return f" (near: {', '.join(found)})" if found else " (nothing near)"
