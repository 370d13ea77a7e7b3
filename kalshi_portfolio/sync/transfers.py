"""Sync deposits, withdrawals, internal transfers and balances: lists without windows, read whole each time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.errors import NotFoundError, PermissionDeniedError
from kalshi_portfolio.parse import Parsed, parse_transfers
from kalshi_portfolio.schema import BALANCES, TIME, TRANSFERS
from kalshi_portfolio.sync.run import NO_SUBACCOUNT

if TYPE_CHECKING:
    from kalshi_portfolio.sync.run import Run

ENDPOINTS = {
    "deposit": "deposits",
    "withdrawal": "withdrawals",
    "subaccount": "subaccount_transfers",
    "margined": "intra_exchange_transfers",
}


async def sync_transfers(run: Run) -> None:
    """Read all movements of cash. A list that the key may not read is passed over, and said."""
    run.tally("transfers")
    parsed: list[Parsed] = []
    for kind, endpoint in ENDPOINTS.items():
        try:
            pages = await run.bodies(endpoint)
        except (NotFoundError, PermissionDeniedError) as error:
            run.warn(f"Transfers of the kind '{kind}' could not be read ({error.endpoint} answered {error.status}).")
            continue
        parsed.append(parse_transfers(pages, run.source(kind), kind=kind))
    if not parsed:
        return
    frames = [p.frame for p in parsed]
    run.keep(TRANSFERS, Parsed(pl.concat(frames), [row for p in parsed for row in p.set_aside]))
    if len(parsed) == len(ENDPOINTS):
        run.log_snapshot("transfers", NO_SUBACCOUNT)


async def sync_balances(run: Run, listed: Parsed | None) -> None:
    """Store the balance of every subaccount and shard, with the portfolio value as the exchange reports it.

    Args:
        run: The run.
        listed: The balances that were listed when the subaccounts were looked for; None where the key may not.
    """
    run.tally("balances")
    values: list[dict[str, object]] = []
    frames = []
    for number in run.subaccounts:
        try:
            answer = await run.client.get_balance(subaccount=number)
        except (NotFoundError, PermissionDeniedError) as error:
            run.warn(f"A balance could not be read ({error.endpoint} answered {error.status}).")
            continue
        filed = run.number(number)
        values.append({"subaccount": filed, "value": _text(answer.get("portfolio_value"))})
        if listed is None:
            frames.append(_balance(run, filed, answer))
    frame = pl.concat(frames) if frames else BALANCES.empty() if listed is None else listed.frame
    run.keep(BALANCES, Parsed(_with_values(frame, values), [] if listed is None else listed.set_aside))
    run.log_snapshot("balances", NO_SUBACCOUNT)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _balance(run: Run, number: int, answer: dict[str, object]) -> pl.DataFrame:
    dollars = _text(answer.get("balance_dollars"))
    text, unit = (dollars, "dollars") if dollars else (_text(answer.get("balance")), "cents")
    units = money.parse_units(pl.Series("units", [text], dtype=pl.String), unit=unit, dtype=money.MONEY)
    row = pl.DataFrame([units]).with_columns(
        subaccount=pl.lit(number),
        exchange_index=pl.lit(0),
        balance_cents=money.money(pl.col("units")),
        portfolio_value_cents=pl.lit(None, money.MONEY),
        updated_at=pl.lit(None, TIME),
        last_synced=pl.lit(run.now, TIME),
    )
    return BALANCES.conform(row.drop_nulls("balance_cents"))


def _with_values(frame: pl.DataFrame, values: list[dict[str, object]]) -> pl.DataFrame:
    known = pl.DataFrame(values, schema={"subaccount": pl.Int32, "value": pl.String})
    units = money.parse_units(known["value"], unit="cents", dtype=money.MONEY)
    joined = frame.join(known.with_columns(units=units), on="subaccount", how="left", maintain_order="left")
    return BALANCES.conform(joined.with_columns(portfolio_value_cents=money.money(pl.col("units"))))
