"""What a report lacks, in sentences: they stand before all figures."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from kalshi_portfolio.display import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kalshi_portfolio.report.contents import Contents, Facts

_STALE = timedelta(days=1)
_SIMULATED = "simulated"
_NO_MARK = {"bid": "nobody bids", "mid": "bid or offer is missing", "last": "there was no trade"}


def gaps(contents: Contents) -> Iterator[str]:
    """Say what is missing, stale or unknown, what matters most first."""
    yield from _missing(contents.facts)
    yield from _stale(contents.facts)
    failed = contents.checked.failed
    if failed:
        checks = counted(failed, "check", "checks")
        yield f"{checks} against the exchange's figures {'differs' if failed == 1 else 'differ'}: see Reconciliation."
    yield from _left_out(contents)


def _missing(facts: Facts) -> Iterator[str]:
    if facts.last_sync is None and not facts.fills:
        yield "Nothing is synced yet: kalshi-portfolio sync fetches it."
        return
    if facts.waiting:
        yield f"Never synced: {', '.join(facts.waiting)}."
    if facts.missing:
        yield f"Part of the {' and the '.join(facts.missing)} is missing: see Coverage. The next sync fetches it."
    elif facts.as_of is None and facts.fills:
        yield "Nothing says which of the fills have been read: the log of the syncs is not there."


def _stale(facts: Facts) -> Iterator[str]:
    if facts.last_sync is None or facts.environment == _SIMULATED:
        return
    age = facts.made_at - facts.last_sync
    if age >= _STALE:
        yield f"Last synced {counted(age.days, 'day')} before this report was made: what happened since is not in it."


def _left_out(contents: Contents) -> Iterator[str]:
    """Count what the sums do not hold."""
    row = contents.course.summary.row(0, named=True)
    if row["incomplete_positions"]:
        whose = counted(row["incomplete_positions"], "position is", "positions are")
        yield f"{whose} left out of P&L, because part of the history is missing."
    if row["unknown_fees"]:
        whose = counted(row["unknown_fees"], "position is", "positions are")
        yield f"{whose} left out of net figures, because a fee is unknown."
    if row["unknown_marks"]:
        held = counted(row["open_positions"] - row["incomplete_open_positions"], "open position")
        verb = "has" if row["unknown_marks"] == 1 else "have"
        why = f"{_NO_MARK[contents.facts.mark]} or no quote was read"
        yield f"{row['unknown_marks']:,} of {held} {verb} no mark ({why}): left out of unrealised P&L."
    aside = contents.facts.quarantined
    if aside:
        rows = counted(
            aside, "row that the exchange sent does not fit and is", "rows that the exchange sent do not fit and are"
        )
        yield f"{rows} kept aside, in no figure."
