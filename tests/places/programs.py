"""Programs of the tests: whether they are there, what they may see, and that they end."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

T = TypeVar("T")

REQUIRED = os.environ.get("REQUIRE_PLACES") == "1"
_FOREIGN = ("KALSHI_", "JUPYTER", "IPYTHON", "JPY_", "XDG_", "COV_CORE_", "PYTEST_", "VSCODE_", "PYTHON")
_PATIENCE = 10.0


def need(*names: str) -> None:
    """Skip where a module or a program is missing; fail where all must be there."""
    missing = [name for name in names if not (shutil.which(name) or importlib.util.find_spec(name))]
    if missing and REQUIRED:
        pytest.fail(f"REQUIRE_PLACES=1, but these are not installed: {', '.join(missing)}")
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")


def surroundings(home: Path, *, cache: Path | None = None) -> dict[str, str]:
    """Give the environment of a newcomer whose home is a folder of the test's own."""
    for name in ("config", "runtime", "ipython", "tmp"):
        (home / name).mkdir(parents=True, exist_ok=True)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    folders = {
        "HOME": home,
        "TMPDIR": home / "tmp",
        "XDG_CACHE_HOME": cache or home / "cache",
        "XDG_CONFIG_HOME": home / "config",
        "XDG_DATA_HOME": home / "share",
        "IPYTHONDIR": home / "ipython",
        "JUPYTER_CONFIG_DIR": home / "config" / "jupyter",
        "JUPYTER_DATA_DIR": home / "share" / "jupyter",
        "JUPYTER_RUNTIME_DIR": home / "runtime",
    }
    return {**kept, **{name: str(folder) for name, folder in folders.items()}, "PYTHONDONTWRITEBYTECODE": "1"}


def python(
    *arguments: str, env: dict[str, str], cwd: Path, stdin: str | None = None, seconds: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run this Python to its end with warnings as errors; fail with what it wrote if it fails."""
    command = [sys.executable, "-W", "error", *arguments]
    done = subprocess.run(  # noqa: S603  (our own)
        command, env=env, cwd=cwd, input=stdin, capture_output=True, text=True, timeout=seconds, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done


@contextlib.contextmanager
def running(command: Sequence[str], *, env: dict[str, str], cwd: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server, and end it with all that it started in its process group."""
    with (
        log.open("wb") as file,
        subprocess.Popen(  # noqa: S603  (our own)
            list(command),
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield process
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, then its whole group without asking."""
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_PATIENCE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def until(look: Callable[[], T | None], what: str, *, seconds: float = 30.0) -> T:
    """Look again and again until there is something to see."""
    deadline = time.monotonic() + seconds
    while True:
        seen = look()
        if seen:
            return seen
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.1)
