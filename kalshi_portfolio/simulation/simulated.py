"""The exchange with the demo account: two years of invented trading, and sixty days still to come."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.simulation import funding
from kalshi_portfolio.simulation.amounts import moment
from kalshi_portfolio.simulation.exchange import NOW
from kalshi_portfolio.simulation.generate import Generator
from kalshi_portfolio.simulation.script import ScriptedExchange
from kalshi_portfolio.simulation.trader import Trader

if TYPE_CHECKING:
    from datetime import datetime

_LIFE = timedelta(days=730)
_FUTURE = timedelta(days=60)
_DEMO_EVENTS = 900
_DEMO_FILLS = 3_600
_FILLS_PER_EVENT = 4.6
"""How many fills by now an event brings on average, if the trader goes through its markets once."""

_MOST_EVENTS = 4_500


class SimulatedExchange(ScriptedExchange):
    """An exchange with an account that somebody invented has traded for two years, and will go on trading.

    Equal arguments give equal accounts, to the byte, on every machine. After :attr:`now` sixty more days are
    written; :meth:`advance` reveals them.

    Args:
        seed: Which account.
        fills: About how many fills there are by now; None for a few thousand.
        subaccounts: How many subaccounts there are.
        now: The exchange's clock.
        legacy_rows: See :class:`.BareExchange`.
        bare_legacy_rows: See :class:`.BareExchange`.
        overlap: See :class:`.BareExchange`.

    Examples:
        >>> exchange = SimulatedExchange(fills=50)
        >>> exchange.verify()
        >>> exchange.books.cash() > 0
        True
    """

    def __init__(
        self,
        *,
        seed: int = 6,
        fills: int | None = None,
        subaccounts: int = 3,
        now: datetime = NOW,
        legacy_rows: bool = True,
        bare_legacy_rows: bool = False,
        overlap: timedelta = timedelta(days=1),
    ) -> None:
        name = f"kalshi-portfolio/{seed}"
        super().__init__(
            name,
            now=now,
            subaccounts=subaccounts,
            legacy_rows=legacy_rows,
            bare_legacy_rows=bare_legacy_rows,
            overlap=overlap,
        )
        wanted = _DEMO_FILLS if fills is None else fills
        if wanted < 0:
            raise ArgumentError(f"fills: {fills} came; expected 0 or more.")
        birth, horizon = moment(now - _LIFE), moment(now + _FUTURE)
        events = min(_DEMO_EVENTS * wanted // _DEMO_FILLS, _MOST_EVENTS)
        funding.plan(self.account, self.later, birth=birth, now=self.clock, scale=max(1, wanted // _DEMO_FILLS))
        generator = Generator(name, birth=birth, now=self.clock, horizon=horizon)
        listing = generator.run(events)
        self.world = listing.world
        for market in self.world.markets.values():
            if market.settled is not None:
                self.later(market.settled, partial(self.account.settle, market))
        trader = Trader(
            name, account=self.account, later=self.later, subaccounts=subaccounts, birth=birth, now=self.clock
        )
        rounds = wanted / (max(len(listing.events), 1) * _FILLS_PER_EVENT)
        trader.plan(listing, max(rounds, 1.0))
        self._run(self.clock)

    @staticmethod
    def empty(
        *,
        now: datetime = NOW,
        subaccounts: int = 1,
        seed: int = 0,
        legacy_rows: bool = True,
        bare_legacy_rows: bool = False,
        overlap: timedelta = timedelta(days=1),
    ) -> ScriptedExchange:
        """Give an exchange with an account that has done nothing, to be scripted.

        Args:
            now: The exchange's clock.
            subaccounts: How many subaccounts there are.
            seed: Where identifiers come from.
            legacy_rows: See :class:`.BareExchange`.
            bare_legacy_rows: See :class:`.BareExchange`.
            overlap: See :class:`.BareExchange`.
        """
        return ScriptedExchange(
            f"kalshi-portfolio/empty/{seed}",
            now=now,
            subaccounts=subaccounts,
            legacy_rows=legacy_rows,
            bare_legacy_rows=bare_legacy_rows,
            overlap=overlap,
        )

    @staticmethod
    def tiny(*, now: datetime = NOW) -> ScriptedExchange:
        """Give an exchange with ten fills in four markets: a close, a flip, a settlement, something open."""
        exchange = SimulatedExchange.empty(now=now)
        day = partial(_days_before, now)
        exchange.deposit("500", at=day(40))
        for ticker in ("KXCPI-26OCT-T0.3", "KXHIGHNY-26NOV10-B54.5", "KXBTCD-26NOV1817-T91999.99", "KXFED-26DEC-T3.75"):
            exchange.add_market(ticker, opens=day(39), exchange_index=2 if "BTC" in ticker else 0)
        cpi, high, bitcoin, fed = exchange.world.markets
        exchange.trade(cpi, "yes", 10, "0.42", at=day(38))
        exchange.trade(cpi, "no", 4, "0.55", at=day(36), action="sell")
        exchange.trade(cpi, "yes", "2.50", "0.47", at=day(35), taker=False)
        exchange.trade(high, "no", "25.50", "0.69", at=day(12))
        exchange.trade(high, "yes", 10, "0.10", at=day(11))
        exchange.move_shards(0, 2, "50", at=day(7))
        exchange.trade(bitcoin, "yes", 20, "0.60", at=day(6))
        exchange.trade(bitcoin, "no", 35, "0.64", at=day(5))
        exchange.trade(bitcoin, "yes", 15, "0.31", at=day(4), action="sell")
        exchange.trade(fed, "no", 12, "0.65", at=day(3), taker=False)
        exchange.trade(fed, "no", 3, "0.61", at=day(2))
        exchange.settle(high, "no", at=day(9))
        exchange.settle(bitcoin, "yes", at=day(1))
        return exchange


def _days_before(now: datetime, days: int) -> datetime:
    return now - timedelta(days=days)
