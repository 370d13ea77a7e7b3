"""What a sync did: counted while it runs, reported when it is over."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kalshi_portfolio.display import Heading, Remark, block, counted, moment, remarks, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kalshi_portfolio.sync.windows import Window

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 3


@dataclass(slots=True)
class Tally:
    """Rows of one dataset, counted while a sync runs.

    Attributes:
        received: Rows that the exchange sent, repeats included.
        new: Rows that were not on disk before.
        changed: Rows whose content changed.
        set_aside: Rows that did not fit and went to quarantine.
    """

    received: int = 0
    new: int = 0
    changed: int = 0
    set_aside: int = 0


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What a sync did. Shows itself in a notebook and a terminal.

    Attributes:
        datasets: Rows received, new, changed and set aside, per dataset that was synced.
        as_of: Up to when the data are complete, by the exchange's clock.
        requests: Requests sent, retries included.
        retries: Requests that repeated a failed one.
        seconds: How long it took.
        in_quarantine: Rows in quarantine now, over all syncs.
        warnings: What the sync could not do or found odd, in words.
        missing: Stretches of time until :attr:`as_of` that are not on disk completely, per dataset that has a time;
            :meth:`Portfolio.coverage` shows all of it.

    Examples:
        >>> report = SyncReport({"fills": Tally(49, 49)}, datetime(2026, 11, 22, tzinfo=UTC), 12, 0, 0.5)
        >>> report["fills"].new, report.changed
        (49, True)
        >>> print(report)
        Synced to 2026-11-22 00:00 UTC in 0.5 s (12 requests)
        fills  49 new, 0 changed, 49 received
    """

    datasets: dict[str, Tally]
    as_of: datetime
    requests: int
    retries: int
    seconds: float
    in_quarantine: int = 0
    warnings: tuple[str, ...] = field(default=())
    missing: Mapping[str, tuple[Window, ...]] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether anything on disk is new or different (snapshots and quotes aside)."""
        lasting = (t for name, t in self.datasets.items() if name in {"fills", "settlements", "transfers"})
        return any(t.new or t.changed for t in lasting)

    def __getitem__(self, dataset: str) -> Tally:
        """Give the tally of one dataset."""
        return self.datasets[dataset]

    def __str__(self) -> str:
        head = f"Synced to {moment(self.as_of)} in {self._effort()}"
        width = max(map(len, self.datasets), default=0)
        rows = (f"{name:<{width}}  {_words(tally)}" for name, tally in self.datasets.items())
        return "\n".join([head, *rows, *self.remarks()])

    __repr__ = __str__

    def remarks(self) -> list[str]:
        """Give what one should know besides the counts: quarantine, gaps, warnings; mostly nothing."""
        held = []
        if self.in_quarantine:
            rows = counted(self.in_quarantine, "row")
            did = "it did not fit, is" if self.in_quarantine == 1 else "they did not fit, are"
            held = [f"{rows} in quarantine: {did} kept as sent and tried again."]
        gaps = [f"{name.capitalize()} are not complete {_when(stretches)}." for name, stretches in self._gaps()]
        return [*held, *gaps, *self.warnings]

    def _effort(self) -> str:
        retried = f", {self.retries:,} retried" if self.retries else ""
        return f"{self.seconds:.1f} s ({counted(self.requests, 'request')}{retried})"

    def _gaps(self) -> list[tuple[str, tuple[Window, ...]]]:
        return [(name, stretches) for name, stretches in self.missing.items() if stretches]

    def _repr_html_(self) -> str:
        """Give a small table for notebooks."""
        names = ("new", "changed", "received", "set aside")
        headings = [Heading("dataset"), *(Heading(name, number=True) for name in names)]
        rows = [
            (name, *(f"{number:,}" for number in (t.new, t.changed, t.received, t.set_aside)))
            for name, t in self.datasets.items()
        ]
        body = [table(headings, rows, label="rows")] if rows else []
        return block(
            f"Synced to {moment(self.as_of)}", *body, remarks(map(Remark, self.remarks())), aside=self._effort()
        )


def _words(tally: Tally) -> str:
    aside = f", {tally.set_aside:,} set aside" if tally.set_aside else ""
    return f"{tally.new:,} new, {tally.changed:,} changed, {tally.received:,} received{aside}"


def _when(stretches: tuple[Window, ...]) -> str:
    shown = [
        f"before {end:%Y-%m-%d %H:%M}"
        if start <= _BEGINNING
        else f"from {start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M}"
        for start, end in stretches[:_SHOWN]
    ]
    more = len(stretches) - _SHOWN
    return ", ".join(shown) + (f", and {more} more times" if more > 0 else "") + " UTC"
