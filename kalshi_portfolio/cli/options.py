"""Options that several commands understand. Typer reads them from the types of a command's parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from kalshi_portfolio.cli import completion

SHOWN_ROWS = 25

Version = Annotated[bool, typer.Option("--version", help="Print the version.")]
Root = Annotated[
    Path | None,
    typer.Option(
        "--root",
        metavar="FOLDER",
        help="The data folder. Default: $KALSHI_PORTFOLIO_DATA, else the nearest ./data upwards.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: all rows and columns, every digit.")]
AsCsv = Annotated[
    bool,
    typer.Option(
        "--csv",
        help="Print CSV: all rows and columns, every digit. A text that a spreadsheet would run as a formula gets an "
        "apostrophe before it; numbers stay as they are.",
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        metavar="ROWS",
        min=0,
        help=f"Give at most so many rows; 0 for all. Default: {SHOWN_ROWS} in a table.",
    ),
]
Tickers = Annotated[
    list[str] | None,
    typer.Option(
        "--ticker", metavar="TICKER", help="Only this market; may be repeated.", autocompletion=completion.tickers
    ),
]
Since = Annotated[
    str | None,
    typer.Option(
        "--since",
        metavar="TIME",
        help="From this day or time on (in --tz where there is one, else UTC), such as 2026-01-31.",
    ),
]
Until = Annotated[
    str | None,
    typer.Option(
        "--until", metavar="TIME", help="Until before this day or time (in --tz where there is one, else UTC)."
    ),
]
Zone = Annotated[
    str,
    typer.Option(
        "--tz",
        metavar="ZONE",
        help="Time zone of days and hours, such as America/New_York.",
        autocompletion=completion.zones,
    ),
]
StatusChoice = Literal["open", "closed", "settled", "all"]
Mark = Annotated[
    Literal["bid", "mid", "last"],
    typer.Option("--mark", help="What an open position is worth: bid is what a sale would fetch."),
]
Method = Annotated[
    Literal["fifo", "average"],
    typer.Option("--method", help="fifo: first in, first out; average: average cost, as Kalshi counts."),
]
Wait = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", help="Seconds to wait for another sync of the folder.")
]
