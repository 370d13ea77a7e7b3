"""Processes that are started quickly and die when told; see ``server.py``."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType

_PATIENCE = 60.0


@dataclass
class Child:
    """A process that does a job.

    Attributes:
        pid: Its id.
        out: What it writes.
    """

    server: Server
    pid: int
    out: Path
    status: int | None = None

    @property
    def said(self) -> str:
        """What it wrote until now."""
        return self.out.read_text() if self.out.exists() else ""

    def wait(self) -> int:
        """Wait for its end; give its exit status, negative for a signal."""
        if self.status is None:
            self.status = self.server.ask({"wait": self.pid})
        return self.status

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> int:
        """Kill it, and wait for its end."""
        if self.status is None:
            self.signal(signal.SIGKILL)
        return self.wait()

    def until_ready(self) -> Child:
        """Wait until it says so."""
        until = time.monotonic() + _PATIENCE
        while "ready" not in self.said:
            assert time.monotonic() < until, self.said
            time.sleep(0.005)
        return self


class Server:
    """Forks processes of a package that is imported already. One thread at a time may use it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("KALSHI_", "COV_"))}
        self._process = subprocess.Popen(  # noqa: S603  (our own)
            [sys.executable, "-W", "ignore::DeprecationWarning", str(Path(__file__).with_name("server.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        assert self._answer() == "ready"

    def start(self, do: str, root: Path, **job: Any) -> Child:
        """Start a job in a process of its own."""
        out = self._folder / f"{os.getpid()}-{self._process.pid}-{next(self._numbers)}.out"
        pid = self.ask({"do": do, "root": str(root), "out": str(out), **job})
        return Child(self, pid, out)

    def run(self, do: str, root: Path, **job: Any) -> Child:
        """Do a job in a process of its own, to its end."""
        child = self.start(do, root, **job)
        child.wait()
        return child

    def ask(self, job: dict[str, Any]) -> int:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(job) + "\n")
        self._process.stdin.flush()
        return int(self._answer())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End it; its children must have ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(_PATIENCE)
        self._process.stdout.close()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()
