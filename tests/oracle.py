"""FIFO by hand: a plain loop over fills with exact fractions. It shares no code with the package.

Money in cents, quantities in contracts, both ``Fraction``. A fee is split at a millionth of a cent by
cumulative floors, as the design asks.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

MICRO = 1_000_000


@dataclass
class Fill:
    id: str
    ticker: str
    subaccount: int
    side: str
    quantity: Fraction
    price: Fraction
    fee: Fraction | None
    at: datetime


@dataclass
class Settlement:
    """Payout of one YES contract; None is void."""

    ticker: str
    subaccount: int
    payout: Fraction | None
    at: datetime


@dataclass
class Open:
    """What is left of a fill, and how much of the fill was used up before it."""

    fill: Fill
    left: Fraction
    used: Fraction
    position: str


@dataclass
class Books:
    lots: list[dict[str, Any]] = field(default_factory=list)
    legs: list[dict[str, Any]] = field(default_factory=list)


def fee_of(fill: Fill, start: Fraction, end: Fraction) -> Fraction | None:
    if fill.fee is None:
        return None
    units = fill.fee * MICRO
    return Fraction(floor(units * end / fill.quantity) - floor(units * start / fill.quantity), MICRO)


def side_price(yes_price: Fraction, side: str) -> Fraction:
    return yes_price if side == "yes" else 100 - yes_price


def run(fills: Iterable[Fill], settlements: Iterable[Settlement] = ()) -> Books:
    paid = {(s.ticker, s.subaccount): s for s in settlements}
    markets: dict[tuple[str, int], list[Fill]] = {}
    for fill in sorted(fills, key=lambda f: (f.at, f.id)):
        markets.setdefault((fill.ticker, fill.subaccount), []).append(fill)
    books = Books()
    for key, own in markets.items():
        _one_market(own, paid.get(key), books)
    books.legs.sort(key=lambda leg: (leg["at"], leg["id"], leg["leg"]))
    order = {fill.id: (fill.at, fill.id) for own in markets.values() for fill in own}
    books.lots.sort(key=lambda lot: order[lot["entry"]])
    return books


def _one_market(fills: list[Fill], settlement: Settlement | None, books: Books) -> None:
    held: deque[Open] = deque()
    for fill in fills:
        left, used, leg = fill.quantity, Fraction(0), 1
        if held and held[0].fill.side != fill.side:
            position, gain = held[0].position, Fraction(0)
            while left and held:
                piece = min(left, held[0].left)
                gain += _close(held, piece, fill, used, books)
                left, used = left - piece, used + piece
            net = sum((h.left for h in held), Fraction(0))
            after = net if fill.side == "no" else -net
            books.legs.append(_leg(fill, leg, position, "sell", Fraction(0), used, after, gain))
            leg = 2
        if left:
            position = held[0].position if held else f"{fill.ticker}/{fill.subaccount}/{fill.id}"
            held.append(Open(fill, left, used, position))
            net = sum((h.left for h in held), Fraction(0))
            after = net if fill.side == "yes" else -net
            books.legs.append(_leg(fill, leg, position, "buy", used, fill.quantity, after, None))
    for lot in held:
        _end(lot, settlement, books)


def _leg(
    fill: Fill, leg: int, position: str, action: str, a: Fraction, b: Fraction, after: Fraction, gain: Fraction | None
) -> dict[str, Any]:
    flips = {"yes": "no", "no": "yes"}
    side = fill.side if action == "buy" else flips[fill.side]
    price = fill.price if action == "buy" else 100 - fill.price
    return {
        "id": fill.id, "leg": leg, "position": position, "side": side, "action": action, "quantity": b - a,
        "price": price, "fee": fee_of(fill, a, b), "after": after, "gain": gain, "at": fill.at,
    }  # fmt: skip


def _close(held: deque[Open], piece: Fraction, fill: Fill, used: Fraction, books: Books) -> Fraction:
    lot = held[0]
    exit_price = 100 - fill.price
    gain = (exit_price - lot.fill.price) * piece
    books.lots.append(_lot(lot, piece, "trade", exit_price, gain, fee_of(fill, used, used + piece), fill.id, fill.at))
    lot.left -= piece
    lot.used += piece
    if not lot.left:
        held.popleft()
    return gain


def _end(lot: Open, settlement: Settlement | None, books: Books) -> None:
    if settlement is None:
        books.lots.append(_lot(lot, lot.left, "open", None, None, Fraction(0), None, None))
        return
    price = lot.fill.price if settlement.payout is None else side_price(settlement.payout, lot.fill.side)
    gain = (price - lot.fill.price) * lot.left
    books.lots.append(_lot(lot, lot.left, "settlement", price, gain, Fraction(0), None, settlement.at))


def _lot(
    lot: Open,
    piece: Fraction,
    kind: str,
    exit_price: Fraction | None,
    gain: Fraction | None,
    exit_fee: Fraction | None,
    exit_id: str | None,
    closed_at: datetime | None,
) -> dict[str, Any]:
    return {
        "position": lot.position, "ticker": lot.fill.ticker, "subaccount": lot.fill.subaccount,
        "side": lot.fill.side, "entry": lot.fill.id, "exit": exit_id, "kind": kind, "quantity": piece,
        "entry_price": lot.fill.price, "exit_price": exit_price,
        "entry_fee": fee_of(lot.fill, lot.used, lot.used + piece), "exit_fee": exit_fee, "gain": gain,
        "opened_at": lot.fill.at, "closed_at": closed_at,
    }  # fmt: skip


def average(fills: Iterable[Fill], settlement: Settlement | None = None) -> dict[str, Any]:
    """One market at average cost, in exact fractions and without any rounding.

    Gives ``realized`` (a list, one number per sale and settlement), ``cost`` (of what is held) and ``net``.
    """
    net = cost = Fraction(0)
    realized: list[Fraction | None] = []
    for fill in sorted(fills, key=lambda f: (f.at, f.id)):
        direction = 1 if fill.side == "yes" else -1
        left = fill.quantity
        if net * direction < 0:
            closing = min(left, abs(net))
            released = cost * closing / abs(net)
            realized.append(closing * (100 - fill.price) - released)
            cost -= released
            net += direction * closing
            left -= closing
        if left:
            cost += left * fill.price
            net += direction * left
    if settlement is not None and net:
        payout = settlement.payout
        paid = None if payout is None else abs(net) * (payout if net > 0 else 100 - payout)
        realized.append(Fraction(0) if paid is None else paid - cost)
        net = cost = Fraction(0)
    return {"realized": realized, "cost": cost, "net": net}
