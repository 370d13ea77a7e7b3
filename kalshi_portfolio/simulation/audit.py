"""The exchange's own audit: the books against the records they were made of."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from kalshi_portfolio.simulation.amounts import BALANCE_STEP, CENT, DOLLAR

if TYPE_CHECKING:
    from kalshi_portfolio.simulation.account import Account
    from kalshi_portfolio.simulation.books import Position
    from kalshi_portfolio.simulation.world import World

Purse = tuple[int, int]


def verify(account: Account, world: World) -> None:
    """Check every figure of the books.

    Args:
        account: The account.
        world: Where its markets are.

    Raises:
        AssertionError: A figure does not add up.
    """
    _verify_cash(account)
    payouts = {(s.subaccount, s.ticker): s for s in account.settlements}
    for position in account.books.positions():
        name = f"{position.ticker}/{position.subaccount}"
        _verify_position(account, position, name)
        settlement = payouts.get((position.subaccount, position.ticker))
        _expect(f"{name} settled", position.settled, settlement is not None)
        if settlement is not None:
            _expect(f"{name} payout", position.payout, settlement.payout)
            _expect(f"{name} settlement P&L", position.settlement_pnl, position.net_pnl)
            _expect(f"{name} result", settlement.value, world.markets[position.ticker].value)
    for order in account.orders.values():
        _expect(f"order {order.order_id} overfilled", max(order.filled - order.count, 0), 0)


def _verify_position(account: Account, position: Position, name: str) -> None:
    fills = [f for f in account.fills_of[position.ticker] if f.subaccount == position.subaccount]
    yes = sum(f.count for f in fills if f.side == "yes")
    no = sum(f.count for f in fills if f.side == "no")
    yes_cost = sum(f.count * f.yes_price for f in fills if f.side == "yes")
    no_cost = sum(f.count * (DOLLAR - f.yes_price) for f in fills if f.side == "no")
    _expect(f"{name} counts", (position.yes_count, position.no_count), (yes, no))
    _expect(f"{name} costs", (position.yes_cost, position.no_cost), (yes_cost, no_cost))
    _expect(f"{name} net", position.held if position.settled else position.net, yes - no)
    _expect(f"{name} fees", position.fees, sum(f.fee for f in fills))
    cash = sum(f.cash for f in fills)
    booked = position.realized - position.cost - position.fees - position.residue
    _expect(f"{name} cash", cash + position.payout, booked)
    if position.net == 0:
        _expect(f"{name} exposure", position.cost, 0)
    for fill in fills:
        if fill.fee < 0 or fill.cash % BALANCE_STEP:
            raise AssertionError(f"{name}: fill {fill.fill_id} has fee {fill.fee} and cash {fill.cash}.")


def _verify_cash(account: Account) -> None:
    expected = _transferred(account)
    for fill in account.fills[None, None]:
        expected[fill.subaccount, fill.exchange_index] += fill.cash
    for settlement in account.settlements:
        expected[settlement.subaccount, settlement.exchange_index] += settlement.payout
    for purse in {*expected, *account.books.accounts()}:
        _expect(f"cash of {purse}", account.books.cash(*purse), expected[purse])


def _transferred(account: Account) -> defaultdict[Purse, int]:
    """Give what deposits, withdrawals and transfers left in each purse."""
    purses: defaultdict[Purse, int] = defaultdict(int)
    for movement in account.movements:
        if movement.status == "applied":
            arrived = (movement.amount_cents - movement.fee_cents) * CENT
            purses[0, 0] += arrived if movement.kind == "deposit" else -movement.amount_cents * CENT
    for transfer in account.subaccount_transfers:
        purses[transfer.source, transfer.exchange_index] -= transfer.amount_cents * CENT
        purses[transfer.target, transfer.exchange_index] += transfer.amount_cents * CENT
    for move in account.instance_transfers:
        if move.source == "event_contract":
            purses[0, move.source_shard] -= move.amount
        if move.target == "event_contract":
            purses[0, move.target_shard] += move.amount
    return purses


def _expect(what: str, came: object, expected: object) -> None:
    if came != expected:
        raise AssertionError(f"{what}: expected {expected}, the books say {came}.")
