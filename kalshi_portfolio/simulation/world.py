"""What is traded: series, their events, the markets of an event, and how prices move.

An event has one path of a hidden quantity (a temperature, a rate, the lead in a match). Each of its markets
asks whether the quantity ends in a range; its fair price at a time is the probability of that, given the
path so far. So prices of an event fit together, move, and come true as often as they say.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple

from kalshi_portfolio.simulation.amounts import DAY, DOLLAR
from kalshi_portfolio.simulation.dice import normal_cdf

TICKS = {
    "linear_cent": ((0, DOLLAR, 100),),
    "deci_cent": ((0, DOLLAR, 10),),
    "tapered_deci_cent": ((0, 1_000, 10), (1_000, 9_000, 100), (9_000, DOLLAR, 10)),
    "centi_cent": ((0, DOLLAR, 1),),
}
"""Tick grids: (start, end, step) in price units, per ``price_level_structure``."""

_STARTS = {name: tuple(start for start, _, _ in ranges) for name, ranges in TICKS.items()}


def tick_at(ticks: str, price: int) -> int:
    """Give the tick that holds at a price, in price units."""
    ranges = TICKS[ticks]
    return ranges[bisect_right(_STARTS[ticks], min(price, DOLLAR - 1)) - 1][2]


class Quote(NamedTuple):
    """Best bid and offer of YES in price units; 0 and 10000 stand for an empty side."""

    bid: int
    ask: int


@dataclass(frozen=True, slots=True)
class Terms:
    """The fee terms of a series from a time on."""

    since: int
    fee_type: str
    multiplier: Fraction


@dataclass(slots=True)
class Series:
    """A kind of event that comes again and again. ``terms`` are in order of time."""

    ticker: str
    title: str
    category: str
    exchange_index: int = 0
    tags: tuple[str, ...] = ()
    frequency: str = "custom"
    terms: tuple[Terms, ...] = (Terms(0, "quadratic", Fraction(1)),)
    events: list[Event] = field(default_factory=list, repr=False)

    def terms_at(self, at: int) -> Terms:
        """Give the fee terms that hold at a time."""
        return [t for t in self.terms if t.since <= at][-1]


@dataclass(frozen=True, slots=True)
class Path:
    """A random walk over an event's life.

    Attributes:
        opens: When it starts.
        closes: When it ends.
        nodes: Its values at even distances, first and last included.
        sigma: The standard deviation of the whole way.
    """

    opens: int
    closes: int
    nodes: tuple[float, ...]
    sigma: float

    def at(self, at: int) -> tuple[float, float]:
        """Give the value at a time and the standard deviation of what is still to come."""
        last = len(self.nodes) - 1
        passed = min(max((at - self.opens) / (self.closes - self.opens), 0.0), 1.0)
        i = min(int(passed * last), last - 1)
        part = passed * last - i
        value = self.nodes[i] * (1.0 - part) + self.nodes[i + 1] * part
        return value, self.sigma * math.sqrt(1.0 - passed)

    def probability(self, low: float | None, high: float | None, at: int) -> float:
        """Give the probability that the path ends above ``low`` and not above ``high``."""
        value, spread = self.at(at)
        if spread <= 0.0:
            return float((low is None or value > low) and (high is None or value <= high))
        above = 1.0 if low is None else normal_cdf((value - low) / spread)
        beyond = 0.0 if high is None else normal_cdf((value - high) / spread)
        return max(above - beyond, 0.0)


@dataclass(slots=True)
class Event:
    """One occasion, with its markets.

    Attributes:
        lot: The count that orders in this event must be a multiple of, in count units; None for any.
        combo: Whether it is a combination of other markets (``KXMVE``), which event lists leave out.
    """

    ticker: str
    series: Series
    title: str
    sub_title: str
    collateral_return_type: str = ""
    mutually_exclusive: bool = False
    strike_date: int | None = None
    path: Path | None = field(default=None, repr=False)
    lot: int | None = None
    combo: bool = False
    markets: list[Market] = field(default_factory=list, repr=False)


@dataclass(slots=True)
class Market:
    """One question with two answers. Times are microseconds, prices price units.

    Attributes:
        low: It pays if the event's path ends above this (and not above ``high``).
        determined: When the result is known; None if that is not foreseen.
        settled: When it pays out; None if that is not foreseen.
        result: ``yes``, ``no``, ``scalar`` or empty; ``value`` is what one YES contract pays.
        half: Half the distance between bid and offer.
        empty: Which side of its book nobody quotes: ``bid``, ``ask`` or none.
        quoted: A quote that stands still, for scripted markets.
        depth: Contracts traded by everybody over its life, in count units.
    """

    ticker: str
    event: Event
    title: str
    yes_label: str
    no_label: str
    opens: int
    closes: int
    low: float | None = None
    high: float | None = None
    floor_strike: float | None = None
    cap_strike: float | None = None
    strike_type: str = "custom"
    ticks: str = "linear_cent"
    determined: int | None = None
    settled: int | None = None
    result: str = ""
    value: int = 0
    outcome: str = ""
    half: int = 100
    empty: str = ""
    quoted: Quote | None = None
    depth: int = 1_000_000
    legs: tuple[Market, ...] = ()
    leg_sides: tuple[str, ...] = ()

    def status(self, at: int) -> str:
        """Give the status at a time, in the words of the responses (API 5.1)."""
        if self.settled is not None and at >= self.settled:
            return "finalized"
        if self.determined is not None and at >= self.determined:
            return "determined"
        if at >= self.closes:
            return "closed"
        return "active" if at >= self.opens else "initialized"

    def probability(self, at: int) -> float:
        """Give the probability of YES at a time; that of a combination is the product of its legs'."""
        if self.event.path is not None:
            return self.event.path.probability(self.low, self.high, at)
        product = 1.0
        for leg, side in zip(self.legs, self.leg_sides, strict=True):
            chance = leg.probability(at)
            product *= chance if side == "yes" else 1.0 - chance
        return product

    def fair(self, at: int) -> int:
        """Give the fair price of YES at a time."""
        if self.quoted is not None:
            return (self.quoted.bid + self.quoted.ask) // 2
        return round(self.probability(at) * DOLLAR)

    def last(self, at: int) -> int:
        """Give the last price traded by anybody, on the tick grid."""
        fair = min(max(self.fair(min(at, self.closes)), 1), DOLLAR - 1)
        tick = tick_at(self.ticks, fair)
        return min(max(fair // tick * tick, tick), DOLLAR - tick)

    def market_price(self, at: int) -> Quote:
        """Give the best bid and offer that a trader meets, without the whims of :attr:`empty`."""
        if self.quoted is not None:
            return self.quoted
        fair = self.fair(at)
        low, high = max(fair - self.half, 0), min(fair + self.half, DOLLAR)
        down, up = tick_at(self.ticks, low), tick_at(self.ticks, high)
        return Quote(low // down * down, min(-(-high // up) * up, DOLLAR))

    def quote(self, at: int) -> Quote:
        """Give the best bid and offer as served; both sides are empty once trading has ended."""
        if self.status(at) != "active":
            return Quote(0, DOLLAR)
        bid, ask = self.market_price(at)
        return Quote(0 if self.empty == "bid" else bid, DOLLAR if self.empty == "ask" else ask)

    def volume(self, at: int) -> int:
        """Give the contracts traded by everybody until a time, in count units."""
        passed = min(max(at - self.opens, 0), self.closes - self.opens)
        return self.depth * passed // max(self.closes - self.opens, 1)

    def volume_day(self, at: int) -> int:
        """Give the contracts traded by everybody in the day before a time, in count units."""
        return self.volume(at) - self.volume(at - DAY)


class World:
    """Everything that is listed, by ticker."""

    def __init__(self) -> None:
        self.series: dict[str, Series] = {}
        self.events: dict[str, Event] = {}
        self.markets: dict[str, Market] = {}

    def add(self, event: Event) -> None:
        """List an event with its markets, and its series if that is new."""
        self.series.setdefault(event.series.ticker, event.series)
        if event.ticker not in self.events:
            self.events[event.ticker] = event
            event.series.events.append(event)
        for market in event.markets:
            self.markets[market.ticker] = market
