"""What `sync --watch` prints: a line for each round, and nothing twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kalshi_portfolio.cli.data import print_json, report_data
from kalshi_portfolio.cli.tables import say
from kalshi_portfolio.display import counted
from kalshi_portfolio.sync import SyncReport

if TYPE_CHECKING:
    from kalshi_portfolio.errors import KalshiPortfolioError

_LASTING = {"fills": "fill", "settlements": "settlement", "transfers": "transfer"}


@dataclass(slots=True)
class Rounds:
    """Prints the rounds of a watch.

    Args:
        every: Seconds from round to round.
        quiet: Whether to print only what is wrong.
        as_json: Whether to print a line of JSON for each round.
    """

    every: float
    quiet: bool = False
    as_json: bool = False
    _remarks: tuple[str, ...] = ()

    def begin(self) -> None:
        """Say what comes."""
        if not self.quiet:
            say(f"Syncing every {self.every:g} s. Ctrl-C ends it.", stderr=True)

    def show(self, outcome: SyncReport | KalshiPortfolioError) -> None:
        """Print one round."""
        now = datetime.now(UTC)
        if isinstance(outcome, SyncReport):
            self._show_report(outcome, now)
        elif self.as_json:
            print_json({"at": now, "ok": False, "error": type(outcome).__name__, "message": str(outcome)})
        else:
            say(f"{_at(now)}  failed, next try follows: {outcome}", stderr=True)

    def _show_report(self, report: SyncReport, now: datetime) -> None:
        if self.as_json:
            print_json({"at": now, "ok": True, **report_data(report)})
            return
        if not self.quiet:
            say(f"{_at(now)}  {whats_new(report)}")
        remarks = tuple(report.remarks())
        for remark in remarks:
            if remark not in self._remarks:  # what was said in the last round is known
                say(f"warning: {remark}", stderr=True)
        self._remarks = remarks


def whats_new(report: SyncReport) -> str:
    """Say in a line what a sync brought, of what stays: quotes and snapshots change each time.

    Examples:
        >>> from kalshi_portfolio.sync import Tally
        >>> whats_new(SyncReport({"fills": Tally(9, 2, 1)}, datetime(2026, 11, 22, tzinfo=UTC), 12, 0, 0.5))
        '2 fills new, 1 fill changed'
    """
    lasting = [(one, report.datasets[name]) for name, one in _LASTING.items() if name in report.datasets]
    new = ", ".join(counted(tally.new, one) for one, tally in lasting if tally.new)
    changed = ", ".join(counted(tally.changed, one) for one, tally in lasting if tally.changed)
    parts = [*([f"{new} new"] if new else []), *([f"{changed} changed"] if changed else [])]
    return ", ".join(parts) or "nothing new"


def _at(now: datetime) -> str:
    return f"{now:%Y-%m-%d %H:%M:%S} UTC"
