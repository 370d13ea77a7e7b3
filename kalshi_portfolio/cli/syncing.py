"""`demo` and `sync`."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from kalshi_portfolio.cli import completion
from kalshi_portfolio.cli.data import print_data, print_json, refuse_both, report_data, report_frame
from kalshi_portfolio.cli.interruption import interruptible
from kalshi_portfolio.cli.options import AsCsv, Root, Wait
from kalshi_portfolio.cli.rounds import Rounds
from kalshi_portfolio.cli.tables import say
from kalshi_portfolio.cli.views import show_demo
from kalshi_portfolio.cli.watch import LEAST_SECONDS, Terminated, terminable, watch
from kalshi_portfolio.settings import load_settings
from kalshi_portfolio.store import find_root
from kalshi_portfolio.sync import SYNCED, SyncReport
from kalshi_portfolio.sync import sync as run_sync
from kalshi_portfolio.sync.functions import connect, parse_since


def demo(
    root: Annotated[
        Path | None,
        typer.Option(
            "--root", metavar="FOLDER", help="The folder to sync into. Default: one of its own among your caches."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: where it lies, and what came.")] = False,
) -> None:
    """Sync an invented account from an exchange simulated in the process, and show what comes out.

    It takes some seconds. No key and no network are needed; the account is the same every time. Without --root
    it lies in a folder of its own among your caches.
    """
    from kalshi_portfolio.demo import demo_folder, sync_demo  # noqa: PLC0415  (the simulation is needed here alone)

    with interruptible((root or demo_folder()).expanduser()):
        if not as_json:
            show_demo(root)
            return
        pf, report = sync_demo(root, progress=sys.stderr.isatty())
    print_json({"root": pf.root, "environment": pf.environment, "sync": report_data(report)})


def sync(
    root: Root = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            "--only",
            metavar="DATASET",
            help=f"Only this dataset; may be repeated. One of: {', '.join(SYNCED)}.",
            autocompletion=completion.datasets,
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option("--since", metavar="TIME", help="Do not go back further than this day (UTC), such as 2026-01-31."),
    ] = None,
    every: Annotated[
        float | None,
        typer.Option(
            "--watch",
            min=LEAST_SECONDS,
            metavar="SECONDS",
            help="Go on: sync every so many seconds, at least 5, with a line each time.",
        ),
    ] = None,
    wait: Wait = 60.0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing unless something is wrong.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print what came as a line of JSON; with --watch, a line each time.")
    ] = False,
    as_csv: AsCsv = False,
) -> None:
    """Pull what is new of your account: fills, settlements, positions, markets, transfers, balances.

    It needs KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH, set in the environment or in a .env file in the working
    directory. A key that may only read is enough. Interrupt it whenever you like: the next sync goes on where it
    stopped.

    With --watch it goes on until Ctrl-C ends it (exit status 130) or SIGTERM does (0). A failure of the network or
    the exchange is told, and the next round tries again; a key that is not accepted ends it.
    """
    refuse_both(as_json=as_json, as_csv=as_csv)
    _check(only, since)
    if every is not None and as_csv:
        raise typer.BadParameter("--watch prints text or, with --json, a line of JSON each time. Leave out --csv.")
    settings = load_settings()
    folder = find_root(root, settings.data)
    link = connect(settings, folder)
    if settings.notice and not quiet:
        say(settings.notice, stderr=True)

    def one(*, progress: bool = False) -> SyncReport:
        return run_sync(root, only=only or None, since=since, wait=wait, progress=progress, connection=link)

    progress = sys.stderr.isatty() and not quiet
    with interruptible(folder):
        if every is not None:
            _go_on(one, Rounds(every, quiet=quiet, as_json=as_json), progress=progress)
        report = one(progress=progress)
    if as_json:
        print_json(report_data(report))
    elif as_csv:
        print_data(report_frame(report), as_json=False)
    elif not quiet or report.warnings:
        say(str(report), stderr=quiet)


def _check(only: list[str] | None, since: str | None) -> None:
    unknown = [name for name in only or () if name not in SYNCED]
    if unknown:
        raise typer.BadParameter(f"--only {unknown[0]}: there is no such dataset. Expected one of {', '.join(SYNCED)}.")
    start, now = parse_since(since), datetime.now(UTC)
    if start is not None and start > now:
        raise typer.BadParameter(
            f"--since {since}: that lies in the future (it is {now:%Y-%m-%d %H:%M} UTC), so nothing would be synced. "
            "Expected a day or time that is past."
        )


def _go_on(one: Callable[..., SyncReport], rounds: Rounds, *, progress: bool) -> NoReturn:
    """Sync round after round, with a progress bar in the first, which may be long."""
    first = iter([progress])
    rounds.begin()
    try:
        with terminable():
            watch(lambda: one(progress=next(first, False)), rounds.show, every=rounds.every)
    except Terminated:
        raise typer.Exit from None
