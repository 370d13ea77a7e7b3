"""The world of the demo account: which events there were, are and will be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from kalshi_portfolio.simulation.amounts import CONTRACT, DAY, DOLLAR, HOUR, MINUTE, at_time
from kalshi_portfolio.simulation.catalogue import COMBO, KINDS
from kalshi_portfolio.simulation.dice import Dice
from kalshi_portfolio.simulation.occasions import closing_time, new_event, new_series
from kalshi_portfolio.simulation.world import Event, Market, World

if TYPE_CHECKING:
    from datetime import date

    from kalshi_portfolio.simulation.catalogue import Kind
    from kalshi_portfolio.simulation.world import Series

_SEASONS = {
    "KXMLBGAME": (4, 5, 6, 7, 8, 9, 10),
    "KXNBAGAME": (1, 2, 3, 4, 5, 11, 12),
    "KXNFLGAME": (1, 9, 10, 11, 12),
    "KXGDP": (1, 4, 7, 10),
}
_DUE_DAY = {"KXFED": 17, "KXCPI": 12, "KXPAYROLLS": 5, "KXGDP": 29}
_MONTH_END = 27
_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_SCALAR_VALUES = (3060, 5000, 3700, 4120, 100)
_SCALAR_EVERY, _SCALAR_FIRST = 26, 2
_SUBCENT_LOT = 50 * CONTRACT
_NOW_OPEN = (
    *("KXFED", "KXFED", "KXCPI", "KXPAYROLLS", "KXGDP", "KXRAINNYCM", "KXAPRVL", "KXAPRVL", "KXBILLS", "KXRT"),
    *("KXRT", "KXTOPSONG", "KXTOPMODEL", "KXLAUNCHES", "KXNFLGAME", "KXNFLGAME", "KXNFLGAME", "KXNBAGAME"),
    *("KXNBAGAME", "KXATPMATCH", "KXATPMATCH", "KXHIGHNY", "KXBTCD", "KXINX"),
)
"""Series with events that are open now, once per event."""

_JUST_CLOSED = (
    ("KXATPMATCH", 3 * HOUR, None),
    ("KXETHD", 2 * HOUR, None),
    ("KXNBAGAME", 6 * HOUR, 40 * MINUTE),
    ("KXWTI", 5 * HOUR, 20 * MINUTE),
)
"""(series, closed so long ago, determined so long ago or not yet)."""


@dataclass(slots=True)
class Listing:
    """The world and which of its events the trader looks at, in order of closing.

    Attributes:
        current: Tickers of the events that the trader must have entered before now.
    """

    world: World
    events: list[tuple[Event, Kind]] = field(default_factory=list)
    current: set[str] = field(default_factory=set)


class Generator:
    """Lists the events of the demo account.

    Args:
        name: The stream of chance.
        birth: When the account starts, in microseconds.
        now: The exchange's clock.
        horizon: How far the future is written.
    """

    def __init__(self, name: str, *, birth: int, now: int, horizon: int) -> None:
        self._name, self._birth, self._now, self._horizon = name, birth, now, horizon
        self._listing = Listing(World())
        self._kinds = {kind.ticker: kind for kind in KINDS}
        self._levels = {kind.ticker: self._walk(kind) for kind in KINDS}

    def run(self, events: int) -> Listing:
        """List about this many events, and those around now.

        Args:
            events: How many events the trader looks at over all.

        Returns:
            The world.
        """
        dice = Dice(f"{self._name}/dates")
        weights = [kind.weight for kind in KINDS]
        for _ in range(events):
            kind = dice.weighted(KINDS, weights)
            day = self._due(kind, at_time(int(dice.between(self._birth + 2 * DAY, self._horizon))).date())
            if self._in_range(closing_time(kind, day)):
                self._list(kind, day)
        self._list_current(dice)
        self._list_closed()
        listing = self._listing
        listing.events.sort(key=lambda pair: (pair[0].markets[0].closes, pair[0].ticker))
        self._make_scalars()
        self._list_combos(max(events // 25, 4))
        return listing

    def _in_range(self, closes: int) -> bool:
        return self._birth + DAY < closes < self._horizon

    def _due(self, kind: Kind, day: date) -> date:
        """Move a day to the next one on which this kind of event happens."""
        months = _SEASONS.get(kind.ticker)
        if months and day.month not in months:
            day = day.replace(month=min(months, key=lambda m: ((m - day.month) % 12, m)), day=15)
        if kind.code == "month":
            return day.replace(day=_DUE_DAY.get(kind.ticker, _MONTH_END))
        if kind.frequency == "weekly":
            target = _SUNDAY if kind.category == "Sports" else _FRIDAY
            return day + timedelta(days=(target - day.weekday()) % 7)
        if kind.category == "Financials" and day.weekday() >= _SATURDAY:
            return day + timedelta(days=7 - day.weekday())
        return day

    def _walk(self, kind: Kind) -> list[float]:
        """Give the level of a kind at each month since the account's birth."""
        dice, at, levels = Dice(f"{self._name}/levels/{kind.ticker}"), 0.0, []
        for _ in range((self._horizon - self._birth) // (30 * DAY) + 4):
            levels.append(at * kind.swing)
            at = 0.85 * at + 0.5 * dice.normal()
        return levels

    def _level(self, kind: Kind, day: date) -> float:
        base = kind.level[(day.month - 1) % len(kind.level)]
        start = at_time(self._birth).date()
        month, rest = divmod(max((day - start).days, 0), 30)
        levels = self._levels[kind.ticker]
        low, high = levels[min(month, len(levels) - 1)], levels[min(month + 1, len(levels) - 1)]
        return base + low + (high - low) * rest / 30

    def _list(self, kind: Kind, day: date, *, closes: int | None = None) -> Event | None:
        """List an event, unless one of that name is listed."""
        world = self._listing.world
        dice = Dice(f"{self._name}/events/{kind.ticker}/{day.isoformat()}/{len(world.events)}")
        series = world.series.get(kind.ticker) or new_series(kind)
        event = new_event(kind, series, day, level=self._level(kind, day), dice=dice, closes=closes)
        if event.ticker in world.events or not event.markets:
            return None
        world.add(event)
        self._listing.events.append((event, kind))
        return event

    def _list_current(self, dice: Dice) -> None:
        """List events that are open now, long enough for the trader to hold something in them."""
        today = at_time(self._now).date()
        for ticker in _NOW_OPEN:
            kind = self._kinds[ticker]
            reach = min(max(kind.life // 24, 2), 70)
            day = self._due(kind, today + timedelta(days=1 + dice.below(reach)))
            closes = closing_time(kind, day)
            if closes <= self._now + HOUR:
                continue
            event = self._list(kind, day)
            if event is None:
                continue
            self._listing.current.add(event.ticker)
            for market in event.markets:
                market.opens = min(market.opens, self._now - 2 * DAY)

    def _list_closed(self) -> None:
        """List events that have just closed: some without a result, some with one but not paid out."""
        today = at_time(self._now).date()
        for ticker, ago, known in _JUST_CLOSED:
            event = self._list(self._kinds[ticker], today, closes=self._now - ago)
            if event is None:
                continue
            self._listing.current.add(event.ticker)
            for market in event.markets:
                market.determined = self._now + HOUR if known is None else self._now - known
                market.settled = market.determined + 3 * HOUR

    def _make_scalars(self) -> None:
        """Let a few matches end without a winner: they pay a fair value.

        Orders in them come in lots, so that every payout is in whole cents and the account reconciles to
        the last digit; the row's ``revenue`` could not show less than a cent.
        """
        matches = [
            event
            for event, kind in reversed(self._listing.events)
            if kind.form == "match" and event.ticker not in self._listing.current
        ]
        past = [e for e in matches if e.markets[0].closes < self._now - DAY]
        for i, event in enumerate(past[_SCALAR_FIRST::_SCALAR_EVERY]):
            value = _SCALAR_VALUES[i % len(_SCALAR_VALUES)]
            event.lot = CONTRACT if value % 100 == 0 else _SUBCENT_LOT
            for market, worth in zip(event.markets, (value, DOLLAR - value), strict=True):
                market.result, market.value, market.outcome = "scalar", worth, "Cancelled"

    def _list_combos(self, wanted: int) -> None:
        """List combinations: markets that pay only if all their legs come true."""
        dice = Dice(f"{self._name}/combos")
        matches = [e for e, kind in self._listing.events if kind.form == "match" and e.lot is None]
        series = new_series(COMBO)
        for _ in range(wanted):
            i = dice.below(max(len(matches) - 3, 1))
            near = [e for e in matches[i : i + 4] if e.markets[0].opens < matches[i].markets[0].closes - HOUR]
            if len(near) > 1:
                combo = _combo([dice.pick(e.markets) for e in near], dice, series)
                self._listing.world.add(combo)
                self._listing.events.append((combo, COMBO))


def _combo(legs: list[Market], dice: Dice, series: Series) -> Event:
    title = ",".join(f"yes {leg.yes_label}" for leg in legs)
    ticker = f"{COMBO.ticker}-S{dice.uuid()[:13].replace('-', '').upper()}"
    opens = max(leg.opens for leg in legs)
    closes = max(leg.closes for leg in legs)
    event = Event(ticker, series, "Combo", "", strike_date=closes, combo=True)
    known = [leg.determined for leg in legs if leg.determined is not None]
    determined = max(known) + 5 * MINUTE
    won = all(leg.result == "yes" for leg in legs)
    event.markets.append(
        Market(
            f"{ticker}-{dice.uuid()[:11].replace('-', '').upper()}", event, title, title, title, opens, closes,
            ticks=COMBO.ticks, determined=determined, settled=determined + 10 * MINUTE,
            result="yes" if won else "no", value=DOLLAR if won else 0, half=63, depth=90_000,
            legs=tuple(legs), leg_sides=("yes",) * len(legs),
        )
    )  # fmt: skip
    return event
