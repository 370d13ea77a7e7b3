"""Plain Python: a script, ``-c``, standard input, a thread, a running loop, uvloop, and IPython in a terminal."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from places.programs import need, python

if TYPE_CHECKING:
    from pathlib import Path

# A newcomer's script; warnings are errors and nothing but the figures is said.
CODE = """
import sys
import kalshi_portfolio as kp
from kalshi_portfolio.simulation import SimulatedExchange, SimulatedTransport

tiny = SimulatedExchange.tiny()

def main():
    report = kp.sync("data", connection=kp.demo_connection(tiny))
    print(report["fills"].new, kp.Portfolio("data").fills().height)
"""
PRINTED = "10 10\n"

CALLED = {
    "script": "main()",
    "thread": "import threading\nthread = threading.Thread(target=main)\nthread.start()\nthread.join()",
    "running loop": """
import asyncio
async def serve():
    ticks = []
    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0.01)
    ticker = asyncio.create_task(tick())
    await asyncio.sleep(0)
    before = len(ticks)
    main()
    assert len(ticks) > before, "the loop stood still"
    ticker.cancel()
asyncio.run(serve())
""",
    "running loop of a thread": """
import asyncio, threading
async def serve():
    main()
thread = threading.Thread(target=lambda: asyncio.run(serve()))
thread.start()
thread.join()
""",
}
IN_UVLOOP = """
import asyncio, threading, uvloop
async def serve():
    assert type(asyncio.get_running_loop()).__module__ == "uvloop"
    await asyncio.sleep(0)
    main()
    await asyncio.sleep(0)
    print(hasattr(asyncio, "_nest_patched"), threading.active_count())
uvloop.run(serve())
"""
STOPPED_IN_UVLOOP = """
import os, signal, threading, uvloop
sys.path.insert(0, sys.argv[1])
from sync_world import connect
slow = connect(tiny, SimulatedTransport(tiny, latency=0.3))
async def serve():
    threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        kp.sync("data", connection=slow)
    except KeyboardInterrupt:
        print("stopped")
    print(kp.sync("data", connection=connect(tiny), wait=0)["fills"].new >= 0)
uvloop.run(serve())
print(kp.Portfolio("data").fills().height)
"""


@pytest.mark.parametrize("where", CALLED)
def test_a_script_prints_the_figures_and_nothing_else(where: str, tmp_path: Path, env: dict[str, str]) -> None:
    file = tmp_path / "script.py"
    file.write_text(CODE + CALLED[where])
    done = python(str(file), env=env, cwd=tmp_path)
    assert (done.stdout, done.stderr) == (PRINTED, "")


@pytest.mark.parametrize("how", ["-c", "-"])
def test_python_takes_it_as_an_argument_and_from_standard_input(how: str, tmp_path: Path, env: dict[str, str]) -> None:
    code = f"{CODE}\nmain()\n"
    arguments = ["-c", code] if how == "-c" else ["-"]
    done = python(*arguments, env=env, cwd=tmp_path, stdin=None if how == "-c" else code)
    assert (done.stdout, done.stderr) == (PRINTED, "")


def test_it_works_beside_a_running_uvloop_and_leaves_asyncio_alone(tmp_path: Path, env: dict[str, str]) -> None:
    need("uvloop")
    done = python("-c", CODE + IN_UVLOOP, env=env, cwd=tmp_path)
    assert done.stdout == f"{PRINTED}False 1\n"
    assert done.stderr == ""


def test_ctrl_c_beside_a_running_uvloop_ends_the_sync_and_the_next_one_is_whole(
    tmp_path: Path, env: dict[str, str], request: pytest.FixtureRequest
) -> None:
    need("uvloop")
    done = python("-c", CODE + STOPPED_IN_UVLOOP, str(request.config.rootpath / "tests"), env=env, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("stopped\nTrue\n10\n", "")


_ANSI = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\x1b\][^\x07]*\x07")


def test_ipython_in_a_terminal_shows_the_card_as_text_and_awaits(tmp_path: Path, env: dict[str, str]) -> None:
    need("pexpect", "IPython")
    import pexpect  # noqa: PLC0415

    flags = ["-m", "IPython", "--simple-prompt", "--no-banner", "--no-confirm-exit", "--colors=NoColor"]
    terminal = pexpect.spawn(
        sys.executable,
        flags,
        env={**env, "TERM": "xterm"},
        cwd=str(tmp_path),
        encoding="utf-8",
        timeout=60,
        dimensions=(50, 200),
    )
    prompt = re.compile(r"In \[\d+\]: ")

    def say(line: str) -> str:
        terminal.sendline(line)
        terminal.expect(prompt)
        return _ANSI.sub("", terminal.before)

    try:
        terminal.expect(prompt)
        say("import kalshi_portfolio as kp, asyncio")
        assert "Error" not in say("pf = kp.demo()")
        card = say("pf")
        assert "Portfolio(" in card
        assert "$1,305.51" in card
        assert "<" not in card
        assert "`asyncio`" in say("%autoawait")
        assert "slept" in say("await asyncio.sleep(0, 'slept')")
        synced = say("kp.sync('data', connection=kp.demo_connection())")
        assert "Synced to" in synced
        assert " rows" in synced  # the bar was there
        assert "slept" in say("await asyncio.sleep(0, 'slept'); kp.Portfolio('data').balances().height, 'slept'")
        terminal.sendline("exit")
        terminal.expect(pexpect.EOF)
    finally:
        terminal.close(force=True)
    assert terminal.exitstatus == 0
