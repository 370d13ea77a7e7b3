"""The progress bar of a sync: a line of text in terminals and notebooks, gone at the end, and nothing in a job."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

from kalshi_portfolio.sync.syncer import silent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kalshi_portfolio.sync.run import Progress


@contextmanager
def progress_bar(*, shown: bool = True) -> Iterator[Progress]:
    """Count rows in a bar that fits the place, and take it away at the end, however that comes.

    Args:
        shown: Whether to show one at all. Where stderr is neither a terminal nor a notebook's there is none: in the log
            of a job it would be a thousand lines.
    """
    if not shown or not (in_notebook() or _on_terminal()):
        yield silent
        return
    with _bar() as bar:

        def advance(dataset: str, rows: int) -> None:
            bar.set_description_str(dataset.replace("_", " "), refresh=False)  # set_description(): "fills: : 5 rows"
            bar.update(rows)

        yield advance


def in_notebook() -> bool:
    """Whether this runs in the kernel of a notebook. IPython is asked only if somebody has imported it."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


def _on_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _bar() -> AbstractContextManager[Any]:
    from tqdm.std import tqdm  # noqa: PLC0415  (it takes its time, and few calls need it)

    # Not tqdm.auto: of its widget a saved notebook keeps "Loading widget…" for ever. And in a notebook not on stderr,
    # where even an emptied line stays on a red ground. With a delay the constructor draws nothing: an interruption
    # just then would leave it there.
    place = sys.stdout if in_notebook() else sys.stderr
    bar: AbstractContextManager[Any] = tqdm(unit=" rows", leave=False, mininterval=0.2, delay=0.1, file=place)
    return bar
