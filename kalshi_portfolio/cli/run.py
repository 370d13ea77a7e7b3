"""The entry point: runs a command and turns whatever goes wrong into one paragraph and an exit status."""

from __future__ import annotations

import io
import os
import sys

from kalshi_portfolio.cli.app import app
from kalshi_portfolio.cli.tables import say
from kalshi_portfolio.errors import ArgumentError, KalshiPortfolioError

FAILED = 1
USAGE = 2
INTERRUPTED = 130
_INTERRUPTED = "Interrupted. What was synced stays; the next sync goes on where this one stopped."


def main() -> None:
    """Run the command line.

    Exit status: 0 done, 1 it could not be done, 2 the command means nothing (an unknown option, no date),
    130 interrupted. A person's mistake gives one paragraph, never a traceback.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a title in Greek must not end a command in a Latin terminal
            stream.reconfigure(errors="replace")
    raise SystemExit(_status())


def _status() -> int:
    try:
        return _run()
    except KalshiPortfolioError as error:
        say(f"Error: {error}", stderr=True)
        for note in getattr(error, "__notes__", ()):
            say(note, stderr=True)
        return USAGE if isinstance(error, ArgumentError) else FAILED
    except KeyboardInterrupt:
        say(_INTERRUPTED, stderr=True)
        return INTERRUPTED
    except BrokenPipeError:
        _forget_stdout()
        return 0


def _run() -> int:
    try:
        app()
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else 0 if exit_.code is None else FAILED
        if status == INTERRUPTED:
            raise KeyboardInterrupt from None  # typer has swallowed it
        sys.stdout.flush()
        return status
    return 0


def _forget_stdout() -> None:
    """Send what is still buffered nowhere: whoever read it, such as `head`, has gone."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
