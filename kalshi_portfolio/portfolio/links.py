"""Linking what is on disk: computed when first asked for, and again when anything on disk has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kalshi_portfolio import ledger
from kalshi_portfolio.portfolio.coverage import positions_read, unread_fills
from kalshi_portfolio.schema import FILLS, MARKETS, SETTLEMENTS, SNAPSHOTS, SYNC_LOG
from kalshi_portfolio.store import state

if TYPE_CHECKING:
    import polars as pl

    from kalshi_portfolio.store import Store

_READ = (FILLS, SETTLEMENTS, MARKETS, SNAPSHOTS, SYNC_LOG)
_TRIES = 3


class Links:
    """The linked trades of a data folder, kept as long as nothing on disk changes."""

    def __init__(self) -> None:
        self._kept: tuple[object, ledger.Linked] | None = None

    def of(self, store: Store) -> ledger.Linked:
        """Link everything on disk, or give what was linked before if nothing has changed since.

        A sync that commits while the datasets are read one by one could leave, say, a settlement without its
        fills. So what is there before and after must be the same; under a sync that never pauses the last try counts.
        """
        current = state(store.root, _READ)
        if self._kept is not None and self._kept[0] == current:
            return self._kept[1]
        for _ in range(_TRIES):
            linked = _link(store)
            before, current = current, state(store.root, _READ)
            if before == current:
                break
        self._kept = (before, linked)
        return linked


def settled(store: Store) -> pl.DataFrame:
    """Give every settlement, reported or rebuilt, ``schema.SETTLED``."""
    return ledger.settle(store.read(FILLS), store.read(SETTLEMENTS), store.read(MARKETS))


def _link(store: Store) -> ledger.Linked:
    fills, markets = store.read(FILLS), store.read(MARKETS)
    paid = ledger.settle(fills, store.read(SETTLEMENTS), markets)
    log = store.coverage_log([FILLS])
    judged = ledger.judge(
        fills,
        paid,
        snapshots=store.latest(SNAPSHOTS),
        markets=markets,
        quarantined=[(row.subaccount, row.ticker) for row in store.quarantined("fills")],
        unread=unread_fills(log, store.read(SYNC_LOG), fills["subaccount"].unique().to_list()),
        positions_read=positions_read(log),
    )
    return ledger.link(fills, paid, judged, markets)
