"""The frames of analysis: P&L, equity, summary, reconciliation, coverage."""

from __future__ import annotations

import polars as pl

from kalshi_portfolio.money import MONEY, QUANTITY
from kalshi_portfolio.schema.columns import (
    REALIZED,
    SUBACCOUNT,
)
from kalshi_portfolio.schema.table import TIME, Column, Table

PNL_VALUES = (
    Column("realized_pnl_cents", MONEY, f"{REALIZED}; null if none of the group is known.", null=True),
    Column("fee_cents", MONEY, "Fees, in cents; null if none of the group is known.", null=True),
    Column("net_pnl_cents", MONEY, "Realised P&L after fees, in cents; null if none of the group is known.", null=True),
    Column("quantity", QUANTITY, "Contracts closed."),
    Column("lots", pl.Int64, "Lots closed whose realised P&L is known."),
    Column(
        "unknown_lots",
        pl.Int64,
        "Lots left out, because their history is incomplete; or, of fees and net P&L alone, because a fee is unknown.",
    ),
    Column(
        "win_ratio",
        pl.Float64,
        "Share of the closed lots of known net P&L where it is above 0; null if there are none.",
        null=True,
    ),
)

EQUITY_VALUES = (
    Column("realized_pnl_cents", MONEY, f"{REALIZED}, of this period."),
    Column("fee_cents", MONEY, "Fees paid in this period, in cents."),
    Column("net_pnl_cents", MONEY, "Realised P&L less fees, of lots whose fees are known, in cents."),
    Column("cumulative_net_pnl_cents", MONEY, "Net P&L since the account began, in cents."),
    Column("transfers_cents", MONEY, "Cash that came in (+) or went out (-), in cents."),
    Column(
        "drawdown_cents",
        MONEY,
        "How far the cumulative net P&L lies below its highest so far (or 0), in cents; 0 or negative.",
    ),
    Column("unknown_lots", pl.Int64, "Lots left out, because history or a fee is unknown, as in `pnl()`."),
)

SUMMARY = Table(
    "summary",
    "account",
    (
        Column(
            "net_pnl_cents",
            MONEY,
            "Realised P&L after all fees paid, in cents; null if that of no position is known.",
            null=True,
        ),
        Column("realized_pnl_cents", MONEY, f"{REALIZED}; null if that of no position is known.", null=True),
        Column("fee_cents", MONEY, "Fees paid, in cents; null if the net P&L of no position is known.", null=True),
        Column(
            "unrealized_pnl_cents",
            MONEY,
            "Of the open positions that have a mark, before fees, in cents; null if none has.",
            null=True,
        ),
        Column(
            "open_exposure_cents",
            MONEY,
            "Cost of what is held in markets with complete histories, in cents; null if all that is held is in others.",
            null=True,
        ),
        Column(
            "market_value_cents",
            MONEY,
            "The same at its mark, in cents; positions without a mark count at cost.",
            null=True,
        ),
        Column("positions", pl.Int64, "Positions ever held."),
        Column("open_positions", pl.Int64, "Positions held now."),
        Column(
            "incomplete_open_positions",
            pl.Int64,
            "Those left out of exposure, value and unrealised P&L: their history is incomplete.",
        ),
        Column("unknown_marks", pl.Int64, "The others without a mark."),
        Column("incomplete_positions", pl.Int64, "Positions left out of P&L, because their history is incomplete."),
        Column("unknown_fees", pl.Int64, "Complete positions left out of net figures, because a fee is unknown."),
        Column("win_ratio", pl.Float64, "Share of the ended positions with a net P&L above 0.", null=True),
        Column(
            "profit_factor", pl.Float64, "Net gains over net losses of ended positions; null without a loss.", null=True
        ),
        Column("expectancy_cents", MONEY, "Mean net P&L of an ended position, in cents, half-even.", null=True),
        Column("average_holding", pl.Duration("us"), "Mean time from opening to end of a position.", null=True),
        Column("best_position_id", pl.String, "The ended position with the highest net P&L.", null=True),
        Column("best_net_pnl_cents", MONEY, "Its net P&L, in cents.", null=True),
        Column("worst_position_id", pl.String, "The ended position with the lowest net P&L.", null=True),
        Column("worst_net_pnl_cents", MONEY, "Its net P&L, in cents.", null=True),
        Column(
            "max_drawdown_cents",
            MONEY,
            "The deepest drawdown at the end of a day, in cents; 0 or negative; null if net P&L is.",
            null=True,
        ),
        Column("transfers_cents", MONEY, "Cash paid in less cash taken out, in cents."),
        Column(
            "return_on_capital",
            pl.Float64,
            "Money-weighted return over the account's life (Modified Dietz).",
            null=True,
        ),
        Column("as_of", TIME, "Up to when.", null=True),
    ),
    key=(),
    order=(),
)

RECONCILIATION = Table(
    "reconciliation",
    "check of one of our figures against the exchange's",
    (
        Column("check", pl.String, "What is compared."),
        SUBACCOUNT,
        Column("ticker", pl.String, "The market; null for cash.", null=True),
        Column("unit", pl.String, "`contracts` or `cents`: what the three figures count."),
        Column("ours", MONEY, "Our figure.", null=True),
        Column("theirs", MONEY, "The exchange's figure.", null=True),
        Column("difference", MONEY, "Ours less theirs.", null=True),
        Column("ok", pl.Boolean, "Whether they agree, to the precision in which the exchange reports."),
        Column("cause", pl.String, "Why they do not, in words; or what a tolerated difference is.", null=True),
    ),
    key=("check", "subaccount", "ticker"),
    order=("check", "subaccount", "ticker"),
)

COVERAGE = Table(
    "coverage",
    "stretch of time of a dataset and subaccount",
    (
        Column("dataset", pl.String, "Which dataset."),
        Column("subaccount", pl.Int32, "The subaccount; null: all of them at once.", null=True),
        Column("covered_from", TIME, "Start, inclusive."),
        Column("covered_to", TIME, "End, exclusive."),
        Column(
            "status",
            pl.String,
            "`complete`; `missing`: the next sync fetches it; `archived`: the exchange no longer lists it.",
        ),
        Column("note", pl.String, "What that means for you.", null=True),
    ),
    key=("dataset", "subaccount", "covered_from"),
    order=("dataset", "subaccount", "covered_from"),
)
