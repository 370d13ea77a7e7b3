"""Datasets that no sync has ever read: an empty frame of theirs is no account without rows, and that is said."""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING

from kalshi_portfolio.errors import NotSyncedWarning, StoreError
from kalshi_portfolio.schema import MARKETS, SYNC_LOG

if TYPE_CHECKING:
    from kalshi_portfolio.schema import Table
    from kalshi_portfolio.store import Store

_PACKAGE = __name__.partition(".")[0]


def warn_if_not_synced(store: Store, table: Table) -> None:
    """Warn if there is neither a file of a dataset nor a word of it in the log of the syncs.

    An account without rows has been read, so the log knows of it. Of markets the log never speaks: they have been
    read if anything has.
    """
    if store.holds(table):
        return
    try:
        log = store.read(SYNC_LOG)
    except StoreError:  # a damaged log is told where coverage is asked for
        return
    read = log.height if table is MARKETS else log.filter(log["dataset"] == table.name).height
    if not read:
        warnings.warn(
            f"{table.name}: not synced yet, so there are no rows. kp.sync_{table.name}() or kp.sync() fills it; on the "
            f"command line `kalshi-portfolio sync --only {table.name}`, or `kalshi-portfolio sync` for all.",
            NotSyncedWarning,
            stacklevel=callers_level(),
        )


def callers_level() -> int:
    """Count the frames from the warning up to the line outside of this package that asked."""
    level, frame = 1, sys._getframe(1)  # noqa: SLF001  (what `warnings` itself uses; skip_file_prefixes needs 3.12)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        level, frame = level + 1, frame.f_back
    return level
