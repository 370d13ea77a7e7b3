"""Our HTML on a page that has nothing but its own colours, as VS Code's are: on light, on dark, in high contrast."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import kalshi_portfolio as kp
from kalshi_portfolio.simulation import SimulatedExchange

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from selenium import webdriver

READABLE = 4.5  # WCAG 2, level AA
COLOURS = {
    "light modern": ("#3b3b3b", "#ffffff"),
    "dark modern": ("#cccccc", "#1f1f1f"),
    "high contrast": ("#ffffff", "#000000"),
}


@pytest.mark.parametrize("theme", COLOURS)
@pytest.mark.parametrize("width", [320, 1000])
def test_the_cards_take_the_colours_of_the_page_and_fit_its_width(
    chromium: webdriver.Chrome, theme: str, width: int, tmp_path: Path, picture: Callable[[str], None]
) -> None:
    from selenium.webdriver.common.by import By  # noqa: PLC0415

    from places.lab import contrasts  # noqa: PLC0415

    ink, paper = COLOURS[theme]
    report = kp.sync(tmp_path / "data", connection=kp.demo_connection(SimulatedExchange.tiny()), progress=False)
    cards = [report._repr_html_(), kp.Portfolio(tmp_path / "data")._repr_html_()]
    style = f"--vscode-foreground: {ink}; color: {ink}; background: {paper}; width: {width}px; margin: 0"
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><body style='{style}'>{''.join(cards)}", encoding="utf-8")
    chromium.get(page.as_uri())
    picture(f"page-{theme.replace(' ', '-')}-{width}")
    body = chromium.find_element(By.TAG_NAME, "body")
    assert {text: ratio for text, ratio in contrasts(chromium, body).items() if ratio < READABLE} == {}
    assert int(chromium.execute_script("return document.body.scrollWidth")) <= width
