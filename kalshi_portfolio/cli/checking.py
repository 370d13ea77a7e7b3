"""`status` and `doctor`."""

from typing import Annotated

import polars as pl
import typer

from kalshi_portfolio.cli.data import print_data, print_json, refuse_both, status_data
from kalshi_portfolio.cli.options import AsCsv, AsJson, Root, Wait
from kalshi_portfolio.cli.views import show_checkup, show_status
from kalshi_portfolio.doctor import doctor as check_up
from kalshi_portfolio.portfolio import Portfolio


def status(root: Root = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """Show what is on disk: rows per dataset, what is covered, the last sync, the quarantine, who is syncing."""
    refuse_both(as_json=as_json, as_csv=as_csv)
    found = Portfolio(root).status()
    if as_json:
        print_json(status_data(found))
    elif as_csv:
        rows = [(d.name, d.rows, d.synced, d.set_aside, "; ".join(d.coverage)) for d in found.datasets]
        print_data(
            pl.DataFrame(rows, schema=["dataset", "rows", "synced", "set_aside", "coverage"], orient="row"),
            as_json=False,
        )
    else:
        show_status(found)


def doctor(
    root: Root = None,
    offline: Annotated[bool, typer.Option("--offline", help="Leave the exchange out.")] = False,
    repair: Annotated[
        bool,
        typer.Option("--repair", help="Keep damaged files aside (under .damaged), and fetch only what they held."),
    ] = False,
    wait: Wait = 60.0,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """Check what a sync needs, and say what to do: versions, settings and where they come from, key, exchange, files.

    It works without a key, a network or a data folder, changes nothing but what --repair is asked to, and shows no
    secret. The exit status is 0 if nothing failed, else 1; warnings do not count.
    """
    refuse_both(as_json=as_json, as_csv=as_csv)
    checkup = check_up(root, offline=offline, repair=repair, wait=wait)
    rows = [
        {"area": row.area, "check": row.name, "state": row.state, "finding": row.finding, "advice": row.advice}
        for row in checkup.findings
    ]
    if as_json:
        print_json({"ok": checkup.ok, "findings": rows})
    elif as_csv:
        print_data(pl.DataFrame(rows), as_json=False)
    else:
        show_checkup(checkup)
    raise typer.Exit(0 if checkup.ok else 1)
