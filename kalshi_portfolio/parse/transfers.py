"""Deposits, withdrawals and internal transfers become the ``transfers`` dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.parse.batch import Batch, Parsed, Source
from kalshi_portfolio.schema import TIME, TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = {
    "deposit": "deposits",
    "withdrawal": "withdrawals",
    "subaccount": "transfers",
    "margined": "transfers",
}
"""The kinds of transfers, each with the name of its list in the API's answer."""

_APPLIED = ("applied", "complete")


class _Transfer(msgspec.Struct):
    id: Any = None
    transfer_id: Any = None
    status: Any = None
    type: Any = None
    amount_cents: Any = None
    amount: Any = None
    fee_cents: Any = None
    created_ts: Any = None
    finalized_ts: Any = None
    from_subaccount: Any = None
    to_subaccount: Any = None
    source: Any = None
    destination: Any = None
    exchange_index: Any = msgspec.UNSET
    source_exchange_shard: Any = msgspec.UNSET


def parse_transfers(pages: Sequence[bytes], source: Source, *, kind: str) -> Parsed:
    """Turn pages of one of the four transfer endpoints into transfers.

    The effect on cash (``amount_cents``) of an applied deposit is its amount less its fee, of an applied
    withdrawal minus its amount (whether a fee comes on top is not documented, so it is kept apart), of a move
    between subaccounts or shards 0, of a move from or to the margined exchange its signed amount. It is null
    while a transfer is not applied, for one that failed or was returned, and for a deposit of unknown fee.

    Args:
        pages: Whole JSON bodies.
        source: Where they came from; its time becomes ``synced_at``.
        kind: A key of :data:`KINDS`.

    Returns:
        One row per transfer in the order received, conforming to ``schema.TRANSFERS``, and the rows that did
        not fit.
    """
    batch = Batch(list(pages), KINDS[kind], _Transfer, source)
    gross = batch.number(("amount_cents", "cents"), ("amount", "dollars"), dtype=money.MONEY, required=True)
    fee = batch.number(("fee_cents", "cents"), dtype=money.MONEY)
    status = batch.text("status").str.to_lowercase()
    own = batch.integer("from_subaccount")
    if kind == "subaccount":
        batch.refuse(own.is_null(), "from_subaccount is missing")
    batch.refuse_null("exchange_index", "source_exchange_shard")
    shard = batch.integer("exchange_index", "source_exchange_shard")
    columns = {
        "transfer_id": batch.text("id", "transfer_id", required=True),
        "status": status,
        "method": batch.text("type"),
        "gross": gross,
        "fee": fee,
        "subaccount": own.fill_null(0),
        "to_subaccount": batch.integer("to_subaccount"),
        "exchange_index": shard.fill_null(0),
        "created_at": batch.time("created_ts", required=True),
        "finalized_at": batch.time("finalized_ts"),
        "effect": _effect(batch, kind, gross, fee, status),
    }
    frame = pl.DataFrame([series.alias(name) for name, series in columns.items()])
    parsed = batch.finish("transfers", frame)
    dressed = parsed.frame.with_columns(
        kind=pl.lit(kind),
        amount_cents=money.money(pl.col("effect")),
        gross_cents=money.money(pl.col("gross")),
        fee_cents=money.money(pl.col("fee")),
        synced_at=pl.lit(source.seen_at, TIME),
    )
    return Parsed(TRANSFERS.conform(dressed), parsed.set_aside)


def _effect(batch: Batch[_Transfer], kind: str, gross: pl.Series, fee: pl.Series, status: pl.Series) -> pl.Series:
    if kind == "subaccount":
        return pl.Series("effect", [0] * len(batch), dtype=pl.Int64)
    if kind == "deposit":
        signed = gross - fee
    elif kind == "withdrawal":
        signed = -gross
    else:
        ends = [batch.text("source"), batch.text("destination")]
        batch.refuse(ends[0].is_null() | ends[1].is_null(), "source or destination is missing")
        arrives, leaves = ((end == "margined").fill_null(value=False).cast(pl.Int64) for end in ends)
        signed = gross * (arrives - leaves)
    applied = status.is_in(_APPLIED).fill_null(value=False)
    return signed.zip_with(applied, pl.Series("effect", [None] * len(batch), dtype=pl.Int64))
