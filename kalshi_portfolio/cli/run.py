"""The entry point: runs a command and turns whatever goes wrong into one paragraph and an exit status."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
import warnings
from typing import TYPE_CHECKING

from rich.cells import cell_len

from kalshi_portfolio.cli.app import app
from kalshi_portfolio.cli.interruption import Interrupted
from kalshi_portfolio.cli.tables import say
from kalshi_portfolio.errors import ArgumentError, KalshiPortfolioError

if TYPE_CHECKING:
    from typing import TextIO

FAILED = 1
USAGE = 2
INTERRUPTED = 130
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}
_PLAIN = "kalshi_portfolio.plain"
_LIKE = {"…": "~", "¢": "c", "–": "-", "−": "-", "→": ">", "×": "x", "’": "'", "“": '"', "”": '"'}  # noqa: RUF001


def main() -> None:
    """Run the command line.

    Exit status: 0 done, 1 it could not be done, 2 the command means nothing (an unknown option, no date),
    130 interrupted. A person's mistake gives one paragraph, never a traceback.
    """
    codecs.register_error(_PLAIN, _plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a title in Greek must not end a command in a Latin terminal
            stream.reconfigure(errors=_PLAIN)
    with warnings.catch_warnings():
        warnings.simplefilter("default", UserWarning)  # ours: an exposed key file, an unknown ticker
        warnings.showwarning = _show_warning
        raise SystemExit(_status())


def _plain(error: UnicodeError) -> tuple[str, int]:
    """Write what a terminal cannot show in letters that it can, as wide as it was, so that columns stay aligned."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    text = error.object[error.start : error.end]
    return "".join(_LIKE.get(letter, "?" * cell_len(letter)) for letter in text), error.end


def _show_warning(
    message: Warning | str,
    category: type[Warning],  # noqa: ARG001  (the names are Python's)
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    say(f"warning: {message}", stderr=True)


def _status() -> int:
    try:
        return _run()
    except KalshiPortfolioError as error:
        say(f"Error: {error}", stderr=True)
        for note in getattr(error, "__notes__", ()):
            say(note, stderr=True)
        return USAGE if isinstance(error, ArgumentError) else FAILED
    except Interrupted as interrupted:
        say(str(interrupted), stderr=True)
        return INTERRUPTED
    except KeyboardInterrupt:
        say(str(Interrupted()), stderr=True)
        return INTERRUPTED
    except BrokenPipeError:
        _forget(sys.stdout)
        return 0
    except OSError as error:
        if error.errno not in _FULL:
            raise
        return _unwritten(error)


def _unwritten(error: OSError) -> int:
    """Say that the output could not be written, where that can be said: both may go to the same full disk."""
    _forget(sys.stdout)
    try:
        say(f"Error: the output could not be written: {error.strerror}. Make room where it goes.", stderr=True)
    except OSError:
        _forget(sys.stderr)
    return FAILED


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


def _forget(stream: TextIO) -> None:
    """Send what is still buffered nowhere: whoever read it, such as `head`, has gone, or the disk is full."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
