"""Sync deposits, withdrawals, internal transfers and balances: lists without windows, read whole each time."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.errors import NotFoundError, PermissionDeniedError
from kalshi_portfolio.parse import Parsed, parse_balances, parse_transfers
from kalshi_portfolio.schema import BALANCES, TRANSFERS
from kalshi_portfolio.sync.run import NO_SUBACCOUNT, all_of

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
    parsed: dict[str, Parsed] = {}

    async def read(kind: str, endpoint: str) -> None:
        try:
            pages = await run.bodies(endpoint)
        except (NotFoundError, PermissionDeniedError) as error:
            run.warn(f"Transfers of the kind '{kind}' could not be read ({error.endpoint} answered {error.status}).")
            return
        parsed[kind] = parse_transfers(pages, run.source(kind), kind=kind)

    await all_of(read(kind, endpoint) for kind, endpoint in ENDPOINTS.items())
    if not parsed:
        return
    frame = pl.concat([its.frame for its in parsed.values()])
    run.keep(TRANSFERS, Parsed(frame, [row for its in parsed.values() for row in its.set_aside]))
    run.release_unseen(TRANSFERS, parsed)
    if len(parsed) == len(ENDPOINTS):
        run.log_snapshot("transfers", NO_SUBACCOUNT)


async def sync_balances(run: Run, listed: Parsed | None) -> None:
    """Store the balance of every subaccount and shard, with the portfolio value as the exchange reports it.

    Args:
        run: The run.
        listed: The balances that were listed when the subaccounts were looked for; None where the key may not.
    """
    run.tally("balances")
    answers: dict[int, dict[str, Any]] = {}

    async def read(number: int | None) -> None:
        try:
            answers[run.number(number)] = await run.client.get_balance(subaccount=number)
        except (NotFoundError, PermissionDeniedError) as error:
            run.warn(f"A balance could not be read ({error.endpoint} answered {error.status}).")

    await all_of(read(number) for number in run.subaccounts)
    if listed is None:
        rows = [row for number, answer in answers.items() for row in _rows(number, answer)]
        listed = parse_balances([msgspec.json.encode({"subaccount_balances": rows})], run.source())
    values = {number: answer.get("portfolio_value") for number, answer in answers.items()}
    run.keep(BALANCES, Parsed(_with_values(listed.frame, values), listed.set_aside))
    if len(answers) == len(run.subaccounts):
        run.release_unseen(BALANCES)
        run.log_snapshot("balances", NO_SUBACCOUNT)


def _rows(number: int, answer: dict[str, Any]) -> list[dict[str, Any]]:
    """Give one balance per shard, where the answer breaks it down, else one in all, in the shape of the long list."""
    parts = [part for part in answer.get("balance_breakdown") or [] if isinstance(part, dict)]
    if parts:
        return [{**part, "subaccount_number": number} for part in parts]
    dollars, cents = answer.get("balance_dollars"), answer.get("balance")
    if dollars is None and isinstance(cents, int):
        dollars = str(Decimal(cents) / 100)
    return [{"subaccount_number": number, "balance": dollars, "updated_ts": answer.get("updated_ts")}]


def _with_values(frame: pl.DataFrame, values: dict[int, Any]) -> pl.DataFrame:
    rows = [(number, None if value is None else str(value)) for number, value in values.items()]
    known = pl.DataFrame(rows, schema={"subaccount": pl.Int32, "value": pl.String}, orient="row")
    units = money.parse_units(known["value"], unit="cents", dtype=money.MONEY)
    joined = frame.join(known.with_columns(units=units), on="subaccount", how="left", maintain_order="left")
    return BALANCES.conform(joined.with_columns(portfolio_value_cents=money.money(pl.col("units"))))
