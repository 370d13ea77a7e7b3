"""Commands that show what is computed: positions, trades, lots, P&L, equity, summary, reconciliation."""

from typing import Annotated

import typer

from kalshi_portfolio.cli import columns, completion
from kalshi_portfolio.cli.data import print_data, refuse_both, show
from kalshi_portfolio.cli.options import (
    AsCsv,
    AsJson,
    Limit,
    Mark,
    Method,
    Root,
    Since,
    StatusChoice,
    Tickers,
    Until,
    Zone,
)
from kalshi_portfolio.cli.tables import console, say
from kalshi_portfolio.cli.views import exact_texts, show_summary
from kalshi_portfolio.portfolio import Portfolio
from kalshi_portfolio.portfolio.shown import disagreements

_READABLE = 100


def positions(
    root: Root = None,
    status: Annotated[StatusChoice, typer.Option("--status", help="Which positions.")] = "open",
    ticker: Tickers = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="TIME", help="Opened on this day or time (UTC) or later.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="TIME", help="Opened before this day or time (UTC).")
    ] = None,
    mark: Mark = "bid",
    method: Method = "fifo",
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List positions from flat to flat, newest first, with entry, mark and P&L."""
    refuse_both(as_json=as_json, as_csv=as_csv)
    wanted = None if status == "all" else status
    frame = Portfolio(root).positions(status=wanted, tickers=ticker, since=since, until=until, mark=mark, method=method)
    frame = frame.sort("opened_at", "position_id", descending=True, nulls_last=True)
    show(frame, columns.of_positions(status), limit, as_json=as_json, as_csv=as_csv)


def trades(
    root: Root = None,
    ticker: Tickers = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List fills, newest first, each linked to the position that it opened, grew, shrank or closed.

    A fill that closes one position and opens the opposite one is two rows.
    """
    refuse_both(as_json=as_json, as_csv=as_csv)
    frame = Portfolio(root).trades(tickers=ticker, since=since, until=until).reverse()
    show(frame, columns.TRADES, limit, as_json=as_json, as_csv=as_csv)


def lots(
    root: Root = None,
    ticker: Tickers = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--since", metavar="TIME", help="Closed on this day or time (UTC) or later; leaves out open lots."
        ),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option("--until", metavar="TIME", help="Closed before this day or time (UTC); leaves out open lots."),
    ] = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List lots, newest first: what was bought in one fill, and sold in one fill or settled (first in, first out)."""
    refuse_both(as_json=as_json, as_csv=as_csv)
    frame = Portfolio(root).lots(tickers=ticker, since=since, until=until)
    frame = frame.sort("opened_at", descending=True, maintain_order=True)
    show(frame, columns.LOTS, limit, as_json=as_json, as_csv=as_csv)


def pnl(
    root: Root = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="COLUMN",
            help="Group by this column; may be repeated: ticker, event_ticker, series_ticker, category, side, "
            "is_taker, subaccount, price_bucket, hour, weekday, result, or another column of the markets.",
            autocompletion=completion.groups,
        ),
    ] = None,
    freq: Annotated[
        str | None,
        typer.Option(
            "--freq",
            metavar="LENGTH",
            help="Length of a period: 1h, 1d, 1w, 1mo, 1q, 1y.",
            autocompletion=completion.frequencies,
        ),
    ] = None,
    tz: Zone = "UTC",
    ticker: Tickers = None,
    since: Since = None,
    until: Until = None,
    method: Method = "fifo",
    limit: Annotated[
        int,
        typer.Option(
            "--limit",
            metavar="ROWS",
            min=0,
            help="Give at most so many rows, with --freq those of the latest periods; 0 for all.",
        ),
    ] = 0,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Add up P&L by group and period: before fees, fees, and net.

    P&L falls on the day it is realised, a fee on the day it is paid. With --freq the oldest period comes first.
    """
    refuse_both(as_json=as_json, as_csv=as_csv)
    groups = list(dict.fromkeys(by or []))
    frame = Portfolio(root).pnl(by=groups, freq=freq, tz=tz, tickers=ticker, since=since, until=until, method=method)
    keys = (["period"] if freq else []) + groups
    shown = columns.of_profit(keys, unknown=bool(frame["unknown_lots"].sum()))
    show(frame, shown, limit, as_json=as_json, as_csv=as_csv, latest=freq is not None)


def equity(
    root: Root = None,
    freq: Annotated[
        str,
        typer.Option(
            "--freq",
            metavar="LENGTH",
            help="Length of a period: 1h, 1d, 1w, 1mo, 1q, 1y.",
            autocompletion=completion.frequencies,
        ),
    ] = "1mo",
    tz: Zone = "UTC",
    since: Since = None,
    until: Until = None,
    method: Method = "fifo",
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Show P&L, fees, the running total, drawdown and transfers, newest period first.

    The running total begins with the account, whatever --since is.
    """
    refuse_both(as_json=as_json, as_csv=as_csv)
    frame = Portfolio(root).equity(freq=freq, tz=tz, since=since, until=until, method=method).reverse()
    shown = columns.of_equity(unknown=bool(frame["unknown_lots"].sum()))
    show(frame, shown, limit, as_json=as_json, as_csv=as_csv)


def summary(
    root: Root = None, mark: Mark = "bid", method: Method = "fifo", as_json: AsJson = False, as_csv: AsCsv = False
) -> None:
    """Show the account in figures: P&L, fees, what is held, win ratio, best and worst, drawdown, return."""
    refuse_both(as_json=as_json, as_csv=as_csv)
    frame = Portfolio(root).summary(mark=mark, method=method)
    if as_json or as_csv:
        print_data(frame, as_json=as_json)
    else:
        show_summary(frame)


def reconcile(
    root: Root = None,
    ticker: Tickers = None,
    everything: Annotated[
        bool, typer.Option("--all", help="List the checks that agree, too; --json and --csv always give all.")
    ] = False,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Compare our positions, fees, P&L, settlements and cash with the exchange's own, and say why they differ."""
    refuse_both(as_json=as_json, as_csv=as_csv)
    frame = Portfolio(root).reconcile(tickers=ticker)
    differing = frame.filter(~frame["ok"])
    if not (as_json or as_csv):
        say(_agreement(frame.height - differing.height, frame.height))
        if not everything or frame.is_empty():
            width = min(console().width, _READABLE)
            for line in disagreements(differing, most=limit or differing.height, width=width):
                say(line)
            return
        frame = exact_texts(frame)
    show(frame, columns.CHECKS, limit, as_json=as_json, as_csv=as_csv)


def _agreement(agree: int, checks: int) -> str:
    if not checks:
        return "Nothing to compare."
    return f"{agree:,} of {checks:,} checks agree."
