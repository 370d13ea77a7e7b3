"""A process that has only imported the package, and forks one child per job: run as a program.

A job is a line of JSON on its input; what comes of it a line on its output. ``start`` gives the child's process id,
``wait`` its exit status and what it wrote. Polars starts its threads at first use, so this process never uses it.
"""

from __future__ import annotations

import ctypes
import itertools
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx  # noqa: F401
import pyarrow.parquet  # noqa: F401
import pydantic_settings  # noqa: F401
import stamina  # noqa: F401

import kalshi_portfolio as kp
from crash import world
from crash.points import Forbidder, Killer, Points, Recorder
from crash.views import Views
from kalshi_portfolio import errors
from kalshi_portfolio.store import Store


def tell(what: object) -> None:
    """Write a line."""
    print(what, flush=True)  # noqa: T201  (the process that asked reads it)


def sync(root: Path, job: dict[str, Any]) -> None:
    """Sync, once; maybe with something that goes wrong at a point, maybe with all points written down."""
    if "kill_at" in job:
        Points(root, Killer(job["kill_at"])).watch()
    if "record" in job:
        Points(root, Recorder(root, Path(job["record"]))).watch()
    if "forbid_at" in job:
        Points(root, Forbidder(root, job["forbid_at"])).watch()
    if "most" in job:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (job["most"], resource.RLIM_INFINITY))
    try:
        world.sync_day(root, job["day"], wait=job.get("patience", 60))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def go_on(root: Path, job: dict[str, Any]) -> None:
    """Sync day after day, the last one again and again, until killed; say each day before it begins."""
    tell("ready")
    for day in itertools.count(job["day"]):
        tell(min(day, world.DAYS))
        world.sync_day(root, min(day, world.DAYS))


def hold(root: Path, job: dict[str, Any]) -> None:
    """Hold the lock until killed."""
    with Store.open(root).sync_lock():
        tell("ready")
        while True:
            time.sleep(60)


def read(root: Path, job: dict[str, Any]) -> None:
    """Read in every way until a file says stop; what was there once must be there, once, whatever a sync does."""
    stop, views, n = Path(job["stop"]), Views(root), 0
    tell("ready")
    while not stop.exists() or n == 0:
        views.look()
        n += 1
    tell(f"{n} times, {views.moved} times something new, {views.again} files read again")


JOBS = {function.__name__: function for function in (sync, go_on, hold, read)}


def child(job: dict[str, Any]) -> int:
    """Do a job; what is wrong is said in one line, with the error's name."""
    try:
        if job.get("humble") and os.geteuid() == 0:
            be_humble()
        JOBS[job["do"]](Path(job["root"]), job)
    except errors.KalshiPortfolioError as error:
        tell(f"{type(error).__name__}: {error}")
        return 1
    except BaseException as error:  # noqa: BLE001  (it is to be reported, whatever it is)
        tell(f"UNEXPECTED {error!r}")
        return 2
    return 0


def be_humble() -> None:
    """Give up the superuser's right to pass over permissions."""
    version_3, nobody_else, overriding, reading = 0x20080522, 0, 1 << 1, 1 << 2
    header = (ctypes.c_uint32 * 2)(version_3, nobody_else)
    rights = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; the low halves first
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.capget(header, rights) == 0
    for n in range(3):
        rights[n] &= ~(overriding | reading)
    assert libc.capset(header, rights) == 0, os.strerror(ctypes.get_errno())


def start(job: dict[str, Any]) -> int:
    """Fork a child whose output goes to the job's file; give its process id."""
    pid = os.fork()
    if pid:
        return pid
    out = os.open(job["out"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
    for fd in (1, 2):
        os.dup2(out, fd)
    code = child(job)
    sys.stdout.flush()
    os._exit(code)


def main() -> None:
    """Serve until the input ends."""
    assert kp.__name__ == "kalshi_portfolio"
    tell("ready")
    for line in sys.stdin:
        job = json.loads(line)
        tell(os.waitstatus_to_exitcode(os.waitpid(job["wait"], 0)[1]) if "wait" in job else start(job))


if __name__ == "__main__":
    main()
