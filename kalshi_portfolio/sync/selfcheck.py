"""Compare our fills with what the exchange says they add up to, and read again what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.schema import FILLS, SETTLEMENTS
from kalshi_portfolio.sync.fills import read_fills_of

if TYPE_CHECKING:
    from kalshi_portfolio.sync.positions import Answers
    from kalshi_portfolio.sync.run import Run

_MARKET = ["subaccount", "ticker"]
_TRIED = "settlements_read_again"


async def check_fills(run: Run, answers: Answers, markets: pl.DataFrame) -> None:
    """Read the fills of every market that differs again by ticker, without limits of time, once.

    Compared are our net quantity with ``position_fp`` (up to the instant of its last change), markets that we hold
    and the exchange does not list, and the gross counts of settlements. A settlement that another reading did not
    mend is not asked for again: its history is truncated, and reported as such.
    """
    differing = _differing(run, answers, markets)
    unmended = {tuple(pair) for pair in run.store.get_fact(_TRIED) or []}
    settled = _settled_differently(run)
    again = differing | (settled - unmended)
    if not again:
        return
    for subaccount in sorted({subaccount for subaccount, _ in again}):
        number = None if run.subaccounts == (None,) else subaccount
        await read_fills_of(run, number, sorted(ticker for s, ticker in again if s == subaccount))
    run.store.put_fact(_TRIED, sorted(map(list, _settled_differently(run))) or None)
    left = _differing(run, answers, markets)
    if left:
        shown = ", ".join(ticker for _, ticker in sorted(left)[:3]) + (", ..." if len(left) > 3 else "")  # noqa: PLR2004
        run.warn(
            f"In {len(left)} markets our fills do not add up to the exchange's position ({shown}). "
            "Their P&L is left out until they do."
        )


def _nets(fills: pl.DataFrame) -> pl.DataFrame:
    sign = pl.when(pl.col("side") == "yes").then(1).otherwise(-1)
    return fills.group_by(_MARKET).agg((money.units(pl.col("quantity")) * sign).sum().alias("ours"))


def _differing(run: Run, answers: Answers, markets: pl.DataFrame) -> set[tuple[int, str]]:
    fills = run.store.read(FILLS, columns=["ticker", "subaccount", "side", "quantity", "executed_at"])
    theirs = answers.frame.select(*_MARKET, "last_updated_at", theirs=money.units(pl.col("net_quantity")))
    listed = fills.join(theirs.select(*_MARKET, "last_updated_at"), on=_MARKET)
    until = listed.filter((pl.col("executed_at") <= pl.col("last_updated_at")) | pl.col("last_updated_at").is_null())
    compared = theirs.join(_nets(until), on=_MARKET, how="left").with_columns(pl.col("ours").fill_null(0))
    # A settled row that is still listed is flat there, while our fills add up to what was paid out.
    wrong = compared.filter(pl.col("ours") != pl.col("theirs"))
    unlisted = _nets(fills.join(theirs, on=_MARKET, how="anti")).filter(
        pl.col("ours") != 0, pl.col("subaccount").is_in(answers.complete)
    )
    suspects = pl.concat([wrong.select(_MARKET), unlisted.select(_MARKET)])
    ended = markets.filter(pl.col("status") == "finalized").select("ticker")
    settled = run.store.read(SETTLEMENTS, columns=_MARKET)
    open_ones = suspects.join(ended, on="ticker", how="anti").join(settled, on=_MARKET, how="anti")
    return set(open_ones.rows())


def _settled_differently(run: Run) -> set[tuple[int, str]]:
    settled = run.store.read(SETTLEMENTS, columns=[*_MARKET, "yes_quantity", "no_quantity"])
    if settled.is_empty():
        return set()
    fills = run.store.read(FILLS, columns=["ticker", "subaccount", "side", "quantity"])
    counts = fills.group_by(_MARKET).agg(
        *(money.units(pl.col("quantity")).filter(pl.col("side") == side).sum().alias(side) for side in ("yes", "no"))
    )
    joined = settled.join(counts, on=_MARKET, how="left").with_columns(pl.col("yes", "no").fill_null(0))
    differs = (money.units(pl.col("yes_quantity")) != pl.col("yes")) | (
        money.units(pl.col("no_quantity")) != pl.col("no")
    )
    return set(joined.filter(differs).select(_MARKET).rows())
