"""Data for other programs: JSON and CSV, exact to the last digit, in UTF-8 whatever the terminal is."""

from __future__ import annotations

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import typer

from kalshi_portfolio.cli.options import SHOWN_ROWS
from kalshi_portfolio.cli.tables import limited, print_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kalshi_portfolio.cli.tables import Shown
    from kalshi_portfolio.portfolio import Status
    from kalshi_portfolio.sync import SyncReport

# What a spreadsheet takes for the start of a formula, its full-width forms included.
_FORMULA = r"^\s*[=+\-@\t\r\n\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}]"


def refuse_both(*, as_json: bool, as_csv: bool) -> None:
    """Refuse --json together with --csv."""
    if as_json and as_csv:
        raise typer.BadParameter("--json and --csv exclude each other: choose one.")


def show(
    frame: pl.DataFrame,
    shown: Sequence[Shown],
    limit: int | None,
    *,
    as_json: bool,
    as_csv: bool,
    latest: bool = False,
) -> None:
    """Show a frame as it was asked for: as a table, or whole for other programs.

    A limit keeps the first rows, or where ``latest`` the last ones: those of a frame with the oldest first.
    """
    if as_json or as_csv:
        print_data(limited(frame, limit or None, last=latest), as_json=as_json)
    else:
        print_frame(frame, columns=shown, limit=SHOWN_ROWS if limit is None else limit or None, last=latest)


def print_data(frame: pl.DataFrame, *, as_json: bool) -> None:
    """Print a frame for other programs: decimals as text, times and durations in ISO 8601.

    A text of CSV that a spreadsheet would run as a formula gets an apostrophe before it; numbers never do.
    """
    plain = frame.with_columns(
        *(pl.col(n).cast(pl.String) for n, t in frame.schema.items() if t.is_decimal()),
        *(pl.col(n).dt.to_string("iso:strict") for n, t in frame.schema.items() if isinstance(t, pl.Datetime)),
        *(pl.col(n).dt.to_string("iso") for n, t in frame.schema.items() if isinstance(t, pl.Duration)),
    )
    if as_json:
        _write(plain.write_json() + "\n")
        return
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    guarded = [
        pl.when(pl.col(name).str.contains(_FORMULA)).then("'" + pl.col(name)).otherwise(name).alias(name)
        for name in texts
    ]
    _write(plain.with_columns(guarded).write_csv())


def print_json(value: Any) -> None:
    """Print one value as a line of JSON."""
    _write(json.dumps(value, ensure_ascii=False, default=_plain) + "\n")


def report_data(report: SyncReport) -> dict[str, Any]:
    """Give what a sync did, for JSON."""
    return {
        "as_of": report.as_of,
        "seconds": round(report.seconds, 3),
        "requests": report.requests,
        "retries": report.retries,
        "changed": report.changed,
        "in_quarantine": report.in_quarantine,
        "datasets": {
            name: {"received": t.received, "new": t.new, "changed": t.changed, "set_aside": t.set_aside}
            for name, t in report.datasets.items()
        },
        "missing": {name: [list(window) for window in windows] for name, windows in report.missing.items()},
        "warnings": report.warnings,
    }


def report_frame(report: SyncReport) -> pl.DataFrame:
    """Give what a sync did, for CSV: one row per dataset."""
    rows = [
        {"dataset": name, "received": t.received, "new": t.new, "changed": t.changed, "set_aside": t.set_aside}
        for name, t in report.datasets.items()
    ]
    return pl.DataFrame(rows).with_columns(as_of=pl.lit(report.as_of))


def status_data(status: Status) -> dict[str, Any]:
    """Give what is on disk, for JSON."""
    return {
        "root": status.root,
        "environment": status.environment,
        "complete_to": status.complete_to,
        "last_sync": status.last_sync,
        "syncing": status.syncing,
        "in_quarantine": status.in_quarantine,
        "problems": status.problems,
        "datasets": [
            {"name": d.name, "rows": d.rows, "synced": d.synced, "set_aside": d.set_aside, "coverage": d.coverage}
            for d in status.datasets
        ],
    }


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON here. Expected text, numbers, times, paths.")


def _write(text: str) -> None:
    """Write bytes: an ASCII terminal must not turn a letter of the data into a question mark."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
