"""Columns that several tables share."""

from __future__ import annotations

import polars as pl

from kalshi_portfolio.schema.table import TIME, Column

TICKER = Column("ticker", pl.String, "The market's ticker, unique over the whole exchange.")
EVENT = Column("event_ticker", pl.String, "The event that the market belongs to.", null=True)
SERIES = Column("series_ticker", pl.String, "The series that the event belongs to.", null=True)
CATEGORY = Column("category", pl.String, "The series' category, such as Sports.", null=True)
TITLE = Column("title", pl.String, "The market's question, as Kalshi shows it.", null=True)
SUBACCOUNT = Column("subaccount", pl.Int32, "Number of the subaccount; 0 is the primary one.")
SHARD = Column("exchange_index", pl.Int32, "Number of the exchange shard; 0 where the exchange did not say.")
TRADE_ID = Column("kalshi_trade_id", pl.String, "The exchange's id of the fill (API `fill_id`, older name `trade_id`).")
SYNCED = Column("synced_at", TIME, "When this row was first seen in its present form (the exchange's clock).")
LAST_SYNCED = Column("last_synced", TIME, "When this snapshot was read (the exchange's clock).")
REALIZED = "Realised P&L of closed quantity, in cents, before fees"
POSITION_ID = Column("position_id", pl.String, "`{ticker}/{subaccount}/{opening kalshi_trade_id}`.")
