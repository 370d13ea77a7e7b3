"""What a portfolio lacks, and what to call next: the remarks of its card."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from kalshi_portfolio.display import Remark, ago, counted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from kalshi_portfolio.portfolio.look import Look

STALE = timedelta(days=1)
"""How old data may be before a card says so: a day without a sync is a day of settlements and quotes unseen."""

_AT_RISK = timedelta(days=45)
_HELD = 'pf.positions(status="open", mark="last")'
_HIDDEN = 'pf.positions().filter(~pl.col("complete"))'
_SIMULATED = "simulated"


@dataclass(frozen=True, slots=True)
class Card:
    """All that a card of a portfolio is made of.

    Attributes:
        root: The data folder.
        environment: Where the data come from.
        look: The figures; None where they cannot be read.
        checks: How many checks of a reconciliation there are and how many of them differ; None if none was made of
            the present data.
        sync: The call that syncs this folder.
        problems: Why the figures cannot be read.
    """

    root: Path
    environment: str
    look: Look | None
    checks: tuple[int, int] | None = None
    sync: str = "kp.sync()"
    problems: tuple[str, ...] = ()


def age(card: Card, now: datetime) -> timedelta | None:
    """Say how old the data are; None where that means nothing: never synced, simulated, a clock that is behind."""
    if card.look is None or card.look.last_sync is None or card.environment == _SIMULATED:
        return None
    since = now - card.look.last_sync
    return since if since >= timedelta() else None


def advice(card: Card, now: datetime) -> list[Remark]:
    """Say what is missing or stale, what matters most first, and in the last line what to call next."""
    found = list(_lacking(card, now))
    urgent = next((remark for remark in found if remark.kind == "warning" and remark.call), None)
    if urgent is None:
        return [*found, _suggestion(card)]
    said = [Remark(r.words, "" if r.call == urgent.call else r.call, r.kind) for r in found]
    return [*said, Remark(_PURPOSE.get(urgent.call, "Fetch it:"), urgent.call, "next")]


_PURPOSE = {"pf.status()": "See what is on disk:", _HIDDEN: "See which, and why:", "pf.reconcile()": "See which:"}


def _lacking(card: Card, now: datetime) -> Iterator[Remark]:
    look = card.look
    if look is None:
        there = card.root.is_dir()
        yield from (Remark(problem, "pf.status()" if there else card.sync) for problem in card.problems)
        return
    if look.never_synced:
        yield Remark("Nothing is synced yet: no fills, no positions.", card.sync)
        return
    yield from _to_sync(card, look, now)
    yield from _left_out(look)
    if card.checks is not None and card.checks[1]:
        total, differing = card.checks
        words = f"{differing:,} of {counted(total, 'check')} against the exchange's figures differ."
        yield Remark(words, "pf.reconcile()")


def _to_sync(card: Card, look: Look, now: datetime) -> Iterator[Remark]:
    """Say what the next sync would bring."""
    if look.waiting:
        yield Remark(f"Never synced: {', '.join(look.waiting)}.", card.sync)
    if look.missing:
        yield Remark(f"Part of the {' and the '.join(look.missing)} is missing; pf.coverage() shows which.", card.sync)
    elif look.as_of is None and look.fills:
        yield Remark("Nothing says which of the fills have been read: the log of the syncs is not there.", card.sync)
    old = age(card, now)
    if old is not None and old >= _AT_RISK:
        words = "the exchange lists a settlement for about 60 days only, then it has to be rebuilt."
        yield Remark(f"Synced {ago(old)}: {words}", card.sync)
    elif old is not None and old >= STALE:
        yield Remark(f"Synced {ago(old)}: fills, settlements and quotes since then are not here.", card.sync)


def _left_out(look: Look) -> Iterator[Remark]:
    """Count what the sums do not hold, so that nobody takes a part for the whole."""
    row = look.summary
    if row["incomplete_positions"]:
        whose = counted(row["incomplete_positions"], "position is", "positions are")
        yield Remark(f"{whose} left out of P&L: part of the history is missing.", _HIDDEN)
    elif look.unknown_lots:
        whose = counted(look.unknown_lots, "lot is", "lots are")
        yield Remark(f"{whose} left out of P&L, for a fee or part of the history is unknown.", "pf.lots()", "note")
    if look.quarantined:
        rows = counted(look.quarantined, "row that does", "rows that do")
        yield Remark(f"In quarantine: {rows} not fit. Each sync tries again.", "pf.status()", "note")
    if look.never_quoted:
        whose = counted(look.never_quoted, "open position has", "open positions have")
        yield Remark(f"{whose} no mark: no quote was read yet.", "pf.refresh_marks()", "note")
    unbid = row["unknown_marks"] - look.never_quoted
    if unbid > 0:
        whose = counted(unbid, "open position has", "open positions have")
        yield Remark(f"{whose} no mark: nobody bids. By the last trade:", _HELD, "note")


def _suggestion(card: Card) -> Remark:
    """Give the next useful call where nothing is wrong."""
    if card.look is not None and not card.look.fills:
        return Remark("Nothing was traded yet. When it is:", card.sync, "next")
    if card.checks is None:
        return Remark("Compare these figures with the exchange's own:", "pf.reconcile()", "next")
    agreed = counted(card.checks[0], "check", "checks")
    return Remark(
        f"All {agreed} against the exchange's figures agree. Go on:", 'pf.pnl(by="category", freq="1mo")', "next"
    )
