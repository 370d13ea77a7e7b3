"""Every dataset and frame, declared once: columns, dtypes, keys, order, units, meaning.

Datasets are what lies on disk; frames are what :class:`~kalshi_portfolio.Portfolio` computes from them.
Nothing else in the package names a dtype of a column.

    table     what a table is                         datasets  what lies on disk
    columns   what several tables share               frames    settlements, trades, lots, positions
                                                      results   P&L, equity, summary, reconciliation
"""

from kalshi_portfolio.schema.datasets import (
    BALANCES,
    DATASETS,
    FILLS,
    MARKETS,
    SETTLEMENTS,
    SNAPSHOTS,
    SYNC_LOG,
    TRANSFERS,
    VERSION,
)
from kalshi_portfolio.schema.frames import DISPOSALS, JUDGED, LOTS, POSITIONS, SETTLED, TRADES
from kalshi_portfolio.schema.results import COVERAGE, EQUITY_VALUES, PNL_VALUES, RECONCILIATION, SUMMARY
from kalshi_portfolio.schema.table import TIME, Column, Table

FRAMES = {t.name: t for t in (SETTLED, TRADES, LOTS, DISPOSALS, POSITIONS, SUMMARY, RECONCILIATION, COVERAGE)}

__all__ = [
    "BALANCES",
    "COVERAGE",
    "DATASETS",
    "DISPOSALS",
    "EQUITY_VALUES",
    "FILLS",
    "FRAMES",
    "JUDGED",
    "LOTS",
    "MARKETS",
    "PNL_VALUES",
    "POSITIONS",
    "RECONCILIATION",
    "SETTLED",
    "SETTLEMENTS",
    "SNAPSHOTS",
    "SUMMARY",
    "SYNC_LOG",
    "TIME",
    "TRADES",
    "TRANSFERS",
    "VERSION",
    "Column",
    "Table",
]
