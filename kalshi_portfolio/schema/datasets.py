"""The datasets: what lies on disk."""

from __future__ import annotations

import polars as pl

from kalshi_portfolio.money import MONEY, PRICE, QUANTITY
from kalshi_portfolio.schema.columns import (
    CATEGORY,
    EVENT,
    LAST_SYNCED,
    REALIZED,
    SERIES,
    SHARD,
    SUBACCOUNT,
    SYNCED,
    TICKER,
    TITLE,
    TRADE_ID,
)
from kalshi_portfolio.schema.table import TIME, Column, Table

VERSION = 1
"""The version of the datasets below. It is written into every file."""

FILLS = Table(
    "fills",
    "fill: one execution of an order",
    (
        TRADE_ID,
        Column("order_id", pl.String, "The order that was executed.", null=True),
        TICKER,
        SUBACCOUNT,
        SHARD,
        Column(
            "side",
            pl.String,
            "`yes` or `no`: the outcome whose exposure this fill took (API `outcome_side`).",
        ),
        Column("quantity", QUANTITY, "Contracts, above 0."),
        Column("price_cents", PRICE, "What one contract of `side` cost, in cents."),
        Column("yes_price_cents", PRICE, "The YES price, in cents; the NO price is 100 minus it."),
        Column("total_cost_cents", MONEY, "`price_cents` times `quantity`."),
        Column(
            "fee_cents",
            MONEY,
            "The fee of this fill, in cents, as charged; null if the exchange gave none.",
            null=True,
        ),
        Column("is_taker", pl.Boolean, "Whether the order removed liquidity.", null=True),
        Column("executed_at", TIME, "When the fill happened."),
        Column("reported_side", pl.String, "The legacy field `side`, as sent.", null=True),
        Column(
            "reported_action",
            pl.String,
            "The legacy field `action`, as sent. It carries no direction.",
            null=True,
        ),
        SYNCED,
    ),
    key=("kalshi_trade_id",),
    order=("executed_at", "kalshi_trade_id"),
    partition_by="executed_at",
)

SETTLEMENTS = Table(
    "settlements",
    "settled market of a subaccount",
    (
        TICKER,
        EVENT,
        SUBACCOUNT,
        SHARD,
        Column("market_result", pl.String, "`yes`, `no`, `scalar`, in old rows `void`."),
        Column(
            "yes_payout_cents",
            PRICE,
            "What one YES contract pays, in cents; null if unknown or void.",
            null=True,
        ),
        Column("yes_quantity", QUANTITY, "Contracts ever bought on the YES side, gross."),
        Column("no_quantity", QUANTITY, "Contracts ever bought on the NO side, gross."),
        Column("yes_cost_cents", MONEY, "What the YES contracts cost, in cents, gross."),
        Column("no_cost_cents", MONEY, "What the NO contracts cost, in cents, gross."),
        Column("revenue_cents", MONEY, "Payout of the net contracts held at settlement, in cents."),
        Column(
            "fee_cents",
            MONEY,
            "The trading fees of the market again; never add them to the fills' own.",
            null=True,
        ),
        Column("settled_at", TIME, "When the market paid out."),
        SYNCED,
    ),
    key=("subaccount", "exchange_index", "ticker"),
    order=("settled_at", "ticker", "subaccount", "exchange_index"),
    partition_by="settled_at",
)

SNAPSHOTS = Table(
    "positions",
    "market and subaccount and day: the day's last snapshot of the exchange's own position",
    (
        TICKER,
        SUBACCOUNT,
        SHARD,
        Column("side", pl.String, "`yes` or `no`; null when flat.", null=True),
        Column("quantity", QUANTITY, "Contracts held, at least 0."),
        Column("net_quantity", QUANTITY, "The same, signed: + YES, - NO (API `position_fp`)."),
        Column("avg_price_cents", PRICE, "Exposure per contract, in cents, half-even at 4 decimals.", null=True),
        Column("current_price_cents", PRICE, "The mark: the bid of the held side, in cents.", null=True),
        Column("market_exposure_cents", MONEY, "Cost of the net position, in cents, as reported.", null=True),
        Column("total_traded_cents", MONEY, "As reported, in cents.", null=True),
        Column("realized_pnl_cents", MONEY, f"{REALIZED}, as reported.", null=True),
        Column("fees_paid_cents", MONEY, "Fees, in cents, as reported.", null=True),
        Column("last_updated_at", TIME, "When the exchange last changed the position.", null=True),
        Column("closed_at", TIME, "When the position was closed, on the row that records it.", null=True),
        LAST_SYNCED,
    ),
    key=("subaccount", "exchange_index", "ticker"),
    order=("ticker", "subaccount", "exchange_index"),
    partition_by="last_synced",
    key_within_date=True,
)

TRANSFERS = Table(
    "transfers",
    "movement of cash",
    (
        Column(
            "kind",
            pl.String,
            "`deposit`, `withdrawal`, `subaccount` (between two), `margined` (to or from perps, or shards).",
        ),
        Column("transfer_id", pl.String, "The exchange's id."),
        Column(
            "status",
            pl.String,
            "As reported: `pending`, `applied`, `failed`, `returned`, `complete`.",
            null=True,
        ),
        Column("method", pl.String, "As reported: `ach`, `wire`, `crypto`, `debit`, ...", null=True),
        Column(
            "amount_cents",
            MONEY,
            "Effect on the account's cash, signed, in cents; null while not applied; 0 within it.",
            null=True,
        ),
        Column("gross_cents", MONEY, "The amount as reported, in cents, unsigned."),
        Column("fee_cents", MONEY, "The fee as reported, in cents.", null=True),
        Column(
            "subaccount",
            pl.Int32,
            "The subaccount whose cash moved; of a move between two, the one that paid.",
        ),
        Column("to_subaccount", pl.Int32, "Of a move between two subaccounts, the one that received.", null=True),
        SHARD,
        Column("created_at", TIME, "When it was asked for."),
        Column("finalized_at", TIME, "When it was applied, failed or returned.", null=True),
        SYNCED,
    ),
    key=("kind", "transfer_id"),
    order=("created_at", "kind", "transfer_id"),
    partition_by="created_at",
)

BALANCES = Table(
    "balances",
    "subaccount, shard and day: the day's last balance",
    (
        SUBACCOUNT,
        SHARD,
        Column("balance_cents", MONEY, "Available cash, in cents."),
        Column(
            "portfolio_value_cents",
            MONEY,
            "Of the whole subaccount, repeated on each shard's row; as reported.",
            null=True,
        ),
        Column("updated_at", TIME, "When the exchange last changed the balance.", null=True),
        LAST_SYNCED,
    ),
    key=("subaccount", "exchange_index"),
    order=("subaccount", "exchange_index"),
    partition_by="last_synced",
    key_within_date=True,
)

MARKETS = Table(
    "markets",
    "market that the account ever traded",
    (
        TICKER,
        EVENT,
        SERIES,
        CATEGORY,
        TITLE,
        Column("event_title", pl.String, "The event's title.", null=True),
        Column("series_title", pl.String, "The series' title.", null=True),
        Column("yes_label", pl.String, "What YES stands for.", null=True),
        Column("no_label", pl.String, "What NO stands for.", null=True),
        Column("market_type", pl.String, "`binary` or `scalar`.", null=True),
        Column("status", pl.String, "As reported: `active`, `closed`, `determined`, `finalized`, ...", null=True),
        Column(
            "result",
            pl.String,
            "`yes`, `no`, `scalar`; null until determined. Provisional until `finalized`.",
            null=True,
        ),
        Column(
            "yes_payout_cents",
            PRICE,
            "What one YES contract pays, in cents, exact; null until determined.",
            null=True,
        ),
        Column("open_time", TIME, "When trading opens.", null=True),
        Column("close_time", TIME, "When trading closes.", null=True),
        Column("settled_at", TIME, "When the market paid out.", null=True),
        Column("yes_bid_cents", PRICE, "Best bid for YES, in cents; null when nobody bids.", null=True),
        Column("yes_ask_cents", PRICE, "Best offer of YES, in cents; null when nobody offers.", null=True),
        Column("no_bid_cents", PRICE, "Best bid for NO, in cents; null when nobody bids.", null=True),
        Column("no_ask_cents", PRICE, "Best offer of NO, in cents; null when nobody offers.", null=True),
        Column(
            "last_price_cents",
            PRICE,
            "Last YES price traded, in cents; null before the first trade.",
            null=True,
        ),
        Column("volume", QUANTITY, "Contracts traded by everybody.", null=True),
        Column("open_interest", QUANTITY, "Contracts open with everybody.", null=True),
        Column(
            "collateral_return_type",
            pl.String,
            "`MECNET`, `DIRECNET` or null: cross-market netting of the event.",
            null=True,
        ),
        Column(
            "mutually_exclusive",
            pl.Boolean,
            "Whether at most one market of the event resolves YES.",
            null=True,
        ),
        SHARD,
        Column("quoted_at", TIME, "When bids, offers and last price were read.", null=True),
        SYNCED,
    ),
    key=("ticker",),
    order=("ticker",),
)

SYNC_LOG = Table(
    "sync_log",
    "window that a sync covered to its last page",
    (
        Column("run_id", pl.String, "Which sync."),
        Column("dataset", pl.String, "Which dataset."),
        Column("tier", pl.String, "`live`, `historical` or `snapshot`."),
        Column("subaccount", pl.Int32, "Which subaccount was asked for; -1 where the endpoint knows none."),
        Column("exchange_index", pl.Int32, "Which shard was asked for; -1 for all at once."),
        Column("window_from", TIME, "Start of the window, inclusive."),
        Column("window_to", TIME, "End of the window, exclusive."),
        Column("cutoff", TIME, "The exchange's live/historical cutoff when the window was read.", null=True),
        Column("rows", pl.Int64, "Rows found in the window."),
        Column(
            "partitions",
            pl.List(pl.Struct({"date": pl.Date, "rows": pl.Int64})),
            "Rows found, per partition.",
        ),
        Column("finished_at", TIME, "When the window was complete on disk (the exchange's clock)."),
    ),
    key=("run_id", "dataset", "tier", "subaccount", "exchange_index", "window_from"),
    order=("finished_at", "dataset", "tier", "subaccount", "exchange_index", "window_from"),
    partition_by="finished_at",
)

DATASETS = {t.name: t for t in (FILLS, SETTLEMENTS, SNAPSHOTS, TRANSFERS, BALANCES, MARKETS, SYNC_LOG)}
