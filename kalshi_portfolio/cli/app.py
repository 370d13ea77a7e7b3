"""The list of commands: each with one line of help and examples."""

import typer
from typer.core import TyperGroup

from kalshi_portfolio import __version__
from kalshi_portfolio.cli import checking, datasets, frames, report, syncing
from kalshi_portfolio.cli.options import Version

COMMANDS = (
    (
        syncing.demo,
        "Look around without a key: sync an invented account and show it.",
        ("demo", "demo --root ./demo-data"),
    ),
    (
        syncing.sync,
        "Pull what is new of your account.",
        ("sync", "sync --since 2026-01-01", "sync --only positions --only balances", "sync --watch 60"),
    ),
    (checking.status, "Show what is on disk and what is missing.", ("status", "status --root ./data", "status --json")),
    (
        checking.doctor,
        "Check settings, key, exchange and data folder; repair damaged files.",
        ("doctor", "doctor --offline", "doctor --repair"),
    ),
    (frames.summary, "Show the account in figures.", ("summary", "summary --mark mid", "summary --json")),
    (
        frames.positions,
        "List positions with entry, mark and P&L.",
        ("positions", "positions --status settled --since 2026-01-01", "positions --status all --csv"),
    ),
    (
        frames.trades,
        "List fills, each linked to its position.",
        ("trades", "trades --ticker KXFED-26DEC-T3.75", "trades --since 2026-01-01 --json"),
    ),
    (frames.lots, "List what was matched with what, first in, first out.", ("lots", "lots --since 2026-01-01 --csv")),
    (
        frames.pnl,
        "Add up P&L by group and period.",
        ("pnl --by category", "pnl --freq 1mo --tz America/New_York", "pnl --by series_ticker --by side --csv"),
    ),
    (
        frames.equity,
        "Show the course of the account, period by period.",
        ("equity", "equity --freq 1d --since 2026-11-01", "equity --freq 1w --tz America/New_York --csv"),
    ),
    (
        frames.reconcile,
        "Compare our figures with the exchange's.",
        ("reconcile", "reconcile --ticker KXFED-26DEC-T3.75 --all", "reconcile --json"),
    ),
    (
        report.report,
        "Write the account as one HTML page that opens offline.",
        ("report", "report 2026.html --since 2026-01-01 --tz America/New_York", "report --open"),
    ),
    (datasets.fills, "List fills as the exchange reported them.", ("fills", "fills --since 2026-01-01 --csv")),
    (datasets.settlements, "List settled markets.", ("settlements", "settlements --since 2026-01-01 --csv")),
    (datasets.transfers, "List deposits, withdrawals and internal transfers.", ("transfers", "transfers --json")),
    (datasets.balances, "List the cash that each day's last sync found.", ("balances", "balances --csv")),
    (datasets.markets, "List the markets ever traded.", ("markets", "markets --ticker KXFED-26DEC-T3.75 --json")),
    (datasets.coverage, "List which stretches of time are on disk.", ("coverage", "coverage --json")),
)


class _Commands(TyperGroup):
    """The group of all commands."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # typer's own is not public
        """Run a command; what is wrong with a value is told without the words of the library that found it."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            error.message = error.message.removeprefix("Value error, ")
            raise


app = typer.Typer(
    name="kalshi-portfolio",
    cls=_Commands,
    help="Your Kalshi account as Parquet files, every trade linked to its position.",
    epilog="Try it without a key: kalshi-portfolio demo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def _main(version: Version = False) -> None:
    if version:
        typer.echo(__version__)
        raise typer.Exit


def _examples(lines: tuple[str, ...]) -> str:
    """Give examples that typer's help leaves as they are."""
    return "\b\nExamples:\n" + "\n".join(f"  kalshi-portfolio {line}" for line in lines)


for _function, _help, _lines in COMMANDS:
    app.command(epilog=_examples(_lines), short_help=_help)(_function)
