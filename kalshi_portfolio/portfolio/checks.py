"""Reconciling what is on disk: the reported figures, read in the order in which they may be compared."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio.reconcile import reconcile
from kalshi_portfolio.schema import BALANCES, RECONCILIATION, SETTLED, SNAPSHOTS, TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from kalshi_portfolio.ledger import Linked
    from kalshi_portfolio.store import Store

_NEVER = datetime.min.replace(tzinfo=UTC)


def reconciled(store: Store, link: Callable[[], Linked], coverage: Callable[[], pl.DataFrame]) -> pl.DataFrame:
    """Compare our figures with the exchange's own.

    Args:
        store: The data folder.
        link: Links its trades.
        coverage: Gives rows of ``schema.COVERAGE``. Both are called after the balances are read.

    Returns:
        One row per check, ``schema.RECONCILIATION``.
    """
    # Balances first: what is traded and synced afterwards is later than they are, and does not count.
    balances, transfers = store.latest(BALANCES), store.read(TRANSFERS)
    read = dict(coverage().group_by("dataset").agg(pl.col("covered_to").max()).rows())
    linked = link()
    checks = reconcile(
        linked,
        settlements=SETTLED.empty() if linked.settled is None else linked.settled,
        snapshots=store.latest(SNAPSHOTS),
        transfers=transfers,
        balances=balances,
        # A sync that could not read every kind of transfer logs none, so their time stays behind.
        transfers_complete=TRANSFERS.name in read and read[TRANSFERS.name] >= read.get(BALANCES.name, _NEVER),
    )
    return RECONCILIATION.conform(checks)
