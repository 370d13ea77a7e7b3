"""marimo: a running loop without ipykernel, as a script and as a page."""

from __future__ import annotations

import contextlib
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from places.programs import need, python, running, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium import webdriver
    from selenium.webdriver.remote.webelement import WebElement

READABLE = 4.5  # WCAG 2, level AA

NOTEBOOK = """
import marimo

app = marimo.App()

@app.cell
def _():
    import asyncio
    import kalshi_portfolio as kp
    from kalshi_portfolio.simulation import SimulatedExchange
    link = kp.demo_connection(SimulatedExchange.tiny())
    return asyncio, kp, link

@app.cell
async def _(asyncio, kp, link):
    await asyncio.sleep(0.01)
    report = kp.sync("data", connection=link)
    await asyncio.sleep(0.01)
    print("fills", report["fills"].new)
    report
    return (report,)

@app.cell
def _(kp, report):
    pf = kp.Portfolio("data")
    pf
    return (pf,)

@app.cell
def _(pf):
    from kalshi_portfolio import charts
    charts.equity(pf.equity(freq="1w"), freq="1w")
    return

@app.cell
def _(kp, link, pf):
    again = kp.sync(pf.root, connection=link)
    print("again", again["fills"].new)
    "again " + str(again["fills"].new)
    return

if __name__ == "__main__":
    app.run()
"""


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    need("marimo", "altair")
    path = tmp_path / "notebook.py"
    path.write_text(NOTEBOOK)
    return path


def test_a_marimo_notebook_runs_as_a_script(notebook: Path, tmp_path: Path, env: dict[str, str]) -> None:
    done = python(str(notebook), env=env, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("fills 10\nagain 0\n", "")


def test_marimo_shows_the_card_readably_in_a_browser_light_and_dark(
    notebook: Path, tmp_path: Path, env: dict[str, str], chromium: webdriver.Chrome, picture: Callable[[str], None]
) -> None:
    from selenium.webdriver.common.by import By  # noqa: PLC0415

    from places.lab import contrasts, drawn, strangers  # noqa: PLC0415

    settings = Path(env["XDG_CONFIG_HOME"]) / "marimo" / "marimo.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text('[display]\ntheme = "system"\n')

    def find(text: str) -> list[WebElement]:
        return [e for e in chromium.find_elements(By.CSS_SELECTOR, ".output") if text in e.text]

    strangers(chromium)  # of pages before
    with served(notebook, tmp_path, env) as address:
        for theme in ("light", "dark"):
            media = {"features": [{"name": "prefers-color-scheme", "value": theme}]}
            chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
            chromium.get(address)
            until(lambda: find("again 0"), "the last cell", seconds=60)
            until(lambda: True in drawn(chromium, chromium.find_element(By.TAG_NAME, "body")), "the chart")
            picture(f"marimo-{theme}")
            for card in (find("Synced to")[0], find("Kalshi portfolio")[0]):
                assert {text: ratio for text, ratio in contrasts(chromium, card).items() if ratio < READABLE} == {}
            assert len(chromium.find_elements(By.CSS_SELECTOR, f"body.{theme}, html.{theme}, .{theme} body")) > 0
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
        chromium.get("about:blank")
    assert strangers(chromium) == []


@contextlib.contextmanager
def served(notebook: Path, folder: Path, env: dict[str, str]) -> Iterator[str]:
    """Serve a notebook on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "marimo", "run", str(notebook), "--headless", "--no-token"]
    log = folder / "marimo.log"
    command += ["--host=127.0.0.1", f"--port={port}"]
    with running(command, env=env, cwd=folder, log=log) as process:
        until(lambda: f":{port}" in log.read_text() or process.poll() is not None, "marimo to start")
        assert process.poll() is None, log.read_text()
        yield f"http://127.0.0.1:{port}/"
