"""`sync --watch`: one sync after the other, never two at once, until somebody ends it."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from kalshi_portfolio.errors import (
    ApiError,
    AuthenticationError,
    ConnectionFailedError,
    KalshiPortfolioError,
    LockedError,
    PermissionDeniedError,
    ProtocolError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kalshi_portfolio.sync import SyncReport

LEAST_SECONDS = 5.0
_LASTING = (AuthenticationError, PermissionDeniedError)
_PASSING = (ApiError, ConnectionFailedError, LockedError, ProtocolError)
_LOOK_SECONDS = 5.0


class Terminated(Exception):  # noqa: N818  (it is no error: a service was stopped)
    """The process was asked to end, by SIGTERM."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Two clocks, and the waiting.

    The steady clock stands still while some computers sleep, and the wall clock may be set: the one that says that
    more time has passed is believed.
    """

    steady: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def started(self) -> Callable[[], float]:
        """Give what tells the seconds that have passed since this call."""
        steady, wall = self.steady(), self.wall()
        return lambda: max(self.steady() - steady, self.wall() - wall)


def watch(
    sync: Callable[[], SyncReport],
    show: Callable[[SyncReport | KalshiPortfolioError], None],
    *,
    every: float,
    clock: Clock | None = None,
) -> NoReturn:
    """Sync again and again, a round beginning so many seconds after the one before, or when that one is over.

    A round that is overdue, after a night with the lid closed, is done once.

    Args:
        sync: One round.
        show: Called with what came of it: the report, or a failure that may pass (no network, the exchange down,
            another sync of the folder).
        every: Seconds from the start of one round to the start of the next.
        clock: Tells the time and waits; None for the computer's.

    Raises:
        KalshiPortfolioError: What will not pass by itself: settings, the key, the data folder.
        KeyboardInterrupt: Somebody ended it.
    """
    used = clock or Clock()
    while True:
        elapsed = used.started()
        try:
            show(sync())
        except _LASTING:
            raise
        except _PASSING as error:
            show(error)
        while (left := every - elapsed()) > 0:
            used.sleep(min(left, _LOOK_SECONDS))


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM end the block as Ctrl-C does: what runs is cancelled, and the lock let go.

    Raises:
        Terminated: It came.
    """
    asked = False

    def end(number: int, frame: Any) -> None:
        nonlocal asked
        asked = True
        interrupt = signal.getsignal(signal.SIGINT)  # asyncio's own during a sync: it cancels the task
        if not callable(interrupt):  # a shell has put the program into the background
            raise KeyboardInterrupt
        interrupt(number, frame)

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except KeyboardInterrupt:
        if asked:
            raise Terminated from None
        raise
    finally:
        signal.signal(signal.SIGTERM, before)
