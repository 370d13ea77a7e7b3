"""Linking: one call, and each frame computed when it is first asked for."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from kalshi_portfolio.ledger.average import disposals, dress_disposals, other_than_fifo
from kalshi_portfolio.ledger.axis import Axis, line_up
from kalshi_portfolio.ledger.legs import dress_trades, make_legs
from kalshi_portfolio.ledger.lots import DRESSING, dress_lots, position_ids
from kalshi_portfolio.ledger.match import match
from kalshi_portfolio.ledger.positions import dress_positions

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Linked:
    """Trades linked to positions. Each frame is computed once, when it is first asked for.

    Attributes:
        axis: Fills and settlements, numbered and lined up.
        settled: Rows of ``schema.SETTLED``.
        judged: Rows of ``schema.JUDGED``.
        markets: Rows of ``schema.MARKETS``.
    """

    axis: Axis = field(repr=False)
    settled: pl.DataFrame | None = field(default=None, repr=False)
    judged: pl.DataFrame | None = field(default=None, repr=False)
    markets: pl.DataFrame | None = field(default=None, repr=False)

    @cached_property
    def lots(self) -> pl.DataFrame:
        """One row per lot, ``schema.LOTS``, by ``opened_at, entry_trade_id``, then sequence of disposal."""
        return dress_lots(self.axis, self._matched, self._ids)

    @cached_property
    def trades(self) -> pl.DataFrame:
        """One row per trade leg, ``schema.TRADES``, by ``executed_at, kalshi_trade_id, leg``."""
        return dress_trades(self.axis, self._legs, self._matched, self._ids)

    @cached_property
    def positions(self) -> pl.DataFrame:
        """One row per position, ``schema.POSITIONS``, by ``opened_at, position_id``; not marked yet."""
        return self._positions()

    @cached_property
    def average_positions(self) -> pl.DataFrame:
        """The positions at average cost: those sold in part, then open or void, differ from :attr:`positions`."""
        return self._positions(other_than_fifo(self.axis, self._legs, self._matched))

    @cached_property
    def disposals(self) -> pl.DataFrame:
        """One row per purchase, sale and settlement at average cost, ``schema.DISPOSALS``, by time."""
        return dress_disposals(self.axis, disposals(self.axis, self._legs), self._ids)

    def _positions(self, average: pl.DataFrame | None = None) -> pl.DataFrame:
        return dress_positions(
            self.axis,
            self._legs,
            self._matched,
            self._ids,
            settled=self.settled,
            judged=self.judged,
            markets=self.markets,
            average=average,
        )

    @cached_property
    def _matched(self) -> pl.DataFrame:
        return match(self.axis)

    @cached_property
    def _legs(self) -> pl.DataFrame:
        return make_legs(self.axis)

    @cached_property
    def _ids(self) -> pl.Series:
        return position_ids(self.axis)


def link(
    fills: pl.DataFrame,
    settled: pl.DataFrame | None = None,
    judged: pl.DataFrame | None = None,
    markets: pl.DataFrame | None = None,
) -> Linked:
    """Link fills to the positions that they opened, grew, shrank or closed.

    Per market and subaccount (a ticker is unique over all shards) YES and NO net at once at $1 a pair, so a
    buy of NO while long YES is the sale of YES at 100 minus its price. Fills count in order of
    ``executed_at, kalshi_trade_id``; a settlement comes after every fill, whatever the clocks say.

    Args:
        fills: Rows of ``schema.FILLS``, in any order.
        settled: Rows of ``schema.SETTLED`` from :func:`~kalshi_portfolio.ledger.settle`.
        judged: Rows of ``schema.JUDGED`` from :func:`~kalshi_portfolio.ledger.judge`. Incomplete markets get no
            P&L. Without it every history counts as complete.
        markets: Rows of ``schema.MARKETS``, for the titles of positions.

    Returns:
        Lots, trades and positions, computed when first asked for.

    Raises:
        SchemaError: A fill has an unknown side, a quantity not above 0, a price outside 0 to 100 cents, or an id
            that came twice.

    Examples:
        >>> import polars as pl
        >>> from kalshi_portfolio.schema import FILLS
        >>> buy = {"kalshi_trade_id": "a", "ticker": "T", "subaccount": 0, "exchange_index": 0, "side": "yes"}
        >>> buy |= {"quantity": 5, "price_cents": 40, "yes_price_cents": 40, "executed_at": 1}
        >>> fills = pl.DataFrame([buy | dict.fromkeys(set(FILLS.schema) - set(buy))], schema=FILLS.schema)
        >>> link(fills).positions.select("position_id", "status", "quantity").rows()
        [('T/0/a', 'open', Decimal('5.00'))]
    """
    return Linked(line_up(fills, settled, judged), settled, judged, markets)


def match_lots(
    fills: pl.DataFrame, settled: pl.DataFrame | None = None, judged: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Match bought with sold contracts, first in, first out: ``link(...).lots`` in one call.

    Args:
        fills: Rows of ``schema.FILLS``, in any order.
        settled: Rows of ``schema.SETTLED``.
        judged: Rows of ``schema.JUDGED``.

    Returns:
        One row per lot, ``schema.LOTS``, by ``opened_at, entry_trade_id``, then sequence of disposal.

    Raises:
        SchemaError: As in :func:`link`.
    """
    axis = line_up(fills, settled, judged)
    matched, ids = match(axis), position_ids(axis)
    # What matching alone needed makes room for the lots: of ten million, this is a gigabyte.
    axis = replace(axis, fills=axis.fills.select(DRESSING), steps=axis.steps.clear())
    return dress_lots(axis, matched, ids)
