"""Sync the positions: a snapshot of what is held, with its mark, and one last row for what no longer is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.parse import Parsed, parse_positions
from kalshi_portfolio.schema import FILLS, SETTLEMENTS, SNAPSHOTS, TIME

if TYPE_CHECKING:
    from kalshi_portfolio.sync.run import Run

_MARKET = ("subaccount", "ticker")


@dataclass(frozen=True)
class Answers:
    """What the exchange says is held.

    Attributes:
        frame: One row per position, conforming to ``schema.SNAPSHOTS``, without marks.
        complete: The subaccounts whose answer had no row that did not fit: only theirs may close positions.
    """

    frame: pl.DataFrame
    complete: tuple[int, ...]


async def read_positions(run: Run) -> Answers:
    """Read the positions of every subaccount, to the last page."""
    run.tally("positions")
    frames = [SNAPSHOTS.empty()]
    complete = []
    for number in run.subaccounts:
        pages = await run.bodies("positions", subaccount=number)
        parsed = parse_positions(pages, run.source("live", number))
        run.keep(SNAPSHOTS, Parsed(SNAPSHOTS.empty(), parsed.set_aside))
        frames.append(parsed.frame.unique(SNAPSHOTS.key, keep="last", maintain_order=True))
        if not parsed.set_aside:
            complete.append(run.number(number))
    return Answers(pl.concat(frames), tuple(complete))


async def write_positions(run: Run, answers: Answers, markets: pl.DataFrame) -> None:
    """Store the snapshot with marks, and close once what was held and is not any more."""
    gone = _gone(run, answers)
    reasons = _explained(run, gone, markets)
    still, closed = await _confirmed(run, gone, reasons)
    held = pl.concat([answers.frame, still])
    flat_now = _newly_flat(run, held, markets)
    rows = pl.concat([_marked(flat_now, markets), closed])
    run.keep(SNAPSHOTS, Parsed(SNAPSHOTS.conform(rows)))
    for number in run.subaccounts:
        run.log_snapshot("positions", run.number(number))


def _open_before(run: Run) -> pl.DataFrame:
    return run.store.latest(SNAPSHOTS).filter(pl.col("quantity") > 0)


def _gone(run: Run, answers: Answers) -> pl.DataFrame:
    """Give the latest rows of positions that were open and that a complete answer lacks."""
    before = _open_before(run).filter(pl.col("subaccount").is_in(answers.complete))
    return before.join(answers.frame, on=list(SNAPSHOTS.key), how="anti")


def _explained(run: Run, positions: pl.DataFrame, markets: pl.DataFrame) -> pl.DataFrame:
    """Say when each position ended: by its closing fill, its settlement, or its market's payout.

    Returns:
        ``subaccount, ticker, closed_at``; a position that nothing explains is not in it.
    """
    tickers = positions["ticker"].unique().to_list()
    if not tickers:
        return pl.DataFrame(schema={"subaccount": pl.Int32, "ticker": pl.String, "closed_at": TIME})
    its = pl.col("ticker").is_in(tickers)
    fills = run.store.read(FILLS, predicate=its)
    sign = pl.when(pl.col("side") == "yes").then(1).otherwise(-1)
    net = (money.units(pl.col("quantity")) * sign).sum()
    traded = fills.group_by(_MARKET).agg(net.alias("net"), pl.col("executed_at").max().alias("closed_at"))
    settled = run.store.read(SETTLEMENTS, predicate=its).select(*_MARKET, closed_at="settled_at")
    paid = positions.select(_MARKET).join(
        markets.filter(pl.col("status") == "finalized").select(
            "ticker", closed_at=pl.coalesce("settled_at", "close_time")
        ),
        on="ticker",
    )
    reasons = [traded.filter(pl.col("net") == 0).drop("net"), settled, paid]
    return pl.concat(reasons).drop_nulls("closed_at").unique(_MARKET, keep="first", maintain_order=True)


async def _confirmed(run: Run, gone: pl.DataFrame, reasons: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Ask again, by ticker, for each position whose end nothing explains.

    Returns:
        Rows that the second reading shows after all, and the closing rows of the others.
    """
    ends = gone.drop("closed_at").join(reasons, on=list(_MARKET), how="left", maintain_order="left")
    frames = [SNAPSHOTS.empty()]
    for subaccount, ticker in ends.filter(pl.col("closed_at").is_null()).select(_MARKET).unique().rows():
        number = subaccount if run.subaccounts != (None,) else None
        pages = await run.bodies("positions", subaccount=number, ticker=ticker)
        parsed = parse_positions(pages, run.source("live", number))
        frames.append(parsed.frame.filter(pl.col("ticker") == ticker))
    still = pl.concat(frames)
    closed = ends.join(still, on=list(SNAPSHOTS.key), how="anti").with_columns(
        pl.col("closed_at").fill_null(run.now),
        side=pl.lit(None, pl.String),
        quantity=pl.lit(0).cast(money.QUANTITY),
        net_quantity=pl.lit(0).cast(money.QUANTITY),
        avg_price_cents=pl.lit(None, money.PRICE),
        current_price_cents=pl.lit(None, money.PRICE),
        market_exposure_cents=pl.lit(0).cast(money.MONEY),
        last_synced=pl.lit(run.now, TIME),
    )
    return still, SNAPSHOTS.conform(closed)


def _newly_flat(run: Run, held: pl.DataFrame, markets: pl.DataFrame) -> pl.DataFrame:
    """Say on a flat row when the position was closed."""
    flat = held.filter(pl.col("quantity") == 0)
    reasons = _explained(run, flat, markets).rename({"closed_at": "ended"})
    joined = held.join(reasons, on=list(_MARKET), how="left", maintain_order="left")
    ended = pl.coalesce("ended", "last_updated_at", pl.lit(run.now, TIME))
    closed_at = pl.when(pl.col("quantity") == 0).then(ended).otherwise("closed_at")
    return joined.with_columns(closed_at=closed_at).drop("ended")


def _marked(positions: pl.DataFrame, markets: pl.DataFrame) -> pl.DataFrame:
    """Add the bid of the held side: what a sale would fetch now."""
    quotes = markets.select("ticker", "yes_bid_cents", "no_bid_cents")
    joined = positions.join(quotes, on="ticker", how="left", maintain_order="left")
    bid = pl.when(pl.col("side") == "yes").then("yes_bid_cents").when(pl.col("side") == "no").then("no_bid_cents")
    return joined.with_columns(current_price_cents=bid).select(SNAPSHOTS.schema.names())
