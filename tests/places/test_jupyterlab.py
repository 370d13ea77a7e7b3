"""JupyterLab in a real browser without a network: what a person sees after Run All, and after the stop button."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from places.programs import need, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from selenium import webdriver
    from selenium.webdriver.remote.webelement import WebElement

    from places.lab import Lab, Page

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
READABLE = 4.5  # WCAG 2, level AA

CHARTS = [
    """import kalshi_portfolio as kp
from kalshi_portfolio import charts, pnl
pf = kp.demo()
pf""",
    'charts.equity(pf.equity(freq="1w"), freq="1w")',
    'charts.bars(pnl.ranked(pf.pnl(by="category"), "category"), by="category")',
    'charts.calendar(pf.pnl(freq="1d").pipe(pnl.calendar))',
]
STOPPED = [
    """import kalshi_portfolio as kp
from kalshi_portfolio.simulation import SimulatedExchange, SimulatedTransport
from sync_world import connect
exchange = SimulatedExchange.tiny()
slow = connect(exchange, SimulatedTransport(exchange, latency=1))
balances = kp.sync("data", connection=connect(exchange), only="balances", progress=False)""",
    'kp.sync("data", connection=slow)',
    'report = kp.sync("data", connection=connect(exchange), wait=0)\nreport',
    'kp.Portfolio("data")',
]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_run_all_shows_every_output_readably_in_both_themes_without_a_network(
    path: Path, lab: Lab, chromium: webdriver.Chrome, picture: Callable[[str], None]
) -> None:
    shutil.copy(path, lab.folder)
    look_at_all(path.name, lab, chromium, picture)


def test_charts_are_drawn_in_both_themes_without_a_network(
    lab: Lab, chromium: webdriver.Chrome, picture: Callable[[str], None]
) -> None:
    need("altair")
    write(lab.folder / "charts.ipynb", CHARTS)
    look_at_all("charts.ipynb", lab, chromium, picture)


def look_at_all(name: str, lab: Lab, chromium: webdriver.Chrome, picture: Callable[[str], None]) -> None:
    """Run a notebook by Run All, and look at each output in both themes."""
    from places.lab import DARK, LIGHT, Page, contrasts, strangers  # noqa: PLC0415

    page = Page(chromium, lab, name)
    page.run_all()
    cells = page.finished()
    assert errors(cells) == []
    # Of a widget a saved notebook keeps "Loading widget…" for ever.
    assert not any("widget" in mime for cell in cells for output in cell["outputs"] for mime in output.get("data", {}))
    assert [cell["count"] for cell in cells] == list(range(1, len(cells) + 1))
    for theme in (LIGHT, DARK):
        page.wear(theme)
        for number, cell in enumerate(cells):
            shown = page.output(number)
            if cell["source"].endswith("\npf"):
                shown = until(partial(with_card, page, number), "the card")
            picture(f"{name.removesuffix('.ipynb')}-{theme.split()[-1].lower()}-{number:02}")
            assert_drawn(chromium, shown, cell["source"])
            dim = {text: ratio for text, ratio in contrasts(chromium, shown).items() if ratio < READABLE}
            assert dim == {}, (theme, cell["source"])
    assert strangers(chromium) == []
    page.close()


def with_card(page: Page, number: int) -> WebElement | None:
    """Give what a cell shows once a card is in it: a change of theme may draw it anew."""
    shown = page.output(number)
    return shown if "Kalshi portfolio" in shown.text else None


def write(path: Path, sources: list[str]) -> None:
    """Write a notebook."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    blank: dict[str, Any] = {"cell_type": "code", "metadata": {}, "execution_count": None, "outputs": []}
    cells = [{**blank, "id": f"cell-{number}", "source": source} for number, source in enumerate(sources)]
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    path.write_text(json.dumps(notebook))


def assert_drawn(driver: webdriver.Chrome, shown: WebElement, source: str) -> None:
    """Check that the card is there and wide enough to read, and that each chart has marks on it."""
    from places.lab import drawn  # noqa: PLC0415

    if source.endswith("\npf"):
        assert "1,305.51" in shown.text
        assert shown.size["width"] > 300
    if ".plot." in source or "charts." in source:
        pictures = until(lambda: drawn(driver, shown), source, seconds=10)
        assert all(pictures), source


def test_the_stop_button_ends_a_sync_leaves_no_bar_and_the_next_call_works(
    lab: Lab, chromium: webdriver.Chrome, picture: Callable[[str], None]
) -> None:
    from places.lab import Page  # noqa: PLC0415

    write(lab.folder / "stopped.ipynb", STOPPED)
    page = Page(chromium, lab, "stopped.ipynb")
    page.run_all()
    until(lambda: "fills" in page.output(1).text, "the progress bar")
    picture("stopped-1-running")
    page.click(".jp-Toolbar [data-command='notebook:interrupt-kernel']")
    cells = page.finished()
    assert [error["ename"] for error in errors(cells[1:2])] == ["KeyboardInterrupt"]
    assert "rows" not in page.output(1).text.partition("KeyboardInterrupt")[0]  # no bar above the traceback
    picture("stopped-2-after")
    for number in (2, 3):
        page.run(number)
    picture("stopped-3-next")
    assert errors(page.cells()[2:]) == []
    assert "Synced to" in page.output(2).text
    assert "Kalshi portfolio" in page.output(3).text
    page.close()


def errors(cells: list[dict[str, Any]]) -> list[Any]:
    """Give what went wrong in some cells."""
    return [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
