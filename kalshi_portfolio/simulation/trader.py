"""The simulated person: what they trade, when, how much, and how they get out again.

They look at one event at a time, enter a market or two, and then hold to the end, scale in, trim, close,
turn around, or do it all again. In some fields they know a little more than the market, in others not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

from kalshi_portfolio.simulation.amounts import CONTRACT, DAY, DOLLAR, HOUR, MINUTE, SECOND
from kalshi_portfolio.simulation.dice import Dice
from kalshi_portfolio.simulation.world import Quote, tick_at

if TYPE_CHECKING:
    from collections.abc import Callable

    from kalshi_portfolio.simulation.account import Account
    from kalshi_portfolio.simulation.catalogue import Kind
    from kalshi_portfolio.simulation.generate import Listing
    from kalshi_portfolio.simulation.records import Order
    from kalshi_portfolio.simulation.world import Event, Market

FRACTIONAL_SINCE = 1_773_273_600_000_000
"""2026-03-12: contracts can be fractional and ticks finer than a cent."""

_STYLES = (
    ("enter",),
    ("enter", "add"),
    ("enter", "add", "add"),
    ("enter", "close"),
    ("enter", "trim", "close"),
    ("enter", "add", "trim"),
    ("enter", "trim"),
    ("enter", "flip"),
    ("enter", "flip", "close"),
    ("enter", "close", "enter"),
    ("enter", "close", "enter", "close"),
    ("enter", "add", "close", "enter", "trim"),
)
_STYLE_WEIGHTS = (26, 14, 6, 16, 8, 8, 6, 5, 3, 4, 3, 3)
_SIZES = (1, 2, 5, 5, 10, 10, 15, 20, 25, 25, 40, 50, 50, 75, 100, 100, 150, 200, 300, 500)
_HOURS = (2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 6, 8, 9, 10, 9, 8, 8, 9, 9, 10, 8, 5)
"""How awake the trader is, by hour of the day (UTC)."""

_MOST_AWAKE = max(_HOURS)
_BUDGET = 200 * DOLLAR * CONTRACT
_SPARE = DOLLAR * CONTRACT


class Clock(Protocol):
    """What lets the trader do something later."""

    def __call__(self, at: int, action: Callable[[int], None], /) -> None:
        """Have something done at a time."""


@dataclass(slots=True)
class Plan:
    """What the trader means to do in one market from one subaccount."""

    market: Market
    subaccount: int
    skill: float
    dice: Dice
    side: str = "yes"


class Trader:
    """Plans trades for all events of a listing, and makes them when their time comes.

    Args:
        name: The stream of chance.
        account: Where the orders go.
        later: The schedule.
        subaccounts: How many subaccounts there are; each further one is used from half a year later on.
        birth: When the account starts.
        now: The exchange's clock when it is built.
    """

    def __init__(self, name: str, *, account: Account, later: Clock, subaccounts: int, birth: int, now: int) -> None:
        self._name, self._account, self._later = name, account, later
        self._subaccounts, self._birth, self._now = subaccounts, birth, now

    def plan(self, listing: Listing, rounds: float) -> None:
        """Plan all trades.

        Args:
            listing: The world.
            rounds: How often the trader goes through each market, on average; at least 1.
        """
        for number, (event, kind) in enumerate(listing.events):
            dice = Dice(f"{self._name}/trades/{number}/{event.ticker}")
            for market in self._choose(event, dice):
                self._plan_market(market, kind, dice, rounds, current=event.ticker in listing.current)

    def _choose(self, event: Event, dice: Dice) -> list[Market]:
        start = max(event.markets[0].opens, self._birth)
        liked = [m for m in event.markets if 800 <= m.fair(start + HOUR) <= 9_200]  # noqa: PLR2004
        chosen: list[Market] = []
        for _ in range(dice.weighted((1, 2), (62, 38))):
            rest = [m for m in liked if m not in chosen]
            if rest:
                chosen.append(dice.pick(rest))
        return chosen

    def _plan_market(self, market: Market, kind: Kind, dice: Dice, rounds: float, *, current: bool) -> None:
        start = max(market.opens + MINUTE, self._birth + DAY)
        end = market.closes - MINUTE
        if start >= end:
            return
        plan = Plan(market, self._subaccount(kind, start, dice), kind.skill, Dice(dice.uuid()))
        steps = [step for _ in range(_whole(rounds, dice)) for step in dice.weighted(_STYLES, _STYLE_WEIGHTS)]
        times = sorted(self._awake(start, end, dice) for _ in steps)
        if current and times[0] > self._now:
            times[0] = self._awake(start, min(end, self._now), dice)
        for step, at in zip(steps, times, strict=True):
            self._later(at, partial(self._step, plan, step))
        if dice.chance(0.08):
            self._later(self._awake(start, end, dice), partial(self._rest, plan))

    def _subaccount(self, kind: Kind, start: int, dice: Dice) -> int:
        wanted = kind.subaccount if dice.chance(0.6) else dice.weighted((0, 1, 2), (90, 6, 4))
        there = min(self._subaccounts - 1, (start - self._birth) // (180 * DAY))
        return wanted if wanted <= there else 0

    def _awake(self, start: int, end: int, dice: Dice) -> int:
        for _ in range(12):
            at = start + int(dice.random() * (end - start))
            if dice.chance(_HOURS[at % DAY // HOUR] / _MOST_AWAKE):
                break
        return at

    def _step(self, plan: Plan, step: str, at: int) -> None:
        books = self._account.books.find(plan.subaccount, plan.market.ticker)
        net = books.net if books else 0
        held = "yes" if net > 0 else "no"
        other = "no" if net > 0 else "yes"
        if net == 0 and step in {"add", "trim", "close", "flip"}:
            return
        if step == "enter" and net == 0:
            plan.side = self._opinion(plan, at)
            self._trade(plan, plan.side, self._size(plan, plan.side, at), "buy", at)
        elif step in {"enter", "add"}:
            self._trade(plan, held, self._size(plan, held, at), "buy", at)
        elif step == "trim":
            part = self._round(plan, int(abs(net) * plan.dice.between(0.3, 0.7)))
            self._trade(plan, other, min(part, abs(net)), self._way_out(plan), at)
        elif step == "close":
            self._trade(plan, other, abs(net), self._way_out(plan), at)
        else:
            self._trade(plan, other, abs(net) + self._size(plan, other, at), "buy", at)

    def _rest(self, plan: Plan, at: int) -> None:
        """Offer a price that nobody takes, and cancel it after a while."""
        price = plan.market.market_price(at).bid - plan.dice.pick((300, 500, 800))
        if price > 0:
            order = self._account.order(
                plan.market,
                side="yes",
                action="buy",
                count=self._round(plan, plan.dice.pick(_SIZES) * CONTRACT),
                yes_price=price // 100 * 100,
                subaccount=plan.subaccount,
                at=at,
            )
            until = min(at + plan.dice.below(9 * DAY) + HOUR, plan.market.closes)
            self._later(until, partial(self._account.cancel, order))

    def _opinion(self, plan: Plan, at: int) -> str:
        fair = plan.market.fair(at)
        if plan.dice.chance(plan.skill):
            return "yes" if plan.market.value > fair else "no"
        return "yes" if plan.dice.chance(0.55) else "no"

    def _way_out(self, plan: Plan) -> str:
        return "sell" if plan.dice.chance(0.7) else "buy"

    def _round(self, plan: Plan, count: int) -> int:
        lot = plan.market.event.lot or CONTRACT
        return max(count // lot * lot, lot)

    def _size(self, plan: Plan, side: str, at: int) -> int:
        """Give the size of an order, in count units."""
        dice, yes = plan.dice, plan.market.fair(at)
        price = max(yes if side == "yes" else DOLLAR - yes, 100)
        count = min(dice.pick(_SIZES) * CONTRACT, int(_BUDGET * dice.between(0.1, 1.6)) // price)
        count = self._round(plan, count)
        if at >= FRACTIONAL_SINCE and plan.market.event.lot is None and dice.chance(0.5):
            count += dice.pick((25, 50, 50, 75, dice.below(99) + 1))
        return count

    def _trade(self, plan: Plan, side: str, count: int, action: str, at: int) -> None:
        market, dice = plan.market, plan.dice
        taker = dice.chance(0.6)
        quote = self._quote(market, at)
        yes_price = quote.ask if (side == "yes") == taker else quote.bid
        if not 0 < yes_price < DOLLAR or not self._affordable(plan, side, count, yes_price, at):
            return
        order = self._account.order(
            market, side=side, action=action, count=count, yes_price=yes_price, subaccount=plan.subaccount, at=at
        )
        parts = self._split(plan, count)
        if taker:
            for part in parts:
                self._execute(plan, order, part, at, taker=True)
            return
        when = at
        for part in parts:
            when = min(when + dice.below(9 * MINUTE) + SECOND, market.closes - 1)
            self._later(when, partial(self._execute, plan, order, part, taker=False))

    def _quote(self, market: Market, at: int) -> Quote:
        """Give the quote on the grid of the time: whole cents before ticks became finer."""
        bid, ask = market.market_price(at)
        if at < FRACTIONAL_SINCE:
            return Quote(bid // 100 * 100, min(-(-ask // 100) * 100, DOLLAR))
        return Quote(bid, ask)

    def _affordable(self, plan: Plan, side: str, count: int, yes_price: int, at: int) -> bool:
        shard = plan.market.event.series.exchange_index
        own = yes_price if side == "yes" else DOLLAR - yes_price
        books = self._account.books.find(plan.subaccount, plan.market.ticker)
        back = books.netted(side, count) * DOLLAR if books else 0
        need = own * count - back + 2 * count * 100 + _SPARE
        return self._account.fund(plan.subaccount, shard, need, at)

    def _split(self, plan: Plan, count: int) -> list[int]:
        lot = plan.market.event.lot or CONTRACT
        n = plan.dice.weighted((1, 2, 3, 4, 5), (45, 26, 16, 8, 5))
        parts: list[int] = []
        for _ in range(n - 1):
            part = int(count * plan.dice.between(0.1, 0.6)) // lot * lot
            if part and count - part >= lot:
                parts.append(part)
                count -= part
        return [*parts, count]

    def _execute(self, plan: Plan, order: Order, part: int, at: int, *, taker: bool) -> None:
        """Execute a part; what is no longer affordable is cancelled. Takers may walk up a tick."""
        price = order.yes_price
        if taker and order.filled and plan.dice.chance(0.35):
            tick = 100 if at < FRACTIONAL_SINCE else tick_at(plan.market.ticks, price)
            walked = price + (tick if order.side == "yes" else -tick)
            price = walked if 0 < walked < DOLLAR else price
        if order.status == "canceled" or not self._affordable(plan, order.side, part, price, at):
            self._account.cancel(order, at)
            return
        self._account.fill(plan.market, order, count=part, yes_price=price, taker=taker, at=at)


def _whole(rounds: float, dice: Dice) -> int:
    """Give a whole number that is ``rounds`` on average."""
    rest = rounds % 1.0
    return int(rounds) + (rest > 0.0 and dice.chance(rest))
