"""An exchange whose account is scripted step by step, for accounts with exactly known books."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.simulation.amounts import (
    CENT,
    CONTRACT,
    DAY,
    DOLLAR,
    MICROS,
    Number,
    at_time,
    exact,
    moment,
)
from kalshi_portfolio.simulation.exchange import BareExchange
from kalshi_portfolio.simulation.fees import FEE_TYPES
from kalshi_portfolio.simulation.world import TICKS, Event, Market, Quote, Series, Terms

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kalshi_portfolio.simulation.records import Order

_SIDES = ("yes", "no")
_RESULTS = ("yes", "no", "scalar")


class ScriptedExchange(BareExchange):
    """An exchange with verbs for everything that can happen to an account.

    Amounts are in dollars, prices in dollars, counts in contracts: integers, decimals or text, never floats.
    ``at`` is when something happens: now if left out, at once if it is past, and when the clock gets there
    if it is in the future. Cash may become negative; nobody asks whether a trade can be paid.

    Examples:
        >>> exchange = ScriptedExchange("example")
        >>> exchange.deposit("100")
        >>> market = exchange.add_market("KXCPI-26DEC-T0.3")
        >>> order = exchange.trade("KXCPI-26DEC-T0.3", "yes", 10, "0.42")
        >>> exchange.fills[0].fee
        170600
        >>> exchange.books.cash(0)
        95629400
    """

    def add_market(
        self,
        ticker: str,
        *,
        event_ticker: str | None = None,
        series_ticker: str | None = None,
        title: str | None = None,
        category: str = "Economics",
        exchange_index: int = 0,
        opens: datetime | None = None,
        closes: datetime | None = None,
        bid: Number = "0.45",
        ask: Number = "0.55",
        ticks: str = "linear_cent",
        fee_type: str = "quadratic",
        multiplier: int | str | Fraction = 1,
        collateral_return_type: str = "",
        combo: bool = False,
    ) -> Market:
        """List a market; its event and series too, if they are new.

        Args:
            ticker: The market's ticker.
            event_ticker: Its event; by default the ticker without its last part.
            series_ticker: Its series; by default the ticker's first part.
            title: Its question.
            category: Of a new series.
            exchange_index: Of a new series.
            opens: When trading begins; by default 30 days ago.
            closes: When it ends; by default in 30 days.
            bid: Best bid for YES; 0 for none.
            ask: Best offer of YES; 1 for none.
            ticks: Its tick grid, a key of :data:`.world.TICKS`.
            fee_type: Of a new series.
            multiplier: Of a new series.
            collateral_return_type: Of a new event.
            combo: Whether a new event is a combination.

        Returns:
            The market.

        Raises:
            ArgumentError: There is one with this ticker, or a word is not known.
        """
        if ticker in self.world.markets:
            raise ArgumentError(f"There is a market {ticker} already.")
        _known("ticks", ticks, TICKS)
        _known("fee_type", fee_type, FEE_TYPES)
        series_name = series_ticker or ticker.split("-", maxsplit=1)[0]
        terms = (Terms(0, fee_type, Fraction(multiplier)),)
        series = self.world.series.get(series_name) or Series(
            series_name, f"{series_name} series", category, exchange_index, terms=terms
        )
        name = event_ticker or ticker.rpartition("-")[0] or f"{ticker}-EVENT"
        event = self.world.events.get(name) or Event(
            name, series, f"{name} event", "", collateral_return_type, collateral_return_type == "MECNET", combo=combo
        )
        label = ticker.rpartition("-")[2]
        market = Market(
            ticker,
            event,
            title or f"Will {ticker} happen?",
            label,
            f"Not {label}",
            self.clock - 30 * DAY if opens is None else moment(opens),
            self.clock + 30 * DAY if closes is None else moment(closes),
            ticks=ticks,
        )
        event.markets.append(market)
        self.world.add(event)
        self.quote(ticker, bid=bid, ask=ask)
        return market

    def quote(self, ticker: str, *, bid: Number, ask: Number) -> None:
        """Quote a market anew; a bid of 0 or an offer of 1 is an empty side."""
        self._market(ticker).quoted = Quote(exact(bid, DOLLAR, "bid"), exact(ask, DOLLAR, "ask"))

    def trade(
        self,
        ticker: str,
        side: str,
        count: Number,
        yes_price: Number,
        *,
        taker: bool = True,
        subaccount: int = 0,
        at: datetime | None = None,
        action: str = "buy",
        order: Order | None = None,
    ) -> Order:
        """Execute a fill.

        Args:
            ticker: The market.
            side: The outcome whose exposure is taken: ``"no"`` also sells YES.
            count: Contracts, to two decimals.
            yes_price: The price of YES in dollars, to four decimals, whatever the side.
            taker: Whether it removes liquidity.
            subaccount: Whose trade it is.
            at: When.
            action: The legacy field ``action``, which carries no direction: ``"buy"`` or ``"sell"``.
            order: An order returned before, to which this fill is added; None for a new one.

        Returns:
            The order. If ``at`` is in the future, its fill follows when the clock gets there.

        Raises:
            ArgumentError: The market is unknown or paid out, a number is impossible, or the subaccount traded
                this market later than ``at`` already: the books are kept in order of time.
        """
        _known("side", side, _SIDES)
        _known("action", action, ("buy", "sell"))
        market, when = self._market(ticker), self.clock if at is None else moment(at)
        amount, price = exact(count, CONTRACT, "count"), exact(yes_price, DOLLAR, "yes_price")
        if amount <= 0 or not 0 <= price <= DOLLAR:
            raise ArgumentError(f"count {count} and yes_price {yes_price}: expected above 0, and from 0 to 1.")
        if not 0 <= subaccount < self.subaccounts:
            raise ArgumentError(f"subaccount {subaccount}: there are {self.subaccounts}, counted from 0.")
        self._refuse_past(market, subaccount, when)
        if order is None:
            order = self.account.order(
                market, side=side, action=action, count=0, yes_price=price, subaccount=subaccount, at=when
            )
        elif (order.ticker, order.side, order.subaccount) != (ticker, side, subaccount):
            raise ArgumentError(f"The order is for {order.side} of {order.ticker} by {order.subaccount}.")
        order.count += amount
        execute = partial(self.account.fill, market, order, count=amount, yes_price=price, taker=taker)
        self._when(when, lambda moment_: _ignore(execute(at=moment_)))
        return order

    def settle(
        self,
        ticker: str,
        result: str,
        *,
        value: Number | None = None,
        at: datetime | None = None,
        determined: datetime | None = None,
    ) -> None:
        """Determine a market and pay it out.

        Args:
            ticker: The market.
            result: ``"yes"``, ``"no"`` or ``"scalar"``.
            value: What one YES contract pays, in dollars; only for a scalar result.
            at: When it is paid out.
            determined: When the result is known; by default a minute earlier.

        Raises:
            ArgumentError: The market is unknown or paid out, or the value does not fit the result.
        """
        _known("result", result, _RESULTS)
        if (value is None) == (result == "scalar"):
            raise ArgumentError(f"settle({ticker}): a value belongs to a scalar result, and to no other.")
        market, when = self._market(ticker), self.clock if at is None else moment(at)
        if market.settled is not None:
            raise ArgumentError(f"{ticker} is paid out at {at_time(market.settled)} already.")
        for subaccount in self.account.holders.get(ticker, ()):
            self._refuse_past(market, subaccount, when)
        market.result, market.settled = result, when
        market.value = {"yes": DOLLAR, "no": 0}.get(result, 0) if value is None else exact(value, DOLLAR, "value")
        market.determined = when - 60 * MICROS if determined is None else moment(determined)
        market.closes = min(market.closes, market.determined)
        self._when(when, partial(self.account.settle, market))

    def deposit(
        self,
        amount: Number,
        *,
        fee: Number = 0,
        status: str = "applied",
        method: str = "ach",
        at: datetime | None = None,
    ) -> None:
        """Deposit cash into the primary subaccount.

        Args:
            amount: Gross, in dollars, to the cent; ``fee`` is taken from it.
            fee: In dollars.
            status: ``pending``, ``applied``, ``failed`` or ``returned`` (after it had been applied).
            method: How it came.
            at: When.
        """
        self._movement("deposit", amount, fee, status, method, at)

    def withdraw(
        self,
        amount: Number,
        *,
        fee: Number = 0,
        status: str = "applied",
        method: str = "ach",
        at: datetime | None = None,
    ) -> None:
        """Withdraw cash from the primary subaccount; arguments as of :meth:`deposit`, the fee within the amount."""
        self._movement("withdrawal", amount, fee, status, method, at)

    def transfer(
        self, source: int, target: int, amount: Number, *, exchange_index: int = 0, at: datetime | None = None
    ) -> None:
        """Move cash between two subaccounts."""
        cents = exact(amount, 100, "amount")
        move = partial(self.account.move_between, source, target, cents=cents, exchange_index=exchange_index)
        self._when(self.clock if at is None else moment(at), lambda when: move(at=when))

    def move_shards(self, source: int, target: int, amount: Number, *, at: datetime | None = None) -> None:
        """Move cash of the primary subaccount between shards."""
        move = partial(self.account.move_shards, source, target, micros=exact(amount, 100, "amount") * CENT)
        self._when(self.clock if at is None else moment(at), lambda when: move(at=when))

    def move_margined(self, amount: Number, *, at: datetime | None = None) -> None:
        """Move cash to the margined exchange, or back if the amount is negative."""
        micros = exact(amount, 100, "amount") * CENT
        self._when(self.clock if at is None else moment(at), partial(self.account.move_margined, micros))

    def amend(self, ticker: str, fill_number: int, *, fee: Number) -> None:
        """Serve a fill with another fee from now on, as after a correction; the books keep the true one.

        Args:
            ticker: The market.
            fill_number: Which of its fills, counted from 0 in order of time.
            fee: In dollars.
        """
        from kalshi_portfolio.simulation import rows  # noqa: PLC0415

        fill = self.account.fills_of[ticker][fill_number]
        fill.body = rows.fill(replace(fill, fee=exact(fee, MICROS, "fee")))

    def _movement(self, kind: str, amount: Number, fee: Number, status: str, method: str, at: datetime | None) -> None:
        _known("status", status, ("pending", "applied", "failed", "returned"))
        cents, fee_cents = exact(amount, 100, "amount"), exact(fee, 100, "fee")

        def happen(when: int) -> None:
            movement = self.account.announce(kind, amount_cents=cents, fee_cents=fee_cents, method=method, at=when)
            if status == "returned":
                self.account.finalize(movement, "applied", when)
            if status != "pending":
                self.account.finalize(movement, status, when)

        self._when(self.clock if at is None else moment(at), happen)

    def _market(self, ticker: str) -> Market:
        if ticker not in self.world.markets:
            raise ArgumentError(f"There is no market {ticker}; add_market lists one.")
        return self.world.markets[ticker]

    def _refuse_past(self, market: Market, subaccount: int, when: int) -> None:
        books = self.account.books.find(subaccount, market.ticker)
        if market.settled is not None and when >= market.settled:
            raise ArgumentError(f"{market.ticker} is paid out at {at_time(market.settled)}.")
        if books is not None and books.updated > when:
            raise ArgumentError(
                f"{market.ticker}: {at_time(when)} came, but the last entry is of {at_time(books.updated)}. "
                "The books are kept in order of time."
            )

    def _when(self, at: int, action: Callable[[int], None]) -> None:
        if at <= self.clock:
            action(at)
        else:
            self.later(at, action)


def _ignore(_: object) -> None:
    """Drop a result."""


def _known(what: str, word: str, words: object) -> None:
    if not isinstance(words, (tuple, dict)) or word not in words:
        raise ArgumentError(f"{what}: {word!r} came; expected one of {list(words)}.")  # type: ignore[call-overload]
