"""One event of a series with its markets: tickers, titles, strikes, the path and what comes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from fractions import Fraction
from typing import TYPE_CHECKING

from kalshi_portfolio.simulation.amounts import HOUR, MINUTE, moment
from kalshi_portfolio.simulation.world import Event, Market, Path, Series, Terms

if TYPE_CHECKING:
    from datetime import date

    from kalshi_portfolio.simulation.catalogue import Kind
    from kalshi_portfolio.simulation.dice import Dice

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_NODES = 24
_NIGHT = 6
_ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Option:
    """What tells one market of an event from the others."""

    suffix: str
    label: str
    other: str
    low: float | None
    high: float | None
    floor: float | None = None
    cap: float | None = None
    strike_type: str = "custom"


def new_series(kind: Kind) -> Series:
    """Give the series of a kind; a halved fee ends on its day."""
    terms: tuple[Terms, ...] = (Terms(0, kind.fee_type, _ONE),)
    if kind.halved_until:
        until = moment(datetime.fromisoformat(kind.halved_until).replace(tzinfo=UTC))
        terms = (Terms(0, kind.fee_type, Fraction(1, 2)), Terms(until, kind.fee_type, _ONE))
    return Series(kind.ticker, kind.title, kind.category, kind.exchange_index, kind.tags, kind.frequency, terms)


def closing_time(kind: Kind, day: date) -> int:
    """Give when an event of this day closes; what closes in the night belongs to the day before."""
    later = timedelta(days=1 if kind.closes < _NIGHT else 0)
    return moment(datetime.combine(day + later, time(kind.closes), tzinfo=UTC))


def new_event(kind: Kind, series: Series, day: date, *, level: float, dice: Dice, closes: int | None = None) -> Event:
    """Make an event with its markets, their prices and results.

    Args:
        kind: How events of the series come about.
        series: The series.
        day: The day it is about.
        level: Where its quantity starts.
        dice: The event's own stream of chance.
        closes: When it closes, if not at the usual time.

    Returns:
        The event; it is not listed yet.
    """
    closes = closing_time(kind, day) if closes is None else closes
    opens = closes - kind.life * HOUR
    start = dice.between(-0.9, 0.9) if kind.form == "match" else level + 0.3 * kind.sigma * dice.normal()
    first, second = _pair(kind, dice)
    when, ticker = _when(kind, day), _event_ticker(kind, day, first, second)
    words = {"when": when, "a": first[1], "b": second[1], "name": f"{first[1]} {second[1]}"}
    event = Event(
        ticker,
        series,
        kind.event.format(**words),
        when,
        kind.collateral,
        kind.collateral == "MECNET",
        closes,
        _path(start, opens, closes, kind.sigma, dice),
    )
    determined = closes + int(kind.settles * MINUTE * dice.between(0.8, 1.6))
    settled = determined + int(dice.between(5, 40) * MINUTE) + dice.below(1_000_000)
    for option in _options(kind, start, first, second, dice):
        title = kind.market.format(label=_sentence(option.label), **words)
        event.markets.append(
            Market(
                f"{ticker}-{option.suffix}", event, title, option.label, option.other, opens, closes,
                option.low, option.high, option.floor, option.cap, option.strike_type, kind.ticks,
                determined, settled, half=dice.pick((50, 50, 100, 100, 150)),
                empty=dice.weighted(("", "bid", "ask"), (88, 6, 6)), depth=dice.below(4_000_000) + 50_000,
            )
        )  # fmt: skip
    _resolve(event, kind)
    return event


def _path(start: float, opens: int, closes: int, sigma: float, dice: Dice) -> Path:
    stride = sigma / math.sqrt(_NODES)
    nodes = [start]
    for _ in range(_NODES):
        nodes.append(nodes[-1] + stride * dice.normal())
    return Path(opens, closes, tuple(nodes), sigma)


def _resolve(event: Event, kind: Kind) -> None:
    assert event.path is not None  # noqa: S101  (new_event has just made it)
    final = event.path.nodes[-1]
    for market in event.markets:
        won = event.path.probability(market.low, market.high, event.path.closes) > 0.5  # noqa: PLR2004
        market.result, market.value = ("yes", 10_000) if won else ("no", 0)
        market.outcome = "" if kind.form in {"match", "field"} else f"{final:.{max(kind.digits, 1)}f}"
    if kind.form in {"match", "field"}:
        winner = next((m.yes_label for m in event.markets if m.result == "yes"), "")
        for market in event.markets:
            market.outcome = winner


def _pair(kind: Kind, dice: Dice) -> tuple[tuple[str, str], tuple[str, str]]:
    if not kind.names:
        return ("", ""), ("", "")
    half = len(kind.names) // 2
    first, second = dice.pick(kind.names[:half]), dice.pick(kind.names[half:])
    return (first, second) if kind.form != "match" or dice.chance(0.5) else (second, first)


def _when(kind: Kind, day: date) -> str:
    if kind.code == "month":
        shown = day
        if kind.category == "Economics" and kind.frequency == "monthly":
            shown = day.replace(day=1) - timedelta(days=1)
        return f"{_MONTHS[shown.month - 1].title()} {shown.year}"
    hour = " at 5pm EDT" if kind.code == "hour" else ""
    return f"{_MONTHS[day.month - 1].title()} {day.day}, {day.year}{hour}"


def _event_ticker(kind: Kind, day: date, first: tuple[str, str], second: tuple[str, str]) -> str:
    code = f"{day.year % 100:02d}{_MONTHS[day.month - 1]}"
    if kind.code == "month":
        return f"{kind.ticker}-{code}"
    code += f"{day.day:02d}"
    if kind.code == "hour":
        code += "17"
    if kind.form == "match" or kind.ticker == "KXRT":
        code += first[0] + second[0]
    return f"{kind.ticker}-{code}"


def _sentence(label: str) -> str:
    head = label.split(" ", 1)[0]
    return label[0].lower() + label[1:] if head in {"Above", "Below"} else label


def _number(kind: Kind, value: float) -> str:
    return kind.unit.format(f"{value:,.{kind.digits}f}")


def _options(kind: Kind, start: float, first: tuple[str, str], second: tuple[str, str], dice: Dice) -> list[Option]:
    if kind.form == "match":
        return [
            Option(first[0], first[1], first[1], 0.0, None),
            Option(second[0], second[1], second[1], None, 0.0),
        ]
    if kind.form == "field":
        return _field(kind, dice)
    nearest = round(start / kind.step)
    return _ladder(kind, nearest, dice) if kind.form == "ladder" else _brackets(kind, nearest)


def _ladder(kind: Kind, nearest: int, dice: Dice) -> list[Option]:
    options = []
    for k in range(nearest - 2, nearest + 2 + dice.below(2)):
        strike = k * kind.step - kind.offset
        if strike < 0:
            continue
        shown = _number(kind, strike)
        code = f"T{strike:.{kind.digits}f}"
        options.append(Option(code, f"Above {shown}", f"{shown} or below", strike, None, strike, None, "greater"))
    return options


def _brackets(kind: Kind, nearest: int) -> list[Option]:
    step = int(kind.step)
    edges = [(nearest + i) * step for i in range(-2, 3)]
    first, last = edges[0], edges[-1]
    below, above = _number(kind, first - 1), _number(kind, last)
    options = [
        Option(f"T{first}", f"{below} or below", f"Above {below}", None, first - 0.5, None, float(first), "less")
    ]
    for edge in edges[:-1]:
        top = edge + step - 1
        label = f"{_number(kind, edge)} to {_number(kind, top)}"
        middle = f"{(edge + top) / 2:.1f}".removesuffix(".0")
        options.append(
            Option(f"B{middle}", label, f"Not {label}", edge - 0.5, top + 0.5, float(edge), float(top), "between")
        )
    tail = Option(
        f"T{last - 1}", f"{above} or above", f"Below {above}", last - 0.5, None, float(last - 1), None, "greater"
    )
    return [*options, tail]


def _field(kind: Kind, dice: Dice) -> list[Option]:
    n = len(kind.names)
    turn = dice.below(n)
    options = []
    for i in range(n):
        code, name = kind.names[(i + turn) % n]
        low = None if i == 0 else (i - n / 2) * kind.step
        high = None if i == n - 1 else (i + 1 - n / 2) * kind.step
        options.append(Option(code, name, name, low, high))
    return options
