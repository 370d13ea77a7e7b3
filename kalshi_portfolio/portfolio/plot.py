"""Charts of a portfolio: it asks for the frames and hands them on. Importing this loads Altair."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, TypedDict, Unpack

import polars as pl

from kalshi_portfolio import charts
from kalshi_portfolio import pnl as profit
from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.portfolio.filters import Filters, Tickers, When, bounds
from kalshi_portfolio.portfolio.tickers import near
from kalshi_portfolio.schema import MARKETS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from kalshi_portfolio.charts.canvas import Faceted, Layered, Stacked
    from kalshi_portfolio.portfolio.portfolio import Portfolio

_LINES, _AREAS, _COLUMNS = 1500, 270, 62
"""How many periods a chart shows at most, unless one asks for more."""

_NO_MATCH = "Nothing to show: no trades match. Widen since, until or tickers."
_UNKNOWN = "No P&L is known here: the column `cause` of pf.positions() says why."
_NO_TRADES = "No trades of this market are on disk."


class Plot:
    """Charts of a portfolio, as Altair objects, to be shown, restyled or saved.

    Each method takes the filters of the frame that it shows. Dollars are on the axes, prices in cents. What is
    unknown is left out, counted, and said under the title. Long accounts are shown by week or month, many
    groups by the best, the worst and the rest, so that a chart stays readable and small.

    Examples:
        >>> import kalshi_portfolio as kp
        >>> chart = kp.demo().plot.equity()
        >>> wide = chart.properties(width=900)
        >>> wide.to_dict()["width"]
        900
    """

    def __init__(self, portfolio: Portfolio) -> None:
        self._pf = portfolio

    def __repr__(self) -> str:
        names = sorted(name for name in vars(type(self)) if not name.startswith("_"))
        return f"Charts: {', '.join(f'plot.{name}()' for name in names)}"

    def equity(
        self,
        *,
        freq: str | None = None,
        tz: str = "UTC",
        since: When = None,
        until: When = None,
        method: str = "fifo",
    ) -> Layered:
        """Draw the running net P&L.

        Args:
            freq: The length of a period: ``1h``, ``1d``, ``1w``, ``1mo``, ``1q``, ``1y``; None for what suits the span.
            tz: The time zone in which periods begin.
            since: Only what happened at or after this; a day is one of ``tz``.
            until: Only what happened before this.
            method: ``fifo`` or ``average``.

        Returns:
            The chart.

        Raises:
            ArgumentError: ``freq``, ``tz``, the method or a bound is unknown.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().plot.equity(freq="1mo").to_dict()["title"]["text"]
            'Net P&L'
        """
        chosen, frame = self._course(freq, tz=tz, since=since, until=until, method=method)
        return charts.equity(frame, freq=chosen, **self._said(frame, profit.unknown_lots(frame)))

    def drawdown(
        self,
        *,
        freq: str | None = None,
        tz: str = "UTC",
        since: When = None,
        until: When = None,
        method: str = "fifo",
    ) -> Layered:
        """Draw how far the running net P&L lies below its highest so far.

        Args:
            freq: The length of a period, as in :meth:`equity`.
            tz: The time zone in which periods begin.
            since: Only what happened at or after this; a day is one of ``tz``.
            until: Only what happened before this.
            method: ``fifo`` or ``average``.

        Returns:
            The chart.

        Raises:
            ArgumentError: ``freq``, ``tz``, the method or a bound is unknown.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().plot.drawdown().to_dict()["title"]["text"]
            'Drawdown'
        """
        chosen, frame = self._course(freq, tz=tz, since=since, until=until, method=method)
        return charts.drawdown(frame, freq=chosen, **self._said(frame, profit.unknown_lots(frame)))

    def pnl(
        self,
        by: str | Sequence[str] = (),
        *,
        freq: str | None = None,
        tz: str = "UTC",
        method: str = "fifo",
        **filters: Unpack[Filters],
    ) -> Layered:
        """Draw the net P&L by group, or by period, or both.

        Args:
            by: The columns to group by, as in :meth:`Portfolio.pnl`; a bar for each of the best and the worst, and one
                for the rest. None of them: a column for each period.
            freq: The length of a period; with ``by``, a column for each period, stacked by group. None without ``by``:
                what suits the span.
            tz: The time zone of days and hours.
            method: ``fifo`` or ``average``.
            **filters: ``tickers=``, ``since=``, ``until=``, as in :meth:`Portfolio.pnl`.

        Returns:
            The chart.

        Raises:
            ArgumentError: A column, ``freq``, ``tz``, the method or a bound is unknown; those that there are are named.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().plot.pnl(by="category").to_dict()["title"]["text"]
            'Net P&L by category'
        """
        grouped = bool(by) and freq is None
        if not grouped:
            chosen, frame, unknown = self._by_period(by, freq, "net_pnl_cents", tz=tz, method=method, **filters)
            return charts.periods(frame, freq=chosen, by=by, **self._said(frame, unknown))
        table = self._pf.pnl(by=by, tz=tz, method=method, **filters)
        frame = profit.ranked(table, by)
        if "ticker" in frame.columns:
            titles = self._pf.markets().select("ticker", "title").unique("ticker", keep="last")
            frame = frame.join(titles, on="ticker", how="left", maintain_order="left")
        return charts.bars(frame, by=by, **self._said(frame, profit.unknown_lots(table)))

    def fees(
        self,
        by: str | Sequence[str] = (),
        *,
        freq: str | None = None,
        tz: str = "UTC",
        method: str = "fifo",
        **filters: Unpack[Filters],
    ) -> Layered:
        """Draw the fees of each period.

        Args:
            by: The columns to stack by, as in :meth:`Portfolio.pnl`.
            freq: The length of a period; None for what suits the span.
            tz: The time zone in which periods begin.
            method: ``fifo`` or ``average``.
            **filters: ``tickers=``, ``since=``, ``until=``: paid at or after, and before.

        Returns:
            The chart.

        Raises:
            ArgumentError: A column, ``freq``, ``tz``, the method or a bound is unknown.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().plot.fees(freq="1q").to_dict()["title"]["text"]
            'Fees by quarter'
        """
        chosen, frame, unknown = self._by_period(by, freq, "fee_cents", tz=tz, method=method, **filters)
        return charts.fees(frame, freq=chosen, by=by, **self._said(frame, unknown))

    def calendar(self, *, tz: str = "UTC", method: str = "fifo", **filters: Unpack[Filters]) -> Faceted | Layered:
        """Draw the net P&L of each day as a calendar, a row for each year.

        Args:
            tz: The time zone of days. Kalshi's own day is ``America/New_York``.
            method: ``fifo`` or ``average``.
            **filters: ``tickers=``, ``since=``, ``until=``, as in :meth:`Portfolio.pnl`.

        Returns:
            The chart.

        Raises:
            ArgumentError: ``tz``, the method or a bound is unknown.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().plot.calendar(tz="America/New_York").to_dict()["title"]["text"]
            'Net P&L by day'
        """
        days = self._pf.pnl(freq="1d", tz=tz, method=method, **filters)
        return charts.calendar(profit.calendar(days), **self._said(days, profit.unknown_lots(days)))

    def exposure(
        self,
        by: str | Sequence[str] = (),
        *,
        freq: str | None = None,
        tz: str = "UTC",
        tickers: Tickers = None,
        since: When = None,
        until: When = None,
    ) -> Layered:
        """Draw the cost of what was held at the end of each period: first in, first out, before fees.

        Args:
            by: The columns to stack by, as in :meth:`Portfolio.pnl`.
            freq: The length of a period; None for what suits the span.
            tz: The time zone in which periods begin.
            tickers: Only these markets.
            since: Only periods that begin at or after this; what was bought before is in them all the same.
            until: Only periods that begin before this.

        Returns:
            The chart.

        Raises:
            ArgumentError: A column, ``freq``, ``tz`` or a bound is unknown.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().plot.exposure(by="category").to_dict()["title"]["text"]
            'Exposure by category'
        """
        start, end = bounds(since, until, tz)
        lots, markets = self._pf.lots(tickers=tickers), self._pf.markets()

        def held(freq: str, by: str | Sequence[str]) -> pl.DataFrame:
            return profit.exposure(lots, markets, by=by, freq=freq, tz=tz, since=start, until=end)

        chosen = freq or _fitting(held("1d", ()), _AREAS)
        frame = held(chosen, by)
        last = frame.filter(pl.col("period") == pl.col("period").max())
        return charts.exposure(frame, freq=chosen, by=by, **self._said(frame, profit.unknown_lots(last)))

    def distribution(self, *, method: str = "fifo", **filters: Unpack[Filters]) -> Layered:
        """Draw how many positions ended with which net P&L.

        Args:
            method: ``fifo`` or ``average``.
            **filters: ``tickers=``, ``since=``, ``until=``: opened at or after, and before.

        Returns:
            The chart.

        Raises:
            ArgumentError: The method or a bound is unknown.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> kp.demo().plot.distribution().to_dict()["title"]["text"]
            'Outcomes of positions'
        """
        positions = self._pf.positions(method=method, **filters)
        frame = profit.histogram(positions)
        return charts.distribution(frame, **self._said(frame, profit.unknown_positions(positions)))

    def position(self, ticker: str, *, subaccount: int | None = None, tz: str = "UTC") -> Stacked | Layered:
        """Draw one market: the prices of your trades, entries and exits, settlement, and what was held.

        Several subaccounts are on one price axis, since they traded in one market, but have a line each for what they
        held, since the exchange does not net them.

        Args:
            ticker: The market.
            subaccount: Only this one.
            tz: The time zone of the axis.

        Returns:
            The chart. Thousands of trades are put together by steps of time, as the title then says.

        Raises:
            ArgumentError: The market is in no file, and then near ones are named; it was not traded by that subaccount;
                or there is no such time zone.

        Examples:
            >>> import kalshi_portfolio as kp
            >>> pf = kp.demo()
            >>> chart = pf.plot.position(pf.trades()["ticker"][0])
            >>> "Prices and holdings" in chart.to_dict()["description"]
            True
        """
        trades, lots, markets = self._pf.trades(), self._pf.lots(), self._pf.markets()
        known = {*markets["ticker"], *trades["ticker"]}
        if known and ticker not in known:
            raise ArgumentError(_unknown(ticker, known))
        mine = pl.col("ticker") == ticker
        trades, lots = trades.filter(mine), lots.filter(mine)
        if subaccount is not None:
            there = trades["subaccount"].unique().sort().to_list()
            if trades.height and subaccount not in there:
                raise ArgumentError(f"subaccount={subaccount!r} did not trade {ticker}. Expected one of {there}.")
            only = pl.col("subaccount") == subaccount
            trades, lots = trades.filter(only), lots.filter(only)
        gains = profit.pnl(lots, MARKETS.empty(), tz=tz)
        titles: list[str | None] = [None, *markets.filter(mine)["title"].to_list()]
        return charts.position(
            profit.path(trades, lots),
            ticker=ticker,
            title=titles[-1],
            net_cents=gains["net_pnl_cents"].item() if gains.height else None,
            tz=tz,
            unknown=profit.unknown_lots(gains),
            hint=_NO_TRADES if known else charts.NOTHING,
        )

    def _course(self, freq: str | None, *, tz: str, since: When, until: When, method: str) -> tuple[str, pl.DataFrame]:
        """Give the equity, and the length of its periods."""
        frame = self._pf.equity(freq=freq or "1d", tz=tz, since=since, until=until, method=method)
        chosen = freq or _fitting(frame, _LINES)
        if freq is not None or chosen == "1d":
            return chosen, frame
        return chosen, self._pf.equity(freq=chosen, tz=tz, since=since, until=until, method=method)

    def _by_period(
        self,
        by: str | Sequence[str],
        freq: str | None,
        value: str,
        *,
        tz: str,
        method: str,
        **filters: Unpack[Filters],
    ) -> tuple[str, pl.DataFrame, int]:
        """Give P&L by period and group, the length of the periods, and how many lots are left out."""
        chosen = freq or _fitting(self._pf.pnl(freq="1d", tz=tz, method=method, **filters), _COLUMNS)
        table = self._pf.pnl(by=by, freq=chosen, tz=tz, method=method, **filters)
        return chosen, profit.stacked(table, by, chosen, value=value), profit.unknown_lots(table)

    def _said(self, frame: pl.DataFrame, unknown: int) -> _Said:
        """Say what is left out, and what to do about an empty chart."""
        if unknown:
            return {"unknown": unknown, "hint": _UNKNOWN}
        traded = frame.height > 0 or self._pf.fills().height > 0
        return {"unknown": 0, "hint": _NO_MATCH if traded else charts.NOTHING}


class _Said(TypedDict):
    unknown: int
    hint: str


def _fitting(frame: pl.DataFrame, most: int) -> str:
    first, last = frame["period"].min(), frame["period"].max()
    if not isinstance(first, date) or not isinstance(last, date):
        return "1d"
    return profit.fitting_freq(first, last, most=most)


def _unknown(ticker: object, known: Collection[str]) -> str:
    found = near(ticker, known) if isinstance(ticker, str) else []
    hint = f"Near ones: {', '.join(found)}." if found else "Nothing is near; pf.markets() lists them."
    return f"ticker={ticker!r} is none of the {len(known):,} markets of this account. {hint}"
