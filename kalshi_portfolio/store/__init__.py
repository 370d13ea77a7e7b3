"""The data folder: Parquet files that change in whole commits, a lock, coverage, quarantine."""

from __future__ import annotations

from kalshi_portfolio.store.apart import Apart
from kalshi_portfolio.store.coverage import Window, compact_log, covered, gaps, reopened, union
from kalshi_portfolio.store.locks import Holder
from kalshi_portfolio.store.mend import mended_mark
from kalshi_portfolio.store.root import SIMULATED, Identity, find_root, foreign, way_to_simulated
from kalshi_portfolio.store.state import state
from kalshi_portfolio.store.store import Store
from kalshi_portfolio.store.write import Upserted

__all__ = [
    "SIMULATED",
    "Apart",
    "Holder",
    "Identity",
    "Store",
    "Upserted",
    "Window",
    "compact_log",
    "covered",
    "find_root",
    "foreign",
    "gaps",
    "mended_mark",
    "reopened",
    "state",
    "union",
    "way_to_simulated",
]
