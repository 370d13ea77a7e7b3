"""The commands. Each one calls the public functions and prints; it computes nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kalshi_portfolio import __version__
from kalshi_portfolio.cli.tables import console, print_data, print_frame
from kalshi_portfolio.errors import KalshiPortfolioError
from kalshi_portfolio.portfolio import Portfolio
from kalshi_portfolio.sync import SYNCED

if TYPE_CHECKING:
    import polars as pl

app = typer.Typer(
    name="kalshi-portfolio",
    help="Your Kalshi account as Parquet files, every trade linked to its position.",
    epilog="Try it without a key: kalshi-portfolio demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Root = Annotated[
    Path | None,
    typer.Option("--root", help="The data folder [default: $KALSHI_PORTFOLIO_DATA, else the nearest ./data upwards]"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON with every digit.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV with every digit.")]
Limit = Annotated[int, typer.Option("--limit", min=0, help="Show at most so many rows; 0 for all.")]
Tickers = Annotated[list[str] | None, typer.Option("--ticker", help="Only this market; may be repeated.")]
Since = Annotated[str | None, typer.Option("--since", help="From this day on, such as 2026-01-31 (UTC).")]
Until = Annotated[str | None, typer.Option("--until", help="Until before this day (UTC).")]

POSITION_HEADERS = {
    "ticker": "market",
    "title": "title",
    "side": "side",
    "status": "status",
    "quantity": "held",
    "avg_price_cents": "entry",
    "current_price_cents": "mark",
    "unrealized_pnl_cents": "unrealised",
    "realized_pnl_cents": "realised",
    "fee_cents": "fees",
    "net_pnl_cents": "net",
}
PNL_HEADERS = {
    "realized_pnl_cents": "realised",
    "fee_cents": "fees",
    "net_pnl_cents": "net",
    "quantity": "contracts",
    "lots": "lots",
    "unknown_lots": "unknown",
    "win_ratio": "won",
}
TRADE_HEADERS = {
    "executed_at": "time (UTC)",
    "ticker": "market",
    "side": "side",
    "action": "action",
    "quantity": "contracts",
    "price_cents": "price",
    "fee_cents": "fee",
    "position_after": "position",
    "realized_pnl_cents": "realised",
}
COVERAGE_HEADERS = {
    "dataset": "dataset",
    "subaccount": "subaccount",
    "covered_from": "from (UTC)",
    "covered_to": "to (UTC)",
    "status": "status",
    "note": "note",
}


@app.callback(invoke_without_command=True)
def _main(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


@app.command()
def demo(root: Root = None) -> None:
    """Sync an invented account from a simulated exchange and show what comes out. No key, no network."""
    from kalshi_portfolio.demo import demo as open_demo  # noqa: PLC0415  (the simulation is needed here alone)
    from kalshi_portfolio.demo import demo_folder, sync_demo  # noqa: PLC0415

    folder = root or demo_folder()
    report = sync_demo(folder, progress=sys.stderr.isatty())
    pf = open_demo(folder)
    out = console()
    out.print(str(report), markup=False)
    out.print()
    held = pf.positions(status="open").sort("opened_at", descending=True)
    print_frame(
        held, headers=_without(POSITION_HEADERS, "status", "realized_pnl_cents"), title="Open positions", limit=8
    )
    out.print()
    print_frame(pf.pnl(by="category"), headers={"category": "category", **PNL_HEADERS}, title="P&L by category")
    out.print()
    out.print(f"The data: {pf.root}", markup=False, soft_wrap=True)
    out.print(
        f"Next:     kalshi-portfolio pnl --by series_ticker --freq 1mo --root {pf.root}", markup=False, soft_wrap=True
    )
    out.print("Python:   import kalshi_portfolio as kp; pf = kp.demo(); pf.trades()", markup=False)
    out.print("Your own: set KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH, then kalshi-portfolio sync", markup=False)


@app.command()
def sync(
    root: Root = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help=f"Only this dataset; may be repeated. One of: {', '.join(SYNCED)}."),
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", help="Do not go back further than this day, such as 2026-01-31 (UTC).")
    ] = None,
    wait: Annotated[float, typer.Option("--wait", help="Seconds to wait for another sync of the folder.")] = 60.0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing unless something is wrong.")] = False,
) -> None:
    """Pull what is new of your account: fills, settlements, positions, markets, transfers, balances.

    It needs KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH, set in the environment or in a .env file. A key that
    may only read is enough.
    """
    from kalshi_portfolio.sync import sync as run_sync  # noqa: PLC0415  (its name is taken here)

    report = run_sync(root, only=only, since=since, wait=wait, progress=sys.stderr.isatty() and not quiet)
    if not quiet or report.warnings:
        console(stderr=quiet).print(str(report), markup=False)


@app.command()
def status(root: Root = None) -> None:
    """Show what is on disk, up to when it is complete, and what is missing."""
    pf = Portfolio(root)
    console().print(repr(pf), markup=False, soft_wrap=True)
    console().print()
    print_frame(pf.coverage(), headers=COVERAGE_HEADERS, title="Coverage (1970: from the beginning)")


@app.command()
def positions(
    root: Root = None,
    status: Annotated[str, typer.Option("--status", help="open, closed, settled or all.")] = "open",
    ticker: Tickers = None,
    since: Since = None,
    until: Until = None,
    mark: Annotated[str, typer.Option("--mark", help="bid, mid or last.")] = "bid",
    limit: Limit = 50,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List positions from flat to flat, newest first, with entry, mark and P&L."""
    wanted = None if status == "all" else status
    frame = Portfolio(root).positions(status=wanted, tickers=ticker, since=since, until=until, mark=mark)
    frame = frame.sort("opened_at", "position_id", descending=True, nulls_last=True)
    headers = POSITION_HEADERS if wanted is None else _without(POSITION_HEADERS, "status")
    _show(frame, headers, limit, as_json=as_json, as_csv=as_csv)


@app.command()
def trades(
    root: Root = None,
    ticker: Tickers = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List fills, newest first, each linked to its position."""
    frame = Portfolio(root).trades(tickers=ticker, since=since, until=until).reverse()
    _show(frame, TRADE_HEADERS, limit, as_json=as_json, as_csv=as_csv)


@app.command()
def pnl(
    root: Root = None,
    by: Annotated[list[str] | None, typer.Option("--by", help="Group by this column; may be repeated.")] = None,
    freq: Annotated[str | None, typer.Option("--freq", help="Length of a period: 1d, 1w, 1mo, 1q, 1y.")] = None,
    tz: Annotated[str, typer.Option("--tz", help="Time zone of the days, such as America/New_York.")] = "UTC",
    ticker: Tickers = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 0,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Add up P&L by group and period: before fees, fees, and net."""
    groups = by or []
    frame = Portfolio(root).pnl(by=groups, freq=freq, tz=tz, tickers=ticker, since=since, until=until)
    keys = (["period"] if freq else []) + groups
    _show(frame, {**{key: key for key in keys}, **PNL_HEADERS}, limit, as_json=as_json, as_csv=as_csv)


def _without(headers: dict[str, str], *names: str) -> dict[str, str]:
    return {name: heading for name, heading in headers.items() if name not in names}


def _show(frame: pl.DataFrame, headers: dict[str, str], limit: int, *, as_json: bool, as_csv: bool) -> None:
    if as_json and as_csv:
        raise typer.BadParameter("Choose one of --json and --csv.")
    if as_json or as_csv:
        print_data(frame if not limit else frame.head(limit), as_json=as_json)
    else:
        print_frame(frame, headers=headers, limit=limit or None)


def main() -> None:
    """Run the command line; a person's mistake gives one line and exit status 1, never a traceback."""
    try:
        app()
    except KalshiPortfolioError as error:
        console(stderr=True).print(f"Error: {error}", markup=False, soft_wrap=True)
        for note in getattr(error, "__notes__", ()):
            console(stderr=True).print(note, markup=False, soft_wrap=True)
        raise SystemExit(1) from None
    except KeyboardInterrupt:
        console(stderr=True).print("Interrupted. The next sync goes on where this one stopped.", markup=False)
        raise SystemExit(130) from None
    except BrokenPipeError:
        raise SystemExit(0) from None
