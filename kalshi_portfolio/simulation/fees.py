"""What a fill costs: the exchange's fee formula and its rounding (API 7.1 and 7.2).

The present rules are applied to all years; the exchange's older rounding is not imitated.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from kalshi_portfolio.simulation.amounts import BALANCE_STEP, DOLLAR

if TYPE_CHECKING:
    from kalshi_portfolio.simulation.records import Order

_TAKER = Fraction(7, 100)
_MAKER_SHARE = {
    "quadratic": Fraction(0),
    "quadratic_with_maker_fees": Fraction(1, 4),
    "quadratic_with_combo_maker_fees": Fraction(1, 2),
}
FEE_TYPES = tuple(_MAKER_SHARE)


def trade_fee(*, fee_type: str, multiplier: Fraction, count: int, yes_price: int, taker: bool) -> int:
    """Give the model fee, rounded up to a micro-dollar.

    Args:
        fee_type: One of :data:`FEE_TYPES`.
        multiplier: The series' multiplier at that time.
        count: Count units.
        yes_price: Price units.
        taker: Whether the order removed liquidity.

    Returns:
        Micro-dollars.

    Examples:
        >>> trade_fee(fee_type="quadratic", multiplier=Fraction(1), count=100, yes_price=550, taker=True)
        3639
    """
    rate = multiplier * (_TAKER if taker else _TAKER * _MAKER_SHARE[fee_type])
    top = rate.numerator * count * yes_price * (DOLLAR - yes_price)
    return -(-top // (rate.denominator * DOLLAR))


def net_fee(order: Order, principal: int, fee: int) -> int:
    """Give what a fill is charged after rounding and rebate; the order keeps the rest.

    The balance changes in steps of $0.0001, rounded against the member. What the rounding takes is collected
    per order and given back once it holds a step, as far as the fill's fee reaches.

    Args:
        order: The order; its ``residue`` is updated.
        principal: Signed micro-dollars of the fill before fees, negative when paying.
        fee: The trade fee in micro-dollars.

    Returns:
        Micro-dollars, at least 0; ``principal`` minus it is a multiple of $0.0001.
    """
    rounding = (principal - fee) % BALANCE_STEP
    order.residue += rounding
    rebate = min(order.residue, fee + rounding) // BALANCE_STEP * BALANCE_STEP
    order.residue -= rebate
    return fee + rounding - rebate
