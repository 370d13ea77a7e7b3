"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A slow shared machine must not turn a property into a timing test; in CI the examples are the same every time.
settings.register_profile("local", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("local"), derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

_SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def realdata() -> Path:
    """Give the folder of real accounts; skip where it is absent (it is never part of the repository)."""
    folder = _SHARED / "realdata"
    if not folder.is_dir():
        pytest.skip("the folder of real accounts is not here: it is not published with the package")
    return folder


@pytest.fixture(scope="session")
def examples() -> Path:
    """Give the folder of example payloads; skip where it is absent."""
    folder = _SHARED / "reference" / "examples"
    if not folder.is_dir():
        pytest.skip("the folder of example payloads is not here: it is not published with the package")
    return folder


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of whoever runs the tests out of them."""
    for name in [n for n in os.environ if n.startswith("KALSHI_")]:
        monkeypatch.delenv(name)
