"""The commands. Each one calls the public functions and prints; it computes nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from kalshi_portfolio import __version__
from kalshi_portfolio.cli import columns
from kalshi_portfolio.cli.tables import print_data, print_frame, say
from kalshi_portfolio.cli.views import exact_texts, show_demo, show_status
from kalshi_portfolio.portfolio import Portfolio
from kalshi_portfolio.sync import SYNCED

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from kalshi_portfolio.cli.tables import Shown

_SHOWN_ROWS = 25

app = typer.Typer(
    name="kalshi-portfolio",
    help="Your Kalshi account as Parquet files, every trade linked to its position.",
    epilog="Try it without a key: kalshi-portfolio demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Root = Annotated[
    Path | None,
    typer.Option("--root", help="The data folder. Default: $KALSHI_PORTFOLIO_DATA, else the nearest ./data upwards."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: all rows and columns, every digit.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV: all rows and columns, every digit.")]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=0, help=f"Give at most so many rows; 0 for all. Default: {_SHOWN_ROWS} in a table."),
]
Tickers = Annotated[list[str] | None, typer.Option("--ticker", help="Only this market; may be repeated.")]
Since = Annotated[str | None, typer.Option("--since", help="From this day or time on (UTC), such as 2026-01-31.")]
Until = Annotated[str | None, typer.Option("--until", help="Until before this day or time (UTC).")]
StatusChoice = Literal["open", "closed", "settled", "all"]
MarkChoice = Literal["bid", "mid", "last"]
MethodChoice = Literal["fifo", "average"]
Method = Annotated[
    MethodChoice, typer.Option("--method", help="fifo: first in, first out; average: average cost, as Kalshi counts.")
]


def _examples(*lines: str) -> str:
    """Give examples that typer's help leaves as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  kalshi-portfolio {line}" for line in lines)


@app.callback(invoke_without_command=True)
def _main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command(
    epilog=_examples("demo", "demo --root ./demo-data"),
    short_help="Look around without a key: sync an invented account and show it.",
)
def demo(
    root: Annotated[
        Path | None, typer.Option("--root", help="The folder to sync into. Default: one of its own among your caches.")
    ] = None,
) -> None:
    """Sync an invented account from an exchange simulated in the process, and show what comes out.

    It takes some seconds. No key and no network are needed; the account is the same every time. Without --root
    it lies in a folder of its own among your caches.
    """
    show_demo(root)


@app.command(
    epilog=_examples("sync", "sync --since 2026-01-01", "sync --only positions --only balances"),
    short_help="Pull what is new of your account.",
)
def sync(
    root: Root = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help=f"Only this dataset; may be repeated. One of: {', '.join(SYNCED)}."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Do not go back further than this day (UTC), such as 2026-01-31.")
    ] = None,
    wait: Annotated[float, typer.Option("--wait", help="Seconds to wait for another sync of the folder.")] = 60.0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing unless something is wrong.")] = False,
) -> None:
    """Pull what is new of your account: fills, settlements, positions, markets, transfers, balances.

    It needs KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH, set in the environment or in a .env file. A key that
    may only read is enough. Interrupt it whenever you like: the next sync goes on where it stopped.
    """
    from kalshi_portfolio.sync import sync as run_sync  # noqa: PLC0415  (its name is taken here)

    unknown = [name for name in only or () if name not in SYNCED]
    if unknown:
        raise typer.BadParameter(f"--only {unknown[0]}: there is no such dataset. Expected one of {', '.join(SYNCED)}.")
    report = run_sync(root, only=only or None, since=since, wait=wait, progress=sys.stderr.isatty() and not quiet)
    if not quiet or report.warnings:
        say(str(report), stderr=quiet)


@app.command(
    epilog=_examples("status", "status --root ./data"),
    short_help="Show what is on disk and what is missing.",
)
def status(root: Root = None) -> None:
    """Show what is on disk: rows per dataset, what is covered, the last sync, the quarantine, who is syncing."""
    show_status(Portfolio(root).status())


@app.command(
    epilog=_examples("positions", "positions --status settled --since 2026-01-01", "positions --status all --csv"),
    short_help="List positions with entry, mark and P&L.",
)
def positions(
    root: Root = None,
    status: Annotated[StatusChoice, typer.Option("--status", help="Which positions.")] = "open",
    ticker: Tickers = None,
    since: Annotated[str | None, typer.Option("--since", help="Opened on this day or time (UTC) or later.")] = None,
    until: Annotated[str | None, typer.Option("--until", help="Opened before this day or time (UTC).")] = None,
    mark: Annotated[
        MarkChoice, typer.Option("--mark", help="What an open position is worth: bid is what a sale would fetch.")
    ] = "bid",
    method: Method = "fifo",
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List positions from flat to flat, newest first, with entry, mark and P&L."""
    _refuse_both(as_json=as_json, as_csv=as_csv)
    wanted = None if status == "all" else status
    frame = Portfolio(root).positions(status=wanted, tickers=ticker, since=since, until=until, mark=mark, method=method)
    frame = frame.sort("opened_at", "position_id", descending=True, nulls_last=True)
    _show(frame, columns.of_positions(status), limit, as_json=as_json, as_csv=as_csv)


@app.command(
    epilog=_examples("trades", "trades --ticker KXFED-26DEC-T3.75", "trades --since 2026-01-01 --json"),
    short_help="List fills, each linked to its position.",
)
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
    _refuse_both(as_json=as_json, as_csv=as_csv)
    frame = Portfolio(root).trades(tickers=ticker, since=since, until=until).reverse()
    _show(frame, columns.TRADES, limit, as_json=as_json, as_csv=as_csv)


@app.command(
    epilog=_examples(
        "pnl --by category", "pnl --freq 1mo --tz America/New_York", "pnl --by series_ticker --by side --csv"
    ),
    short_help="Add up P&L by group and period.",
)
def pnl(
    root: Root = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            help="Group by this column; may be repeated: ticker, event_ticker, series_ticker, category, side, "
            "is_taker, subaccount, price_bucket, hour, weekday, result, or another column of the markets.",
        ),
    ] = None,
    freq: Annotated[str | None, typer.Option("--freq", help="Length of a period: 1h, 1d, 1w, 1mo, 1q, 1y.")] = None,
    tz: Annotated[str, typer.Option("--tz", help="Time zone of days and hours, such as America/New_York.")] = "UTC",
    ticker: Tickers = None,
    since: Since = None,
    until: Until = None,
    method: Method = "fifo",
    limit: Annotated[int, typer.Option("--limit", min=0, help="Give at most so many rows; 0 for all.")] = 0,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Add up P&L by group and period: before fees, fees, and net.

    P&L falls on the day it is realised, a fee on the day it is paid.
    """
    _refuse_both(as_json=as_json, as_csv=as_csv)
    groups = list(dict.fromkeys(by or []))
    frame = Portfolio(root).pnl(by=groups, freq=freq, tz=tz, tickers=ticker, since=since, until=until, method=method)
    keys = (["period"] if freq else []) + groups
    shown = columns.of_profit(keys, unknown=bool(frame["unknown_lots"].sum()))
    _show(frame, shown, limit, as_json=as_json, as_csv=as_csv)


@app.command(
    epilog=_examples("reconcile", "reconcile --ticker KXFED-26DEC-T3.75 --all", "reconcile --json"),
    short_help="Compare our figures with the exchange's.",
)
def reconcile(
    root: Root = None,
    ticker: Tickers = None,
    everything: Annotated[bool, typer.Option("--all", help="List the checks that agree, too.")] = False,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Compare our positions, fees, P&L, settlements and cash with the exchange's own, and say why they differ."""
    _refuse_both(as_json=as_json, as_csv=as_csv)
    frame = Portfolio(root).reconcile(tickers=ticker)
    differing = frame.filter(~frame["ok"])
    if not (as_json or as_csv):
        say(f"{frame.height - differing.height:,} of {frame.height:,} checks agree.")
        if differing.is_empty() and not everything:
            return
        frame = exact_texts(frame if everything else differing)
    _show(frame, columns.CHECKS, limit, as_json=as_json, as_csv=as_csv)


def _refuse_both(*, as_json: bool, as_csv: bool) -> None:
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other: choose one.")


def _show(frame: pl.DataFrame, shown: Sequence[Shown], limit: int | None, *, as_json: bool, as_csv: bool) -> None:
    if as_json or as_csv:
        print_data(frame.head(limit) if limit else frame, as_json=as_json)
    else:
        print_frame(frame, columns=shown, limit=_SHOWN_ROWS if limit is None else limit or None)
