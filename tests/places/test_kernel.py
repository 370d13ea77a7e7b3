"""A notebook's kernel, without a page: queued cells, ``await`` beside our calls, the interrupt.

The kernel of the second run is started as VS Code starts it: through ``ipykernel_launcher``, with the variables of
its extension host, and asked with the metadata that it sends along. That shows that the calls work there and that
each output brings the types that VS Code draws. How its pages look can only be seen in VS Code itself.
"""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from jupyter_client.manager import KernelManager

from places.programs import surroundings, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from jupyter_client.blocking.client import BlockingKernelClient

SETUP = """
import asyncio, sys
sys.path.insert(0, {tests!r})
import kalshi_portfolio as kp
from kalshi_portfolio.simulation import SimulatedExchange, SimulatedTransport
from sync_world import connect
tiny = SimulatedExchange.tiny()
slow = connect(tiny, SimulatedTransport(tiny, latency=0.2))
def sync(name, connection=None, **options):
    return kp.sync(name, connection=connection or connect(tiny), progress=False, **options)
"""
VSCODE = {"VSCODE_PID": "1", "VSCODE_CWD": "/", "VSCODE_IPC_HOOK": "none", "ELECTRON_RUN_AS_NODE": "1"}


class Answer(NamedTuple):
    """What one cell put out: its text, the name of its error, the types of its value."""

    text: str
    error: str
    value: dict[str, Any]


class Kernel:
    """A kernel and its client; cells are numbered as they are asked."""

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.manager, self.client = manager, client

    def ask(self, *cells: str) -> list[str]:
        """Queue cells, all at once."""
        contents = [{"code": c, "silent": False, "store_history": True, "stop_on_error": True} for c in cells]
        messages = [self.client.session.msg("execute_request", content) for content in contents]
        for number, message in enumerate(messages):
            message["metadata"] = {"cellId": f"vscode-notebook-cell:{number}"}
            self.client.shell_channel.send(message)
        return [message["header"]["msg_id"] for message in messages]

    def answers(self, asked: list[str]) -> list[Answer]:
        """Wait until all have run; give what they put out, in the order in which they ended."""
        found = {one: Answer("", "", {}) for one in asked}
        ended: list[str] = []
        while len(ended) < len(asked):
            message: dict[str, Any] = self.client.get_iopub_msg(timeout=60)
            one, content = message["parent_header"].get("msg_id"), message["content"]
            if one not in found:
                continue
            if message["msg_type"] == "stream":
                found[one] = found[one]._replace(text=found[one].text + content["text"])
            elif message["msg_type"] == "error":
                found[one] = found[one]._replace(error=content["ename"])
            elif message["msg_type"] == "execute_result":
                found[one] = found[one]._replace(value=content["data"])
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                ended.append(one)
        return [found[one] for one in ended]

    def run(self, *cells: str) -> list[Answer]:
        """Queue cells and wait for all."""
        return self.answers(self.ask(*cells))


@pytest.fixture(scope="module", params=["jupyter", "vscode"])
def kernel(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    home = tmp_path_factory.mktemp("kernel")
    env = surroundings(home) | (VSCODE if request.param == "vscode" else {})
    manager = KernelManager()
    manager.start_kernel(env=env, cwd=str(home), stderr=subprocess.DEVNULL)
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        kernel = Kernel(manager, client)
        tests = str(request.config.rootpath / "tests")
        assert kernel.run(SETUP.format(tests=tests)) == [Answer("", "", {})]
        yield kernel
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.context.destroy()


def test_cells_queued_at_once_all_run_in_order(kernel: Kernel, tmp_path: Path) -> None:
    cells = [f"print({n}, sync({str(tmp_path / str(n))!r})['fills'].new)" for n in range(4)]
    assert kernel.run(*cells) == [Answer(f"{n} 10\n", "", {}) for n in range(4)]


def test_a_cell_awaits_the_client_before_and_after_a_sync(kernel: Kernel, tmp_path: Path) -> None:
    cells = (
        f"await asyncio.sleep(0.01)\nnew = sync({str(tmp_path)!r})['fills'].new\nawait asyncio.sleep(0.01)\nprint(new)",
        "async with connect(tiny).client() as client:\n    print((await client.get_balance()) is not None)",
        f"print(sync({str(tmp_path)!r})['fills'].new)\nawait asyncio.sleep(0.01)",
        "print(len(await asyncio.gather(*(asyncio.sleep(0) for _ in range(3)))))",
    )
    assert [(answer.text, answer.error) for answer in kernel.run(*cells)] == [
        (f"{text}\n", "") for text in ("10", "True", "0", "3")
    ]


@pytest.mark.parametrize("before", ["", "await asyncio.sleep(0)\n"], ids=["plain", "await"])
def test_an_interrupted_sync_frees_the_folder_and_the_next_one_is_whole(
    kernel: Kernel, tmp_path: Path, before: str
) -> None:
    root = str(tmp_path / "data")
    assert kernel.run(f"balances = sync({root!r}, only='balances')") == [Answer("", "", {})]
    asked = kernel.ask(f"{before}sync({root!r}, slow)")
    until(lambda: list((tmp_path / "data").glob(".locks/sync.json")), "the sync to have begun")
    time.sleep(0.3)  # into its first requests
    kernel.manager.interrupt_kernel()
    assert [answer.error for answer in kernel.answers(asked)] == ["KeyboardInterrupt"]
    assert not list((tmp_path / "data").glob(".locks/sync.json"))
    after = kernel.run(f"sync({root!r}, wait=0)['fills']", f"kp.Portfolio({root!r}).fills().height")
    assert [answer.error for answer in after] == ["", ""]
    assert after[1].value["text/plain"] == "10"


def test_a_value_is_text_and_a_page_of_its_own_without_scripts_or_addresses(kernel: Kernel, tmp_path: Path) -> None:
    root = str(tmp_path)
    for answer in kernel.run(f"sync({root!r})", f"kp.Portfolio({root!r})"):
        assert answer.error == ""
        assert set(answer.value) == {"text/plain", "text/html"}
        assert not [word for word in ("<script", "http:", "https:", "@import") if word in answer.value["text/html"]]
