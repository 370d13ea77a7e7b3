"""Compare our fills with what the exchange says they add up to, and read again what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.display import counted
from kalshi_portfolio.schema import FILLS, SETTLEMENTS
from kalshi_portfolio.sync.fills import read_fills_of
from kalshi_portfolio.sync.history import uncovered

if TYPE_CHECKING:
    from kalshi_portfolio.sync.positions import Answers
    from kalshi_portfolio.sync.run import Run

Market = tuple[int, str]
"""A subaccount and a ticker."""

_MARKET = ["subaccount", "ticker"]
_TRIED = "settlements_read_again"
_SHOWN = 3


async def check_fills(run: Run, answers: Answers, markets: pl.DataFrame) -> None:
    """Read the fills of every market that differs again by ticker, without limits of time, once.

    Compared are our net quantity with ``position_fp``, markets that we hold and the exchange does not list, and the
    gross counts of settlements. A settlement that another reading did not mend is not asked for again: its history
    is truncated, and reported as such. Markets with a fill in quarantine are read again, too.
    """
    unmended = {tuple(pair) for pair in run.store.get_fact(_TRIED) or []}
    again = _differing(run, answers, markets) | (_settled_differently(run) - unmended) | _set_aside(run)
    if not again:
        return
    for subaccount in sorted({subaccount for subaccount, _ in again}):
        number = None if run.subaccounts == (None,) else subaccount
        await read_fills_of(run, number, sorted(ticker for s, ticker in again if s == subaccount))
    still = _settled_differently(run)
    if still != unmended:
        run.store.put_fact(_TRIED, sorted(map(list, still)) or None)
    left = _differing(run, answers, markets)
    if left:
        shown = ", ".join(ticker for _, ticker in sorted(left)[:_SHOWN]) + (", ..." if len(left) > _SHOWN else "")
        run.warn(
            f"In {counted(len(left), 'market')} our fills do not add up to the exchange's position ({shown}). "
            "Their P&L is left out until they do."
        )


def _set_aside(run: Run) -> set[Market]:
    """Give the markets of which a fill is in quarantine."""
    rows = run.store.quarantined(FILLS.name)
    known = {run.number(number) for number in run.subaccounts}
    asked = ((run.number(row.subaccount), row.ticker) for row in rows)
    return {(number, ticker) for number, ticker in asked if ticker is not None and number in known}


def _differing(run: Run, answers: Answers, markets: pl.DataFrame) -> set[Market]:
    fills = run.stored(FILLS)
    theirs = answers.frame.group_by(_MARKET).agg(
        pl.col("last_updated_at").max(), theirs=money.units(pl.col("net_quantity")).sum()
    )
    counted = _nets(fills.join(theirs, on=_MARKET))
    # The clocks of fills and positions may differ by a moment, and a fill may come between two readings.
    ours = pl.col("then", "now").fill_null(0)
    compared = theirs.join(counted, on=_MARKET, how="left").with_columns(ours)
    wrong = compared.filter(pl.col("then") != pl.col("theirs"), pl.col("now") != pl.col("theirs"))
    lone = fills.join(theirs, on=_MARKET, how="anti").with_columns(last_updated_at=pl.lit(None))
    unlisted = _nets(lone).filter(pl.col("now") != 0, pl.col("subaccount").is_in(answers.complete))
    suspects = pl.concat([wrong.select(_MARKET), unlisted.select(_MARKET)])
    # A settled market may be flat there, while our fills add up to what was paid out.
    ended = markets.filter(pl.col("status") == "finalized").select("ticker")
    settled = run.stored(SETTLEMENTS).select(_MARKET)
    return set(suspects.join(ended, on="ticker", how="anti").join(settled, on=_MARKET, how="anti").rows())


def _nets(fills: pl.DataFrame) -> pl.DataFrame:
    """Add up the signed quantities: all of them, and those until the exchange last changed its position."""
    sign = pl.when(pl.col("side") == "yes").then(1).otherwise(-1)
    signed = money.units(pl.col("quantity")) * sign
    until = pl.col("last_updated_at").is_null() | (pl.col("executed_at") <= pl.col("last_updated_at"))
    return fills.group_by(_MARKET).agg(signed.filter(until).sum().alias("then"), signed.sum().alias("now"))


def _settled_differently(run: Run) -> set[Market]:
    """Give the settled markets whose counts differ from ours, where the history is known from the beginning."""
    whole = [number for number, missing in uncovered(run, FILLS).items() if not missing]
    settled = run.stored(SETTLEMENTS).filter(pl.col("subaccount").is_in(whole))
    if settled.is_empty():
        return set()
    counts = (
        run.stored(FILLS)
        .group_by(_MARKET)
        .agg(money.units(pl.col("quantity")).filter(pl.col("side") == side).sum().alias(side) for side in ("yes", "no"))
    )
    joined = settled.join(counts, on=_MARKET, how="left").with_columns(pl.col("yes", "no").fill_null(0))
    differs = (money.units(pl.col("yes_quantity")) != pl.col("yes")) | (
        money.units(pl.col("no_quantity")) != pl.col("no")
    )
    return set(joined.filter(differs).select(_MARKET).rows())
