"""The frames of linking: what is computed from the datasets, fill by fill."""

from __future__ import annotations

import polars as pl

from kalshi_portfolio.money import MONEY, PRICE, QUANTITY
from kalshi_portfolio.schema.columns import (
    CATEGORY,
    EVENT,
    POSITION_ID,
    REALIZED,
    SERIES,
    SHARD,
    SUBACCOUNT,
    TICKER,
    TITLE,
    TRADE_ID,
)
from kalshi_portfolio.schema.datasets import SETTLEMENTS
from kalshi_portfolio.schema.table import TIME, Column, Table

SETTLED = Table(
    "settled",
    "settled market of a subaccount, whether reported or rebuilt at read time",
    (
        *SETTLEMENTS.columns,
        Column(
            "source",
            pl.String,
            "`exchange`: a settlement row; `market`: rebuilt from fills and the market's result.",
        ),
    ),
    key=("subaccount", "ticker"),
    order=("settled_at", "ticker", "subaccount"),
)

JUDGED = Table(
    "judged",
    "market of a subaccount: whether its history is known to be complete",
    (
        TICKER,
        SUBACCOUNT,
        Column("complete", pl.Boolean, "Whether the fills known are all there were."),
        Column("cause", pl.String, "Why not, or why a P&L is unknown in spite of it, in plain words.", null=True),
    ),
    key=("subaccount", "ticker"),
    order=("ticker", "subaccount"),
)

TRADES = Table(
    "trades",
    "trade leg: a fill, or one of the two parts of a fill that closes one position and opens the opposite one",
    (
        TRADE_ID,
        Column("leg", pl.Int8, "1, or 2 for the opening part of a fill that flipped the position."),
        Column("position_id", pl.String, "The position that this leg opened, grew, shrank or closed."),
        TICKER,
        SUBACCOUNT,
        SHARD,
        Column("side", pl.String, "`yes` or `no`: the side of the position."),
        Column("action", pl.String, "`buy` grows the position, `sell` shrinks it."),
        Column("quantity", QUANTITY, "Contracts of this leg."),
        Column("price_cents", PRICE, "Price of one contract of `side`, in cents."),
        Column("total_cost_cents", MONEY, "`price_cents` times `quantity`: paid on a buy, received on a sell."),
        Column("fee_cents", MONEY, "This leg's part of the fill's fee, in cents; null if unknown.", null=True),
        Column(
            "fee_source",
            pl.String,
            "`fill`, `settlement` (split from the market's fees), or null: unknown.",
            null=True,
        ),
        Column("is_taker", pl.Boolean, "Whether the order removed liquidity.", null=True),
        Column("order_id", pl.String, "The order that was executed.", null=True),
        Column("executed_at", TIME, "When the fill happened."),
        Column("position_after", QUANTITY, "The market's net position after this leg: + YES, - NO."),
        Column("complete", pl.Boolean, "Whether the market's history is known to be complete."),
        Column(
            "realized_pnl_cents",
            MONEY,
            f"{REALIZED} (FIFO); null on a buy and where history is incomplete.",
            null=True,
        ),
    ),
    key=("kalshi_trade_id", "leg"),
    order=("executed_at", "kalshi_trade_id", "leg"),
)

LOTS = Table(
    "lots",
    "lot: a quantity acquired in one fill and disposed of in one fill or settlement (first in, first out)",
    (
        POSITION_ID,
        TICKER,
        SUBACCOUNT,
        SHARD,
        Column("side", pl.String, "`yes` or `no`: the outcome that was held."),
        Column("entry_trade_id", pl.String, "The fill that acquired the lot."),
        Column(
            "exit_trade_id",
            pl.String,
            "The fill that disposed of it; null if settled or still open.",
            null=True,
        ),
        Column("exit_kind", pl.String, "`trade`, `settlement` or `open`."),
        Column("quantity", QUANTITY, "Contracts."),
        Column("entry_price_cents", PRICE, "Price paid for one contract of `side`, in cents."),
        Column(
            "exit_price_cents",
            PRICE,
            "Price received for one, in cents; null while open or unknown.",
            null=True,
        ),
        Column("entry_fee_cents", MONEY, "Part of the entry fill's fee, in cents; null if unknown.", null=True),
        Column(
            "exit_fee_cents",
            MONEY,
            "Part of the exit fill's fee, in cents; 0 if settled or open; null if unknown.",
            null=True,
        ),
        Column(
            "realized_pnl_cents",
            MONEY,
            f"{REALIZED}; null while open or where history is incomplete.",
            null=True,
        ),
        Column("net_pnl_cents", MONEY, "The same after both fees; null if either is unknown.", null=True),
        Column("is_taker", pl.Boolean, "Whether the entry removed liquidity.", null=True),
        Column("complete", pl.Boolean, "Whether the market's history is known to be complete."),
        Column("opened_at", TIME, "When the entry fill happened."),
        Column("closed_at", TIME, "When the exit fill or the settlement happened; null while open.", null=True),
    ),
    key=("entry_trade_id", "exit_trade_id", "exit_kind"),
    order=("opened_at", "entry_trade_id", "closed_at", "exit_trade_id"),
)

DISPOSALS = Table(
    "disposals",
    "purchase, sale or settlement, at average cost",
    (
        POSITION_ID,
        TICKER,
        SUBACCOUNT,
        SHARD,
        Column("side", pl.String, "`yes` or `no`: the outcome that was held."),
        Column("kalshi_trade_id", pl.String, "The fill; null for a settlement.", null=True),
        Column("action", pl.String, "`buy`, `sell` or `settlement`."),
        Column("quantity", QUANTITY, "Contracts."),
        Column(
            "entry_price_cents", PRICE, "Price paid; of what was sold the average, in cents, half-even at 4 decimals."
        ),
        Column("exit_price_cents", PRICE, "Price received for one contract, in cents; null on a purchase.", null=True),
        Column(
            "entry_fee_cents",
            MONEY,
            "Entry fees of what was sold, in cents; null on a purchase or if unknown.",
            null=True,
        ),
        Column("fee_cents", MONEY, "The fee of this purchase or sale, in cents; null if unknown.", null=True),
        Column("held_cost_cents", MONEY, "Cost of what is held afterwards, in cents, before fees."),
        Column(
            "realized_pnl_cents", MONEY, f"{REALIZED}, at average cost; null on a purchase or if unknown.", null=True
        ),
        Column("net_pnl_cents", MONEY, "The same after both fees; null if either is unknown.", null=True),
        Column("is_taker", pl.Boolean, "Whether it removed liquidity; null for a settlement.", null=True),
        Column("complete", pl.Boolean, "Whether the market's history is known to be complete."),
        Column("opened_at", TIME, "When the position was opened."),
        Column("at", TIME, "When this happened."),
    ),
    key=("position_id", "kalshi_trade_id", "action"),
    order=("at", "kalshi_trade_id"),
)

POSITIONS = Table(
    "positions",
    "position: one holding of one market by one subaccount, from flat to flat or to settlement",
    (
        Column("position_id", pl.String, "`{ticker}/{subaccount}/{opening kalshi_trade_id}`."),
        Column("sequence", pl.Int32, "1 for the first position in this market by this subaccount, and so on."),
        TICKER,
        SUBACCOUNT,
        SHARD,
        Column(
            "side",
            pl.String,
            "`yes` or `no`; null where only a settlement without fills is known.",
            null=True,
        ),
        Column("status", pl.String, "`open`, `closed` (by trades) or `settled`."),
        Column(
            "complete",
            pl.Boolean,
            "Whether the market's history is known to be complete; if not, P&L is null.",
        ),
        Column("cause", pl.String, "Why the history is not known to be complete.", null=True),
        Column("quantity", QUANTITY, "Contracts held now."),
        Column("bought_quantity", QUANTITY, "Contracts bought over the position's life.", null=True),
        Column(
            "avg_price_cents",
            PRICE,
            "Average entry price, in cents, half-even at 4 decimals: of what is held, else of all bought.",
            null=True,
        ),
        Column(
            "exit_price_cents",
            PRICE,
            "Average exit price, in cents, half-even at 4 decimals; null while nothing was sold.",
            null=True,
        ),
        Column("cost_cents", MONEY, "Cost of what is held now, in cents, before fees.", null=True),
        Column("realized_pnl_cents", MONEY, f"{REALIZED}.", null=True),
        Column("fee_cents", MONEY, "All fees of the position so far, in cents.", null=True),
        Column("net_pnl_cents", MONEY, "Realised P&L after all fees so far, in cents.", null=True),
        Column(
            "current_price_cents",
            PRICE,
            "The mark of the held side, in cents; null if closed or without a quote.",
            null=True,
        ),
        Column(
            "unrealized_pnl_cents",
            MONEY,
            "(mark - entry) times quantity, in cents, before fees; null if unknown or closed.",
            null=True,
        ),
        Column("trades", pl.Int64, "Trade legs."),
        Column("fee_source", pl.String, "`fill`, `settlement`, `mixed` or null: unknown.", null=True),
        Column(
            "settlement_source",
            pl.String,
            "`exchange` (a settlement row), `market` (rebuilt from fills and result), or null.",
            null=True,
        ),
        Column("opened_at", TIME, "When it was opened.", null=True),
        Column("closed_at", TIME, "When it went flat or was settled; null while open.", null=True),
        TITLE,
        EVENT,
        SERIES,
        CATEGORY,
    ),
    key=("position_id",),
    order=("opened_at", "position_id"),
)
