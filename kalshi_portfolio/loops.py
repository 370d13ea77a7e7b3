"""The one place that runs a coroutine from synchronous code, whether or not an event loop already runs.

Whoever starts a task here owns it: when anything interrupts the waiting (the stop button of a notebook, Ctrl-C,
``SystemExit``), the task is cancelled and waited for before the interruption goes on. Otherwise it would go on
in the background, with the lock of the data folder held.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import contextvars
import signal
import threading
from typing import TYPE_CHECKING, Any, TypeVar

import nest_asyncio2

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

T = TypeVar("T")

_POLL_SECONDS = 0.25
_CANCELLING_HANDLERS = ("asyncio.runners", "ipykernel")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end and give its result, from synchronous code.

    * No event loop runs in this thread: a new one is made, used and closed, as :func:`asyncio.run` does it.
    * A plain asyncio loop runs (a notebook): the coroutine becomes a task on that loop, which is made reentrant
      by ``nest_asyncio2``. **This changes asyncio for the whole process, and it stays**: that loop's class,
      ``asyncio.run``, and before Python 3.14 ``asyncio.Task``, ``asyncio.Future`` and ``get_event_loop``. Code
      that awaits on the loop goes on meanwhile.
    * Another loop runs (uvloop, Qt's, a subclass with a mind of its own), or the original nest_asyncio has
      patched this process: the coroutine runs on a loop of its own in a worker thread, and this thread waits.

    Context variables of the caller are seen by the coroutine.

    Args:
        coroutine: What to run. It is always consumed.

    Returns:
        What the coroutine returns.

    Raises:
        BaseException: What the coroutine raises, or what interrupted the waiting; then the coroutine has been
            cancelled and has ended. One that refuses to end is waited for; each further interruption cancels anew.

    Examples:
        >>> async def answer() -> int:
        ...     await asyncio.sleep(0)
        ...     return 42
        >>> run(answer())
        42
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        # The factory leaves the thread's current loop, if it has set one, as it is.
        with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
            return runner.run(coroutine)
    if _can_be_nested(loop):
        return _run_nested(loop, coroutine)
    return _run_in_worker(coroutine)


def _can_be_nested(loop: asyncio.AbstractEventLoop) -> bool:
    """Tell whether ``nest_asyncio2`` may patch this loop.

    It replaces methods of the loop's class, so only a class of asyncio itself will do: a foreign subclass may
    override the very methods that it replaces. The type is looked at before ``apply``, which patches asyncio
    first and refuses the loop afterwards.
    """
    if hasattr(asyncio, "_nest_patched") and not hasattr(asyncio, "_nest_asyncio2"):
        return False  # the original nest_asyncio, which drops queued notebook cells
    of_asyncio = type(loop).__module__.partition(".")[0] == "asyncio"
    return of_asyncio and isinstance(loop, asyncio.BaseEventLoop)


def _run_nested(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]) -> T:
    nest_asyncio2.apply(loop)
    task = loop.create_task(coroutine)  # in a copy of the current context
    with _ctrl_c_raises():
        try:
            return loop.run_until_complete(task)
        except BaseException:
            # The task's own error comes this way too; then it is done, and there is nothing to drain.
            _drain(loop, task)
            raise


def _drain(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
    """Cancel a task and wait until it has ended, however often the waiting is interrupted."""
    task.cancel()
    while not task.done():
        try:
            loop.run_until_complete(task)
        except RuntimeError:
            continue  # the loop is being stopped (the kernel shuts down): each call still does one round
        except BaseException:  # noqa: BLE001  (the interruption that brought us here is raised by the caller)
            task.cancel()
    _forget_error(task)


def _forget_error(task: asyncio.Task[Any]) -> None:
    """Mark a task's error as seen: the interruption is what the caller hears of."""
    if task.done() and not task.cancelled():
        task.exception()


@contextlib.contextmanager
def _ctrl_c_raises() -> Iterator[None]:
    """Have Ctrl-C and the stop button raise here, where the outer code made them cancel its own task.

    ``asyncio.run`` does that, and ipykernel for a cell that awaits something. The outer task is waiting in a call
    of ours, so it would not hear of its cancellation before the call is over. Handlers of an application's own
    are left alone.
    """
    outer = signal.getsignal(signal.SIGINT)
    maker = getattr(getattr(outer, "func", outer), "__module__", None) or ""
    if threading.current_thread() is not threading.main_thread() or not maker.startswith(_CANCELLING_HANDLERS):
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, outer)


def _run_in_worker(coroutine: Coroutine[Any, Any, T]) -> T:
    runner = asyncio.Runner(loop_factory=asyncio.SelectorEventLoop)
    loop = runner.get_loop()
    task = loop.create_task(coroutine, context=contextvars.copy_context())

    def drive() -> T:
        with runner:  # closed here, in the thread where it ran
            return runner.run(_result_of(task))

    def cancel() -> None:
        with contextlib.suppress(RuntimeError):  # closed a moment ago: it has ended
            loop.call_soon_threadsafe(task.cancel)

    with concurrent.futures.ThreadPoolExecutor(1, thread_name_prefix="kalshi-portfolio") as executor:
        work = executor.submit(drive)
        try:
            with _ctrl_c_raises():
                _wait(work)
        except BaseException:
            while not work.done():
                cancel()
                # The interruption that brought us here is raised below; a further one cancels anew.
                with contextlib.suppress(BaseException):
                    _wait(work)
            raise
        finally:
            _forget_error(task)
        return work.result()


def _wait(work: concurrent.futures.Future[Any]) -> None:
    """Wait in slices, because an unlimited wait for a lock cannot be interrupted on Windows."""
    while not concurrent.futures.wait([work], _POLL_SECONDS).done:
        pass


async def _result_of(task: asyncio.Task[T]) -> T:
    return await task
