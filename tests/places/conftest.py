"""What the tests of the places share: a home for the programs, a browser, a JupyterLab."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from places.programs import need, surroundings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from selenium import webdriver

    from places.lab import Lab

collect_ignore = ["lab.py"]  # it has no examples to collect, and can only be imported where selenium is


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of caches that all programs share, so that the demo account is synced once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def env(tmp_path: Path, cache: Path) -> dict[str, str]:
    """Give a program's environment, with a home of its own."""
    return surroundings(tmp_path / "home", cache=cache)


@pytest.fixture
def picture(chromium: webdriver.Chrome) -> Callable[[str], None]:
    """Give what takes a picture of the page, for people; without ``PLACES_SCREENSHOTS`` it takes none."""
    folder = os.environ.get("PLACES_SCREENSHOTS")

    def take(name: str) -> None:
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            chromium.save_screenshot(str(Path(folder) / f"{name}.png"))

    return take


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Iterator[Lab]:
    need("jupyterlab", "ipywidgets", "selenium", "chromium", "chromedriver")
    from places.lab import jupyterlab  # noqa: PLC0415  (needs selenium)

    home = tmp_path_factory.mktemp("lab")
    env = surroundings(home, cache=cache) | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with jupyterlab(home, env) as server:
        yield server


@pytest.fixture(scope="session")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    need("selenium", "chromium", "chromedriver")
    from places.lab import browser  # noqa: PLC0415  (needs selenium)

    with browser(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver
