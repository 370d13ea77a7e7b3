"""What `demo` and `status` show: some tables, and what to type next."""

from __future__ import annotations

import json
import shlex
import sys
import textwrap
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.cells import cell_len
from rich.text import Text

from kalshi_portfolio.cli import columns
from kalshi_portfolio.cli.tables import as_text, clean, console, print_frame, say
from kalshi_portfolio.doctor import AREAS

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from rich.console import Console

    from kalshi_portfolio.doctor import Checkup
    from kalshi_portfolio.portfolio import Portfolio, Status

_HELD_SHOWN = 7
_STATE = {"ok": "green", "warn": "yellow", "fail": "red"}
_LEAST_ROOM = 24
_INDENT = 8


def show_demo(root: Path | None) -> None:
    """Sync the demo account and show, on about one screen, what one gets and how to go on."""
    from kalshi_portfolio.demo import sync_demo  # noqa: PLC0415  (the simulation is needed here alone)

    say("An invented account, synced from an exchange simulated in this process: no key, no network.\n")
    pf, report = sync_demo(root, progress=sys.stderr.isatty())
    say(str(report))
    say()
    held = pf.positions(status="open").sort("opened_at", descending=True)
    title = f"Open positions (newest {min(_HELD_SHOWN, held.height)} of {held.height})"
    print_frame(held.head(_HELD_SHOWN), columns=columns.HELD, title=title)
    say()
    profit = pf.pnl(by="category")
    shown = columns.of_profit(["category"], unknown=bool(profit["unknown_lots"].sum()))
    print_frame(profit, columns=shown, title="P&L by category")
    say()
    _say_next(pf, given=root is not None)


def _say_next(pf: Portfolio, *, given: bool) -> None:
    newest = pf.fills()["executed_at"].dt.date().to_list()[-1]
    say("Where it lies", style="bold")
    say(f"  {pf.root}")
    say(f"  fills/date={newest}/data.parquet and so on, for Polars, DuckDB, pandas, Spark")
    say("Try next", style="bold")
    say(f"  {_use(pf.root)}")
    say("  kalshi-portfolio positions --status settled")
    say("  kalshi-portfolio pnl --freq 1mo --by category --tz America/New_York")
    say(f"  {_in_python(pf.root if given else None)}")
    say("Your own account", style="bold")
    say("  In a new shell: set KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH, then")
    say("  kalshi-portfolio sync")


def _in_python(root: Path | None) -> str:
    """Give the line that opens the demo account in Python, in the folder that was asked for, if one was."""
    if root is None or sys.platform == "win32":
        folder = "" if root is None else repr(str(root))
        return f'python -i -c "import kalshi_portfolio as kp; pf = kp.demo({folder}); print(pf)"'
    folder = json.dumps(str(root), ensure_ascii=False)
    return f"python -i -c {shlex.quote(f'import kalshi_portfolio as kp; pf = kp.demo({folder}); print(pf)')}"


def _use(root: Path) -> str:
    """Give the line by which a shell's further commands read this folder."""
    if sys.platform == "win32":
        return f'$env:KALSHI_PORTFOLIO_DATA = "{root}"'
    return f"export KALSHI_PORTFOLIO_DATA={shlex.quote(str(root))}"


def show_status(status: Status) -> None:
    """Show what is on disk: facts of the whole folder, then one line per dataset."""
    width = console().width
    for label, words in status.facts():
        say(f"{label:<12}  {words}", style="red" if label == "problem" else None)
    say()
    rows = [("dataset", "rows", "covered (UTC)"), *status.rows()]
    first, second = (max(len(row[i]) for row in rows) for i in (0, 1))
    for number, (name, count, words) in enumerate(rows):
        start = f"{name:<{first}}  {count:>{second}}  "
        wrapped = textwrap.wrap(words, max(width - len(start), 20)) or [""]
        text = "\n".join([start + wrapped[0], *(" " * len(start) + line for line in wrapped[1:])])
        say(text, style=None if number else "bold")


def show_checkup(checkup: Checkup) -> None:
    """Show what a check-up found: by area, each row with its state, and below it what to do."""
    out = console()
    width = max((len(row.name) for row in checkup.findings), default=0)
    for area in AREAS:
        rows = [row for row in checkup.findings if row.area == area]
        if rows:
            say(area, style="bold")
        for row in rows:
            line = Text("  ").append(f"{row.state:<4}", style=_STATE[row.state]).append(f"  {row.name:<{width}}  ")
            blank = Text(" " * len(line.plain))
            _wrapped(out, line, row.finding)
            if row.advice:
                _wrapped(out, blank, row.advice, lead="→ ")
    say(checkup.verdict(), style=_STATE["ok" if checkup.ok else "fail"])


def _wrapped(out: Console, start: Text, words: str, *, lead: str = "") -> None:
    """Print words after a start and below it, or where that leaves no room, on lines of their own."""
    indent = len(start.plain)
    longest = max(map(len, words.split()), default=0)
    if out.width - indent < max(_LEAST_ROOM, min(longest, out.width - _INDENT) + len(lead)):
        if start.plain.strip():
            start.rstrip()
            out.print(start, soft_wrap=True)
        indent = _INDENT
        start = Text(" " * indent)
    room = max(out.width - indent - len(lead), _LEAST_ROOM)
    first, *rest = textwrap.wrap(clean(words), room, break_on_hyphens=False, break_long_words=False) or [""]
    out.print(start.append(lead, style="bold").append(first), soft_wrap=True)
    for line in rest:
        out.print(" " * (indent + len(lead)) + line, soft_wrap=True)


def show_summary(summary: pl.DataFrame) -> None:
    """Show the figures of an account, one a line."""
    row = summary.row(0, named=True)
    lines = [(label, _figure(summary.schema[name], name, row[name])) for name, label in columns.SUMMARY.items()]
    left, right = max(len(label) for label, _ in lines), max(cell_len(text) for _, text in lines)
    for label, text in lines:
        say(f"{label:<{left}}  {' ' * (right - cell_len(text))}{text}")
    for name, label in columns.SUMMARY_NOTES.items():
        if row[name]:
            say(f"{label}: {row[name]:,}", style="yellow")


def _figure(dtype: pl.DataType, name: str, value: Any) -> str:
    if name == "profit_factor" and value is not None:
        return f"{value:.2f}"
    return as_text(value, dtype)


def exact_texts(checks: pl.DataFrame) -> pl.DataFrame:
    """Write the figures of a reconciliation out: dollars to the last digit that is not 0, or contracts."""
    return checks.with_columns(
        pl.Series(name, [_exact(*pair) for pair in zip(checks[name], checks["unit"], strict=True)], dtype=pl.String)
        for name in ("ours", "theirs", "difference")
    )


def _exact(value: Decimal | None, unit: str) -> str:
    if value is None:
        return "unknown"
    if unit == "contracts":
        return f"{value:,.2f}"
    whole, _, rest = f"{abs(value) / 100:,.8f}".partition(".")
    return f"{'-' if value < 0 else ''}${whole}.{rest[:2]}{rest[2:].rstrip('0')}"
