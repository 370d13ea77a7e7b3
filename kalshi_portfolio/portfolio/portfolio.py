"""The portfolio: opens a data folder, and answers how the account did."""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import polars as pl

from kalshi_portfolio.errors import KalshiPortfolioError
from kalshi_portfolio.loops import run
from kalshi_portfolio.portfolio import clock
from kalshi_portfolio.portfolio.advice import Card
from kalshi_portfolio.portfolio.card import html_card, text_card
from kalshi_portfolio.portfolio.checks import reconciled
from kalshi_portfolio.portfolio.kept import Kept
from kalshi_portfolio.portfolio.look import Look, look_at
from kalshi_portfolio.portfolio.marks import client_for, read_quotes
from kalshi_portfolio.portfolio.reported import ReportedFrames, Sources
from kalshi_portfolio.portfolio.status import status_of
from kalshi_portfolio.portfolio.unsynced import warn_if_not_synced
from kalshi_portfolio.portfolio.views import Reconciliation
from kalshi_portfolio.schema import (
    FILLS,
    MARKETS,
    RECONCILIATION,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kalshi_portfolio.client import KalshiPublicClient
    from kalshi_portfolio.portfolio.datasets import Eager, Lazy
    from kalshi_portfolio.portfolio.filters import Tickers
    from kalshi_portfolio.portfolio.plot import Plot
    from kalshi_portfolio.portfolio.status import Status


class Portfolio(ReportedFrames):
    """An account's data folder, read-only. Fill it with :func:`kalshi_portfolio.sync`.

    Every method reads what is on disk at the time of the call, so that an object made before a sync shows what
    came with it. Money is in cents, quantities are in contracts, both exact decimals; times are UTC. The frame
    methods take ``lazy=True`` for a ``LazyFrame`` that reads when it is collected.

    Args:
        root: The data folder. Without it ``KALSHI_PORTFOLIO_DATA``, else the nearest data folder upwards from
            the working directory.
        client: Makes the client that :meth:`refresh_marks` reads quotes with; None for the exchange that the data
            came from.

    Raises:
        RootNotFoundError: There is no data folder there.

    Examples:
        >>> import kalshi_portfolio as kp
        >>> pf = kp.demo()
        >>> pf.positions(status="open").height > 0
        True
    """

    def __init__(
        self, root: str | Path | None = None, *, client: Callable[[], KalshiPublicClient] | None = None
    ) -> None:
        super().__init__(root)
        self._client = client
        self._look = Kept[Look]()
        self._checks = Kept[pl.DataFrame]()

    @overload
    def reconcile(self, *, tickers: Tickers = ..., lazy: Lazy) -> pl.LazyFrame: ...
    @overload
    def reconcile(self, *, tickers: Tickers = ..., lazy: Eager = ...) -> pl.DataFrame: ...
    def reconcile(self, *, tickers: Tickers = None, lazy: bool = False) -> pl.DataFrame | pl.LazyFrame:
        """Compare our figures with the exchange's own: positions, fees, P&L, settlements, cash.

        Args:
            tickers: Only these markets; of one that is nowhere on disk, near ones are named in a warning.
            lazy: Give a LazyFrame that computes when it is collected.

        Returns:
            One row per check, ``schema.RECONCILIATION``, by check, subaccount and ticker, with the cause where a
            figure differs. The frame shows itself as what differs and how many checks agree.

        Raises:
            ArgumentError: A ticker is no text.
            DamagedFileError: A file cannot be read; it is named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> checks = kp.demo().reconcile()
            >>> checks.filter(~checks["ok"], checks["cause"].is_null()).height
            0
        """
        wanted = self._wanted(tickers, None, None, None)
        warn_if_not_synced(self._store(), FILLS)

        def compute() -> pl.DataFrame:
            return self._checks.of(self.root, self._reconciled).filter(wanted)

        return pl.defer(compute, schema=RECONCILIATION.schema) if lazy else Reconciliation(compute())

    def _reconciled(self) -> pl.DataFrame:
        return reconciled(self._store(), self._linked, self.coverage)

    def refresh_marks(self, *, mark: str = "bid") -> pl.DataFrame:
        """Fetch the quotes of what is held, and nothing else: a request per hundred open markets, no key needed.

        The quotes are stored, so that later calls use them, too.

        Args:
            mark: What an open position is worth: ``bid``, ``mid`` or ``last``.

        Returns:
            The open positions at their new marks, as :meth:`positions` gives them.

        Raises:
            ArgumentError: The mark is unknown.
            ConnectionFailedError: The exchange cannot be reached.
            SettingsError: The settings name another exchange than the one that the data came from.
            LockedError: A sync is writing to the folder.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> pf = kp.demo()
            >>> pf.refresh_marks().height == pf.positions(status="open").height
            True
        """
        held = self.positions(status="open", mark=mark)["ticker"].unique().sort().to_list()
        if held:
            store = self._store()
            quotes = run(read_quotes((self._client or client_for(store))(), held))
            store.upsert(MARKETS, quotes)
        return self.positions(status="open", mark=mark)

    def status(self) -> Status:
        """Say what is on disk in words: rows per dataset, what is covered, the last sync, who is syncing now.

        It works on a damaged folder too, and names the files that cannot be read.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().status().in_quarantine
            0
        """
        return status_of(self._store())

    def _sources(self) -> Sources:
        store = self._store()
        look = self._look.of(store.root, lambda: look_at(store, self._linked()))
        return Sources(store, self._linked(), look, self._checks.of(store.root, self._reconciled))

    @property
    def plot(self) -> Plot:
        """Charts of the account, as Altair objects: ``equity``, ``pnl``, ``calendar``, ``position`` and more.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().plot
            Charts: plot.calendar(), plot.distribution(), plot.drawdown(), plot.equity(), ...
        """
        from kalshi_portfolio.portfolio.plot import Plot  # noqa: PLC0415  (Altair takes its time)

        return Plot(self)

    def __repr__(self) -> str:
        return text_card(self._card(), clock.now())

    def _repr_html_(self) -> str:
        """Give a small card for notebooks."""
        return html_card(self._card(), clock.now())

    def _card(self) -> Card:
        """Give what a card is made of. It never raises: what is wrong stands in the card."""
        try:
            store = self._store()
            look = self._look.of(store.root, lambda: look_at(store, self._linked()))
            checks = self._checks.if_current(store.root)
        except (KalshiPortfolioError, OSError) as error:
            return Card(self.root, self.environment, None, sync=self._sync_call, problems=self._problems(error))
        agreed = None if checks is None else (checks.height, checks.height - int(checks["ok"].sum()))
        return Card(store.root, store.mark.environment, look, agreed, self._sync_call)

    def _problems(self, error: Exception) -> tuple[str, ...]:
        """Name all files that cannot be read, not the first alone."""
        try:
            return self.status().problems or (str(error),)
        except (KalshiPortfolioError, OSError):
            return (str(error),)
