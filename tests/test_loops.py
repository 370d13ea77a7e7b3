"""Running coroutines from synchronous code: in scripts, in a real notebook kernel, beside foreign loops.

Whatever patches asyncio runs in a process of its own, because it stays patched.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.manager import start_new_kernel

from kalshi_portfolio.loops import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.manager import KernelManager

posix_only = pytest.mark.skipif(os.name != "posix", reason="sends signals")

SETUP = """
import asyncio, contextvars, filelock, pathlib, signal, sys, threading, time
from kalshi_portfolio.loops import run
async def say(number):
    await asyncio.sleep(0.05)
    print("said", number)
async def beat(folder):
    async with asyncio.TaskGroup() as group:
        async def write():
            while True:
                (folder / "beat").write_text(str(time.time()))
                await asyncio.sleep(0.01)
        group.create_task(write())
        await asyncio.sleep(60)
async def long(folder):
    folder = pathlib.Path(folder)
    with filelock.FileLock(folder / "lock"):
        try:
            await beat(folder)
        finally:
            await asyncio.sleep(0.05)
            print("cleaned up")
"""


def script(code: str) -> str:
    """Run a script with warnings as errors; give what it printed."""
    command = [sys.executable, "-W", "error", "-c", SETUP + textwrap.dedent(code)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603  (our own)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
    return done.stdout


def test_without_a_loop_a_result_an_error_and_the_context_come_through() -> None:
    name = contextvars.ContextVar("name", default="none")
    name.set("here")

    async def value() -> str:
        await asyncio.sleep(0)
        return name.get()

    async def fail() -> None:
        raise KeyError("mine")

    assert run(value()) == "here"
    with pytest.raises(KeyError, match="mine"):
        run(fail())


def test_without_a_loop_the_threads_own_loop_is_left_alone() -> None:
    async def nothing() -> None: ...

    mine = asyncio.new_event_loop()
    asyncio.set_event_loop(mine)
    try:
        run(nothing())
        assert asyncio.get_event_loop_policy().get_event_loop() is mine
        assert not mine.is_closed()
    finally:
        asyncio.set_event_loop(None)
        mine.close()


def test_it_works_in_a_thread_that_is_not_the_main_one() -> None:
    results: list[int] = []

    async def value() -> int:
        return 42

    thread = threading.Thread(target=lambda: results.append(run(value())))
    thread.start()
    thread.join()
    assert results == [42]


def test_in_a_plain_running_loop_it_nests_on_that_loop_and_others_go_on() -> None:
    printed = script("""
        seen = contextvars.ContextVar("seen", default="none")
        async def inner(outer_loop):
            assert asyncio.get_running_loop() is outer_loop
            async with asyncio.timeout(5):
                await asyncio.sleep(0.05)
            return seen.get()
        async def fail():
            raise KeyError("mine")
        async def main():
            seen.set("here")
            ticks = []
            async def tick():
                while True:
                    ticks.append(1)
                    await asyncio.sleep(0.005)
            ticker = asyncio.create_task(tick())
            print(run(inner(asyncio.get_running_loop())))
            print(len(ticks) > 2)
            try:
                run(fail())
            except KeyError as error:
                print(repr(error))
            print(run(deeper()))
            ticker.cancel()
        async def deeper():
            return run(inner(asyncio.get_running_loop()))
        asyncio.run(main())
        print("end")
    """)
    assert printed.split("\n") == ["here", "True", "KeyError('mine')", "here", "end", ""]


def test_any_other_loop_is_served_from_a_worker_thread_unpatched() -> None:
    printed = script("""
        class Custom(asyncio.SelectorEventLoop):
            pass
        seen = contextvars.ContextVar("seen", default="none")
        async def inner(outer):
            assert asyncio.get_running_loop() is not outer
            await asyncio.sleep(0.01)
            return threading.current_thread() is threading.main_thread(), seen.get()
        async def fail():
            raise SystemExit(3)
        async def main():
            seen.set("here")
            print(run(inner(asyncio.get_running_loop())))
            try:
                run(fail())
            except SystemExit as error:
                print("exit", error.code)
        with asyncio.Runner(loop_factory=Custom) as runner:
            runner.run(main())
        print(hasattr(asyncio, "_nest_patched"), threading.active_count())
    """)
    assert printed.split("\n") == ["(False, 'here')", "exit 3", "False 1", ""]


def test_where_the_original_nest_asyncio_was_applied_a_worker_thread_serves() -> None:
    printed = script("""
        asyncio._nest_patched = True  # its mark, without the mark of its continuation
        async def inner():
            return threading.current_thread() is threading.main_thread()
        async def main():
            print(run(inner()))
        asyncio.run(main())
    """)
    assert printed == "False\n"


INTERRUPTED = {
    "no loop": "call()",
    "plain loop": """
async def main():
    call()
    run(say(2))
asyncio.run(main())
""",
    "other loop": """
class Custom(asyncio.SelectorEventLoop):
    pass
async def main():
    call()
    run(say(2))
with asyncio.Runner(loop_factory=Custom) as runner:
    runner.run(main())
""",
    "signal raises": "signal.signal(signal.SIGINT, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))\ncall()",
}


@posix_only
@pytest.mark.parametrize("where", INTERRUPTED)
def test_ctrl_c_ends_the_coroutine_cleans_up_and_the_next_call_works(where: str, tmp_path: Path) -> None:
    call = """
def call():
    try:
        run(long(sys.argv[1]))
    except KeyboardInterrupt:
        print("interrupted")
    filelock.FileLock(pathlib.Path(sys.argv[1]) / "lock", timeout=0).acquire()
"""
    after = """
beat_file = pathlib.Path(sys.argv[1]) / "beat"
last = beat_file.read_text()
time.sleep(0.1)
print(last == beat_file.read_text())
run(say(3))
"""
    command = [sys.executable, "-u", "-c", SETUP + call + INTERRUPTED[where] + after, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        await_file(tmp_path / "beat")
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=30)
    said_2 = [] if "say(2)" not in INTERRUPTED[where] else ["said 2"]
    assert printed.splitlines() == ["cleaned up", "interrupted", *said_2, "True", "said 3"], errors
    assert "never retrieved" not in errors
    assert process.returncode == 0, errors


def await_file(path: Path) -> None:
    deadline = time.monotonic() + 30
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} did not appear"
        time.sleep(0.01)


# A real notebook kernel


@pytest.fixture(scope="module")
def kernel() -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    manager, kernel_client = start_new_kernel(stderr=subprocess.DEVNULL)
    try:
        kernel_client.execute(SETUP)
        collect(kernel_client, 1)
        yield manager, kernel_client
    finally:
        kernel_client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.context.destroy()


def collect(kernel_client: BlockingKernelClient, cells: int) -> list[str]:
    """Gather the lines and the errors that so many cells give."""
    output = ""
    while cells:
        message: dict[str, Any] = kernel_client.get_iopub_msg(timeout=30)
        content = message["content"]
        if message["parent_header"].get("msg_type") != "execute_request":
            continue
        if message["msg_type"] == "stream":
            output += content["text"]
        elif message["msg_type"] == "error":
            output += content["ename"] + "\n"
        cells -= message["msg_type"] == "status" and content["execution_state"] == "idle"
    return output.splitlines()


Kernel = tuple["KernelManager", "BlockingKernelClient"]


def test_four_notebook_cells_queued_at_once_all_run_in_order(kernel: Kernel) -> None:
    for number in range(4):
        kernel[1].execute(f"run(say({number}))")
    assert collect(kernel[1], 4) == [f"said {number}" for number in range(4)]


def test_a_notebook_cell_may_await_before_and_after(kernel: Kernel) -> None:
    kernel[1].execute("await asyncio.sleep(0.01)\nrun(say(1))\nawait asyncio.sleep(0.01)\nprint('after')")
    kernel[1].execute("await asyncio.sleep(0.01)\nprint('next')")
    assert collect(kernel[1], 2) == ["said 1", "after", "next"]


@posix_only
@pytest.mark.parametrize("cell", ["run(long({!r}))", "await asyncio.sleep(0)\nrun(long({!r}))"], ids=["plain", "await"])
def test_the_stop_button_ends_the_coroutine_and_frees_its_lock(kernel: Kernel, cell: str, tmp_path: Path) -> None:
    manager, kernel_client = kernel
    kernel_client.execute(cell.format(str(tmp_path)))
    await_file(tmp_path / "beat")
    manager.interrupt_kernel()
    assert collect(kernel_client, 1) == ["cleaned up", "KeyboardInterrupt"]
    last = (tmp_path / "beat").read_text()
    kernel_client.execute(
        f"filelock.FileLock({str(tmp_path / 'lock')!r}, timeout=0).acquire().lock.release()\nrun(say(5))"
    )
    assert collect(kernel_client, 1) == ["said 5"]
    assert (tmp_path / "beat").read_text() == last
