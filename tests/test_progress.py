"""The bar of a sync: where somebody looks and nowhere else, and gone afterwards, also after the stop button."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jupyter_client.manager import start_new_kernel
from sync_world import connect

import kalshi_portfolio as kp
from kalshi_portfolio.simulation import SimulatedExchange, SimulatedTransport
from kalshi_portfolio.sync import progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_client.blocking.client import BlockingKernelClient
    from jupyter_client.manager import KernelManager


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def on_terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Put a terminal in the place of stderr. pytest would undo that after a fixture, so it is none."""
    found = Terminal()
    monkeypatch.setattr(sys, "stderr", found)
    return found


def left_on_screen(written: str) -> str:
    """Give what the last line shows after all of it was written over."""
    shown: list[str] = []
    column = 0
    for char in written.rpartition("\n")[2]:
        if char == "\r":
            column = 0
            continue
        shown[column : column + 1] = [char]
        column += 1
    return "".join(shown).strip()


def test_a_bar_counts_on_a_terminal_and_is_taken_away(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = on_terminal(monkeypatch)
    exchange = SimulatedExchange.tiny()
    kp.sync(tmp_path / "d", connection=connect(exchange, SimulatedTransport(exchange, latency=0.1)))
    assert "rows" in terminal.getvalue()
    assert left_on_screen(terminal.getvalue()) == ""


def test_no_bar_is_left_by_an_error_or_an_interruption(monkeypatch: pytest.MonkeyPatch) -> None:
    def break_off(error: type[BaseException]) -> None:
        with progress.progress_bar() as advance:
            advance("fills", 5)
            time.sleep(0.25)  # longer than the bar waits between two drawings
            advance("fills", 5)
            raise error

    for error in (KeyboardInterrupt, RuntimeError):
        terminal = on_terminal(monkeypatch)
        with pytest.raises(error):
            break_off(error)
        assert "fills: 10 rows" in terminal.getvalue()
        assert left_on_screen(terminal.getvalue()) == ""


def test_nothing_is_written_where_nobody_looks_or_nobody_asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal = on_terminal(monkeypatch)
    connection = kp.demo_connection(SimulatedExchange.tiny())
    kp.sync(tmp_path / "d", connection=connection, progress=False)
    assert terminal.getvalue() == ""
    log = io.StringIO()
    for stream in (log, None):
        monkeypatch.setattr(sys, "stderr", stream)
        kp.sync(tmp_path / "d", connection=connection)
    assert log.getvalue() == ""


# A real notebook kernel

SETUP = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from sync_world import connect
import kalshi_portfolio as kp
from kalshi_portfolio.simulation import SimulatedExchange, SimulatedTransport
from kalshi_portfolio.sync.progress import in_notebook
exchange = SimulatedExchange.tiny()
slow = connect(exchange, SimulatedTransport(exchange, latency=0.5))
print(in_notebook())
"""


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    manager, client = start_new_kernel(stderr=subprocess.DEVNULL)
    try:
        yield manager, client
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.context.destroy()


def outputs(client: BlockingKernelClient, *, until: str = "idle") -> dict[str, str]:
    """Gather what a cell gives, by stream, with its error; until it ends, or until a stream has said something."""
    found: dict[str, str] = {}
    while True:
        message: dict[str, Any] = client.get_iopub_msg(timeout=60)
        kind, content = message["msg_type"], message["content"]
        if kind == "stream":
            found[content["name"]] = found.get(content["name"], "") + content["text"]
        elif kind == "error":
            found["error"] = content["ename"]
        elif kind in {"display_data", "update_display_data"}:
            found["widget"] = str(content["data"])
        if until in found or (kind == "status" and content["execution_state"] == "idle"):
            return found


@pytest.mark.skipif(os.name != "posix", reason="sends signals")
def test_the_stop_button_leaves_no_half_drawn_bar_and_no_lock(
    kernel: tuple[KernelManager, BlockingKernelClient], tmp_path: Path
) -> None:
    manager, client = kernel
    client.execute(SETUP)
    assert outputs(client)["stdout"].strip() == "True"
    client.execute(f"kp.sync({str(tmp_path / 'd')!r}, connection=slow)")
    before = outputs(client, until="stdout")["stdout"]
    assert "rows" in before
    manager.interrupt_kernel()
    after = outputs(client)
    assert after["error"] == "KeyboardInterrupt"
    assert left_on_screen(before + after.get("stdout", "")) == ""
    assert "widget" not in after  # a saved notebook would keep a hole in its place
    assert "stderr" not in after
    client.execute(f"found = kp.sync({str(tmp_path / 'd')!r}, connection=connect(exchange), wait=0)")
    again = outputs(client)
    assert left_on_screen(again["stdout"]) == ""
    client.execute("print(found['fills'].new)")
    assert outputs(client)["stdout"].strip() == "10"
