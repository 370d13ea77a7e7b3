"""The account at the exchange: takes orders, charges fees, moves cash, pays out, and keeps every record."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from kalshi_portfolio.simulation import rows
from kalshi_portfolio.simulation.amounts import CENT, DOLLAR
from kalshi_portfolio.simulation.books import Books
from kalshi_portfolio.simulation.fees import net_fee, trade_fee
from kalshi_portfolio.simulation.records import (
    Fill,
    InstanceTransfer,
    Movement,
    Order,
    Settlement,
    SubaccountTransfer,
)

if TYPE_CHECKING:
    from kalshi_portfolio.simulation.dice import Dice
    from kalshi_portfolio.simulation.world import Market

FillIndex = dict[tuple[int | None, int | None], list[Fill]]


class Account:
    """One member's account.

    Args:
        dice: Where identifiers come from.

    Attributes:
        fills: Fills by (subaccount, shard), None standing for all; each list in order of time.
        holders: The subaccounts that ever traded a market.
        cash_updated: When cash last changed, per (subaccount, shard).
    """

    def __init__(self, dice: Dice) -> None:
        self._dice = dice
        self.user_id = dice.uuid()
        self.books = Books()
        self.fills: FillIndex = defaultdict(list)
        self.fills_of: defaultdict[str, list[Fill]] = defaultdict(list)
        self.orders: dict[str, Order] = {}
        self.holders: defaultdict[str, list[int]] = defaultdict(list)
        self.settlements: list[Settlement] = []
        self.movements: list[Movement] = []
        self.subaccount_transfers: list[SubaccountTransfer] = []
        self.instance_transfers: list[InstanceTransfer] = []
        self.cash_updated: dict[tuple[int, int], int] = {}
        self._unsorted = False

    def order(
        self, market: Market, *, side: str, action: str, count: int, yes_price: int, subaccount: int, at: int
    ) -> Order:
        """Take an order; it rests until it is filled."""
        order = Order(
            self._dice.uuid(),
            self._dice.uuid(),
            market.ticker,
            subaccount,
            market.event.series.exchange_index,
            side,
            action,
            yes_price,
            count,
            at,
            at,
            "resting",
        )
        self.orders[order.order_id] = order
        return order

    def cancel(self, order: Order, at: int) -> None:
        """Cancel what is left of an order."""
        if order.status == "resting":
            order.status, order.updated = "canceled", at

    def fill(self, market: Market, order: Order, *, count: int, yes_price: int, taker: bool, at: int) -> Fill:
        """Execute a part of an order: charge the fee, move cash, and book it."""
        books = self.books.find(order.subaccount, market.ticker)
        if books is None:
            books = self.books.open(order.subaccount, market.ticker, order.exchange_index)
            self.holders[market.ticker].append(order.subaccount)
        terms = market.event.series.terms_at(at)
        fee = trade_fee(
            fee_type=terms.fee_type, multiplier=terms.multiplier, count=count, yes_price=yes_price, taker=taker
        )
        principal = books.principal(order.side, count, yes_price)
        fee = net_fee(order, principal, fee)
        fill = Fill(
            (at, self._fill_id(market.ticker, at)),
            order.order_id,
            market.ticker,
            order.subaccount,
            order.exchange_index,
            order.side,
            order.action,
            count,
            yes_price,
            taker,
            fee,
            principal - fee,
        )
        fill.body = rows.fill(fill)
        self._note_order(order, fill)
        books.apply(fill)
        self._credit(order.subaccount, order.exchange_index, fill.cash, at)
        self._keep(fill)
        return fill

    def settle(self, market: Market, at: int) -> None:
        """Pay out a market to all who ever traded it, those included who left it before."""
        for subaccount in self.holders.get(market.ticker, ()):
            books = self.books.position(subaccount, market.ticker)
            books.settle(market.value, at)
            self._credit(subaccount, books.exchange_index, books.payout, at)
            self.settlements.append(
                Settlement(
                    market.ticker,
                    market.event.ticker,
                    subaccount,
                    books.exchange_index,
                    market.result,
                    market.value,
                    books.yes_count,
                    books.no_count,
                    books.yes_cost,
                    books.no_cost,
                    books.payout,
                    books.residue,
                    books.fees,
                    at,
                )
            )

    def announce(self, kind: str, *, amount_cents: int, fee_cents: int, method: str, at: int) -> Movement:
        """Take note of a deposit or withdrawal that is still pending."""
        movement = Movement(kind, self._dice.uuid(), method, amount_cents, fee_cents, at)
        self.movements.append(movement)
        return movement

    def finalize(self, movement: Movement, status: str, at: int) -> None:
        """Bring a deposit or withdrawal to an end; only ``applied`` moves cash, and ``returned`` takes it back."""
        effect = (movement.amount_cents - movement.fee_cents) * CENT
        if movement.kind == "withdrawal":
            effect = -movement.amount_cents * CENT
        moved = movement.status == "applied"
        movement.status, movement.finalized = status, at
        change = (effect if status == "applied" else 0) - (effect if moved else 0)
        if change:
            self._credit(0, 0, change, at)

    def move_between(self, source: int, target: int, *, cents: int, exchange_index: int, at: int) -> None:
        """Move cash between two subaccounts of a shard."""
        self.subaccount_transfers.append(
            SubaccountTransfer(self._dice.uuid(), source, target, cents, at, exchange_index)
        )
        self._credit(source, exchange_index, -cents * CENT, at)
        self._credit(target, exchange_index, cents * CENT, at)

    def move_shards(self, source: int, target: int, *, micros: int, at: int) -> None:
        """Move cash of the primary subaccount between shards."""
        self._instance("event_contract", "event_contract", source, target, micros, at)
        self._credit(0, source, -micros, at)
        self._credit(0, target, micros, at)

    def move_margined(self, micros: int, at: int) -> None:
        """Move cash of the primary subaccount to the margined exchange, or back if the amount is negative."""
        ends = ("event_contract", "margined") if micros > 0 else ("margined", "event_contract")
        self._instance(*ends, 0, 0, abs(micros), at)
        self._credit(0, 0, -micros, at)

    def sort(self) -> None:
        """Bring fills into order of time, if a script added some out of order."""
        if self._unsorted:
            for listed in (*self.fills.values(), *self.fills_of.values()):
                listed.sort(key=lambda f: f.key)
            self._unsorted = False

    def fund(self, subaccount: int, exchange_index: int, need: int, at: int) -> bool:
        """See to it that a subaccount has cash on a shard, moving some there from the primary one.

        Args:
            subaccount: Whose cash.
            exchange_index: On which shard.
            need: Micro-dollars that must be there.
            at: When.

        Returns:
            Whether it has them now. Nothing is moved if not.
        """
        have = self.books.cash(subaccount, exchange_index)
        if have >= need:
            return True
        step = 250 * DOLLAR * 100
        lack = -(-(need - have) // step) * step
        if subaccount:
            if not self.fund(0, exchange_index, lack, at):
                return False
            self.move_between(0, subaccount, cents=lack // CENT, exchange_index=exchange_index, at=at)
            return True
        if exchange_index == 0 or self.books.cash(0, 0) < lack:
            return False
        self.move_shards(0, exchange_index, micros=lack, at=at)
        return True

    def _fill_id(self, ticker: str, at: int) -> str:
        """Give an id above those of the same microsecond, so that (time, id) is the order of booking."""
        fill_id = self._dice.uuid()
        for listed in (self.fills[None, None], self.fills_of[ticker]):
            if listed and listed[-1].at == at and listed[-1].fill_id > fill_id:
                fill_id = f"{min(int(listed[-1].fill_id[:8], 16) + 1, 0xFFFFFFFF):08x}{fill_id[8:]}"
        return fill_id

    def _note_order(self, order: Order, fill: Fill) -> None:
        own = fill.yes_price if fill.side == "yes" else DOLLAR - fill.yes_price
        if fill.is_taker:
            order.taker_cost += own * fill.count
            order.taker_fees += fill.fee
        else:
            order.maker_cost += own * fill.count
            order.maker_fees += fill.fee
        order.filled += fill.count
        order.updated = fill.at
        if order.filled >= order.count:
            order.status = "executed"

    def _keep(self, fill: Fill) -> None:
        everything = self.fills[None, None]
        self._unsorted = self._unsorted or bool(everything and everything[-1].key > fill.key)
        sub, shard = fill.subaccount, fill.exchange_index
        for key in ((None, None), (sub, None), (None, shard), (sub, shard)):
            self.fills[key].append(fill)
        self.fills_of[fill.ticker].append(fill)

    def _credit(self, subaccount: int, exchange_index: int, micros: int, at: int) -> None:
        self.books.credit(subaccount, exchange_index, micros)
        self.cash_updated[subaccount, exchange_index] = at

    def _instance(self, source: str, target: str, from_shard: int, to_shard: int, micros: int, at: int) -> None:
        self.instance_transfers.append(
            InstanceTransfer(self._dice.uuid(), source, target, from_shard, to_shard, micros, at)
        )
