"""A data folder that can be written up as one page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, overload

from kalshi_portfolio.portfolio.profits import ProfitFrames
from kalshi_portfolio.schema import MARKETS

if TYPE_CHECKING:
    from datetime import date

    import polars as pl

    from kalshi_portfolio.ledger import Linked
    from kalshi_portfolio.portfolio.look import Look
    from kalshi_portfolio.store import Store


@dataclass(frozen=True, slots=True)
class Sources:
    """What a report is computed from.

    Attributes:
        store: The data folder.
        linked: Its trades, linked.
        look: The figures of its card: what is missing, and how old it is.
        checks: Rows of ``schema.RECONCILIATION``.
    """

    store: Store
    linked: Linked
    look: Look
    checks: pl.DataFrame

    @property
    def markets(self) -> pl.DataFrame:
        """Rows of ``schema.MARKETS``."""
        return MARKETS.empty() if self.linked.markets is None else self.linked.markets


class ReportedFrames(ProfitFrames):
    """A data folder whose figures can be written up."""

    def _sources(self) -> Sources:
        raise NotImplementedError

    @overload
    def report(
        self,
        path: str | Path = ...,
        *,
        tz: str = ...,
        method: str = ...,
        mark: str = ...,
        since: date | str | None = ...,
        until: date | str | None = ...,
    ) -> Path: ...
    @overload
    def report(
        self,
        path: None,
        *,
        tz: str = ...,
        method: str = ...,
        mark: str = ...,
        since: date | str | None = ...,
        until: date | str | None = ...,
    ) -> str: ...
    def report(
        self,
        path: str | Path | None = "report.html",
        *,
        tz: str = "UTC",
        method: str = "fifo",
        mark: str = "bid",
        since: date | str | None = None,
        until: date | str | None = None,
    ) -> Path | str:
        """Write the account as one HTML page, to read, print or send: it opens offline and asks for nothing.

        The page holds the summary, equity and drawdown, a calendar, P&L by month, category and series, the best and
        worst positions, what is held, fees, the reconciliation, and what is covered. What is not known comes first. It
        names no key, no id and no folder.

        Args:
            path: Where to write; None gives the text instead. An older report there is replaced, nothing else is.
            tz: The time zone of days and times. Kalshi's own day is ``America/New_York``.
            method: ``fifo``: first in, first out; ``average``: average cost, as the exchange counts.
            mark: What an open position is worth: ``bid``, ``mid`` or ``last``.
            since: The first day, in ``tz``. Running totals start with the account all the same; what is held is of now.
            until: The day after the last.

        Returns:
            The file's path; with ``path=None`` the text of the page.

        Raises:
            ArgumentError: A zone, method, mark or day is none, or the place holds something else.
            DamagedFileError: A file cannot be read; it is named.
            StoreError: The report cannot be written.

        Examples:
            >>> import tempfile, kalshi_portfolio as kp
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     kp.demo().report(f"{folder}/report.html", tz="America/New_York").name
            'report.html'
        """
        from kalshi_portfolio.portfolio import files, reporting  # noqa: PLC0415  (only a report needs them)

        chosen = reporting.choices(tz=tz, method=method, mark=mark, since=since, until=until)
        if path is None:
            return reporting.written(self._sources(), chosen)
        place = Path(path).expanduser().absolute()
        files.check_place(place)
        files.put(place, reporting.written(self._sources(), chosen))
        return place
