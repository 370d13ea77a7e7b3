"""`report`: the account as one page."""

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from kalshi_portfolio.cli.data import print_json
from kalshi_portfolio.cli.options import Mark, Method, Root, Zone
from kalshi_portfolio.cli.tables import say
from kalshi_portfolio.portfolio import Portfolio


def report(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Where to write; an older report is replaced. - prints the page."),
    ] = Path("report.html"),
    root: Root = None,
    tz: Zone = "UTC",
    method: Method = "fifo",
    mark: Mark = "bid",
    since: Annotated[
        str | None, typer.Option("--since", metavar="DAY", help="From this day on (of --tz), such as 2026-01-01.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DAY", help="Until before this day (of --tz).")
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print where it lies and its size in bytes as a line of JSON.")
    ] = False,
) -> None:
    """Write the account as one HTML page that opens offline: figures, charts, positions, fees, checks.

    Only a report is overwritten; any other file in its place is kept, and the command says so.
    """
    printed = str(file) == "-"
    if printed and as_json:
        raise typer.BadParameter("- prints the page, --json where it lies: choose one.")
    pf = Portfolio(root)
    if printed:
        page = pf.report(None, tz=tz, method=method, mark=mark, since=since, until=until)
        sys.stdout.buffer.write(page.encode())
        return
    written = pf.report(file, tz=tz, method=method, mark=mark, since=since, until=until)
    size = written.stat().st_size
    if as_json:
        print_json({"path": written, "bytes": size})
    else:
        say(f"Report: {written} ({size / 1e6:.1f} MB)")
    if show and not webbrowser.open(written.as_uri()):
        say("No browser could be opened: open that file yourself.", stderr=True)
