"""Rows that do not say which market they are about: the time they came from is read again until they are gone.

A row that does not fit is asked for again by its ticker. Without one that is impossible; and its window of time may be
covered already, so that no later sync would look there. Such windows are remembered beside the log.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from kalshi_portfolio.store import union

if TYPE_CHECKING:
    from kalshi_portfolio.schema import Table
    from kalshi_portfolio.sync.run import Run
    from kalshi_portfolio.sync.windows import Window

_FACT = "read_again"


def windows_to_read_again(run: Run, table: Table, number: int | None) -> list[Window]:
    """Give the windows in which the last syncs found rows without a ticker."""
    return _recalled(run).get(_name(run, table, number), [])


def remember(run: Run, table: Table, number: int | None, window: Window) -> None:
    """Have a window read again by the next sync. Written at once: the window may be logged before this run ends."""
    name, known = _name(run, table, number), _recalled(run)
    run.nameless.setdefault(name, []).append(window)
    _keep(run, known | {name: union([*known.get(name, []), window])})


def forget(run: Run, table: Table) -> None:
    """Forget the windows that this run has read whole, and let go the rows that did not come again."""
    known = _recalled(run)
    if run.mending or not known:
        return
    numbers = {run.number(number) for number in run.subaccounts}
    for name in (_name(run, table, number) for number in run.subaccounts):
        known.pop(name, None)
    _keep(run, known | {name: union(windows) for name, windows in run.nameless.items()})
    rows = [row for row in run.store.quarantined(table.name) if row.ticker is None]
    gone = [row for row in rows if row.digest not in run.seen_aside(table) and run.number(row.subaccount) in numbers]
    if gone:
        run.store.release(table.name, [row.digest for row in gone])


def _name(run: Run, table: Table, number: int | None) -> str:
    return f"{table.name}/{run.number(number)}"


def _recalled(run: Run) -> dict[str, list[Window]]:
    known = run.store.get_fact(_FACT)
    try:
        return {
            str(name): [(datetime.fromisoformat(start), datetime.fromisoformat(end)) for start, end in windows]
            for name, windows in (known or {}).items()
        }
    except (AttributeError, TypeError, ValueError):
        return {}  # somebody edited the file


def _keep(run: Run, windows: dict[str, list[Window]]) -> None:
    texts = {name: [[start.isoformat(), end.isoformat()] for start, end in its] for name, its in windows.items() if its}
    run.store.put_fact(_FACT, texts or None)
