"""The exchange's own exact books: what every figure of the ledger can be checked against.

They share no code with the ledger. Amounts are micro-dollars, counts are hundredths of a contract.
Average cost does not always terminate as a decimal: the books hold fractions, and only the rows that are
served are rounded, half to even at six decimals.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from kalshi_portfolio.simulation.amounts import BALANCE_STEP, CENT, DOLLAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kalshi_portfolio.simulation.records import Fill


@dataclass(slots=True)
class Position:
    """One market of one subaccount, from the first fill to the settlement.

    Attributes:
        net: Signed count: above 0 is YES, below 0 is NO.
        cost: Cost of what is held, at average cost, before fees.
        realized: Realised P&L at average cost, before fees; after settlement it includes the payout.
        yes_count: Contracts ever acquired on the YES side; ``no_count`` likewise.
        yes_cost: What they cost at the YES price; ``no_cost`` likewise.
        fees: All fees charged.
        flips: Fills that crossed zero.
        payout: Cash received at settlement.
        residue: What rounding that payout down to $0.0001 took.
    """

    subaccount: int
    ticker: str
    exchange_index: int
    net: int = 0
    cost: Fraction | int = 0
    realized: Fraction | int = 0
    fees: int = 0
    yes_count: int = 0
    no_count: int = 0
    yes_cost: int = 0
    no_cost: int = 0
    fills: int = 0
    flips: int = 0
    updated: int = 0
    settled: bool = False
    value: int = 0
    held: int = 0
    payout: int = 0
    residue: int = 0

    @property
    def traded(self) -> int:
        """What was spent on the market, both directions taken together."""
        return self.yes_cost + self.no_cost

    @property
    def revenue_cents(self) -> int:
        """The payout in whole cents, the rest cut off, as the settlement row shows it."""
        return self.payout // CENT

    @property
    def net_pnl(self) -> Fraction:
        """Realised P&L after all fees and the residue of the payout."""
        return Fraction(self.realized) - self.fees - self.residue

    @property
    def settlement_pnl(self) -> int:
        """P&L after fees by the formula of API 5.4, from what the settlement row shows, payout exact."""
        pairs = min(self.yes_count, self.no_count) * DOLLAR
        return self.payout + pairs - self.yes_cost - self.no_cost - self.fees

    def netted(self, side: str, count: int) -> int:
        """Say how much of a fill of this side nets away what is held."""
        opposite = self.net < 0 if side == "yes" else self.net > 0
        return min(count, abs(self.net)) if opposite else 0

    def principal(self, side: str, count: int, yes_price: int) -> int:
        """Give the signed cash of a fill before fees: a netted pair pays its dollar at once (API 4.5)."""
        own = yes_price if side == "yes" else DOLLAR - yes_price
        return self.netted(side, count) * DOLLAR - own * count

    def apply(self, fill: Fill) -> None:
        """Book one fill."""
        sign, own = (1, fill.yes_price) if fill.side == "yes" else (-1, DOLLAR - fill.yes_price)
        closed = self.netted(fill.side, fill.count)
        opened = fill.count - closed
        if closed:
            released = Fraction(self.cost * closed, abs(self.net))
            self.realized += closed * (DOLLAR - own) - released
            self.cost = self.cost - released if closed < abs(self.net) else 0
            self.flips += opened > 0
        self.cost += opened * own
        self.net += sign * fill.count
        if sign > 0:
            self.yes_count += fill.count
            self.yes_cost += fill.count * own
        else:
            self.no_count += fill.count
            self.no_cost += fill.count * own
        self.fees += fill.fee
        self.fills += 1
        self.updated = max(self.updated, fill.at)

    def settle(self, value: int, at: int) -> None:
        """Pay out what is left: YES gets ``value`` price units, NO the rest of a dollar (API 5.2, 5.3).

        A payout finer than $0.0001 is rounded down; the residue is kept apart as a settlement fee, and is
        not part of the row's ``fee_cost``, which repeats the trading fees.
        """
        exact = self.net * value if self.net > 0 else -self.net * (DOLLAR - value)
        self.residue = exact % BALANCE_STEP
        self.payout = exact - self.residue
        self.realized += exact - self.cost
        self.held, self.net, self.cost, self.value = self.net, 0, 0, value
        self.settled = True
        self.updated = at


class Books:
    """All positions and all cash."""

    def __init__(self) -> None:
        self._positions: dict[tuple[int, str], Position] = {}
        self._cash: defaultdict[tuple[int, int], int] = defaultdict(int)

    def position(self, subaccount: int, ticker: str) -> Position:
        """Give the books of one market of one subaccount.

        Raises:
            KeyError: It was never traded there.
        """
        return self._positions[subaccount, ticker]

    def find(self, subaccount: int, ticker: str) -> Position | None:
        """Give the books of one market of one subaccount, or None."""
        return self._positions.get((subaccount, ticker))

    def open(self, subaccount: int, ticker: str, exchange_index: int) -> Position:
        """Give the books of one market of one subaccount, new ones if there are none."""
        key = (subaccount, ticker)
        found = self._positions.get(key)
        if found is None:
            found = self._positions[key] = Position(subaccount, ticker, exchange_index)
        return found

    def positions(self, subaccount: int | None = None) -> Iterator[Position]:
        """Give all positions ever held, or those of one subaccount, in the order they were first traded."""
        return (p for p in self._positions.values() if subaccount is None or p.subaccount == subaccount)

    def credit(self, subaccount: int, exchange_index: int, micros: int) -> None:
        """Add to the cash of a subaccount on a shard; a negative amount takes away."""
        self._cash[subaccount, exchange_index] += micros

    def cash(self, subaccount: int | None = None, exchange_index: int | None = None) -> int:
        """Give cash in micro-dollars; None means all of them."""
        return sum(
            micros
            for (sub, shard), micros in self._cash.items()
            if subaccount in (None, sub) and exchange_index in (None, shard)
        )

    def accounts(self) -> list[tuple[int, int]]:
        """Give each (subaccount, shard) that ever held cash."""
        return sorted(self._cash)

    def net_pnl(self, subaccount: int | None = None) -> Fraction:
        """Give the realised P&L after all fees, in micro-dollars."""
        return sum((p.net_pnl for p in self.positions(subaccount)), Fraction(0))
