from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from crash import world
from crash.processes import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="forks, mounts, and asks /proc")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder for what all tests share."""
    return tmp_path_factory.mktemp("crash")


@pytest.fixture(scope="session")
def server(folder: Path) -> Iterator[Server]:
    with Server(folder) as made:
        yield made


@pytest.fixture(scope="session")
def rounds() -> int | None:
    """Give how often to die at random; None for a sample that suits every day."""
    return int(os.environ["CRASH_ROUNDS"]) if "CRASH_ROUNDS" in os.environ else None


@pytest.fixture(scope="session")
def calm0(folder: Path) -> Path:
    """Give a folder that was synced once."""
    return world.calm(folder, 0)
