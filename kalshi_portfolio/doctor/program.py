"""Which versions run here."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

from kalshi_portfolio.doctor.findings import Finding

_LIBRARIES = ("polars", "pyarrow", "httpx", "cryptography")


def examine_program() -> list[Finding]:
    """Tell the versions of this package, Python, the main libraries and the system."""
    python = f"{platform.python_version()} ({platform.python_implementation()})"
    libraries = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    system = f"{platform.system()} {platform.release()}, {platform.machine()}"
    return [
        Finding("program", "kalshi-portfolio", _version("kalshi-portfolio")),
        Finding("program", "Python", python),
        Finding("program", "libraries", libraries),
        Finding("program", "system", system),
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"  # this package itself may run from a source tree
