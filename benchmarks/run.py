# ruff: noqa: INP001, T201  (a script that prints)
"""Measure the ledger beside C and plain Python: ``python benchmarks/run.py``.

Each size is made by one process and measured by another, which so begins with the fills alone in memory.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from accounts import Account, account
from peers import build, c_inputs, c_lots, c_outcome, python_inputs, python_lots, python_outcome

from kalshi_portfolio import money
from kalshi_portfolio.ledger import link, match_lots
from kalshi_portfolio.pnl import pnl

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZES = {"100k": 100_000, "1m": 1_000_000, "10m": 10_000_000}
_GIB = 2**20  # of kibibytes
_PEAK_RESET = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")
_PARTS = ("fills", "settled", "markets")


def _peak() -> float:
    """Give the highest memory so far, in GiB."""
    if _STATUS.exists():  # what getrusage tells is not begun anew
        lines = dict(line.split(":", 1) for line in _STATUS.read_text().splitlines() if ":" in line)
        return int(lines["VmHWM"].split()[0]) / _GIB
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / _GIB / (1024 if sys.platform == "darwin" else 1)


def _forget_peak() -> float:
    """Begin the peak anew where the system can (Linux); elsewhere it only ever grows. Give what is held now."""
    gc.collect()
    if _PEAK_RESET.exists():
        _PEAK_RESET.write_text("5")
    return _peak()


def _measure(what: str, call: Callable[[], Any], size: int, runs: int) -> tuple[dict[str, Any], Any]:
    """Run a call several times; give its figures and what it gave last."""
    seconds, result = [], None
    before = _forget_peak()
    for _ in range(runs):
        result = None
        gc.collect()
        gc.disable()  # as timeit does
        began = time.perf_counter()
        result = call()
        seconds.append(time.perf_counter() - began)
        gc.enable()
    figures = {
        "what": what,
        "fills": size,
        "runs": runs,
        "seconds_min": round(min(seconds), 4),
        "seconds_median": round(statistics.median(seconds), 4),
        "ns_per_fill": round(min(seconds) / size * 1e9, 1),
        "before_gib": round(before, 2),
        "peak_gib": round(_peak(), 2),
    }
    print(f"  {what}: {figures['ns_per_fill']} ns a fill", file=sys.stderr, flush=True)
    return figures, result


def _outcome(lots: pl.DataFrame) -> tuple[int, int]:
    return lots.height, int(lots.select(money.wide_units(pl.col("realized_pnl_cents")).sum()).item() or 0)


def make(size: int, folder: Path) -> None:
    """Make an account and keep it in a folder."""
    book = account(size)
    for part in _PARTS:
        getattr(book, part).write_parquet(folder / f"{part}.parquet")


def run(folder: Path, runs: int, *, python: bool = True) -> list[dict[str, Any]]:
    """Measure everything on the account of a folder, and check that all who match lots agree."""
    book = Account(*(pl.read_parquet(folder / f"{part}.parquet") for part in _PARTS))
    size = book.fills.height
    rows: list[dict[str, Any]] = []

    def measure(what: str, call: Callable[[], Any], times: int = runs) -> Any:
        figures, result = _measure(what, call, size, times)
        rows.append(figures)
        return result

    def linked() -> Any:
        return link(book.fills, book.settled, None, book.markets)

    matched = [measure("lots()", lambda: match_lots(book.fills, book.settled))]
    outcomes = {"lots()": _outcome(matched[0])}
    measure("pnl(by='ticker')", lambda: pnl(matched[0], book.markets, by="ticker"))
    measure("pnl(freq='1d')", lambda: pnl(matched[0], book.markets, freq="1d"))
    matched.clear()
    measure("trades()", lambda: linked().trades)
    measure("positions()", lambda: linked().positions)
    library = build()
    if library is not None:
        arrays = c_inputs(book)
        outcomes["C"] = c_outcome(measure("C reference", lambda: c_lots(library, arrays)))
    if python:
        lists = python_inputs(book)
        outcomes["Python"] = python_outcome(measure("Python deque", lambda: python_lots(lists), max(1, runs // 2)))
    if len(set(outcomes.values())) != 1:
        raise SystemExit(f"Those who match lots disagree (lots, realised P&L in 0.000001 cent): {outcomes}")
    print(f"  all agree (lots, realised P&L in 0.000001 cent): {outcomes}", file=sys.stderr, flush=True)
    count, _ = next(iter(outcomes.values()))
    return [row | {"lots": count} for row in rows]


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| fills | what | ns a fill: least | median | over C | Python over it | GiB before | GiB at most |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        same = {r["what"]: r["seconds_min"] for r in rows if r["fills"] == row["fills"]}
        against_c = f"{row['seconds_min'] / same['C reference']:.1f}" if "C reference" in same else ""
        against_python = f"{same['Python deque'] / row['seconds_min']:.1f}" if "Python deque" in same else ""
        median = f"{row['seconds_median'] / row['fills'] * 1e9:.0f}"
        lines.append(
            f"| {row['fills']:,} | {row['what']} | {row['ns_per_fill']} | {median} | {against_c} | {against_python} "
            f"| {row['before_gib']:.2f} | {row['peak_gib']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Read the command line, run each size in a process of its own, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="100k,1m,10m", help="of 100k, 1m, 10m (default: all)")
    parser.add_argument("--runs", type=int, default=5, help="runs of each call; the least and the median count")
    parser.add_argument("--no-python", action="store_true", help="leave the slow Python loop out")
    parser.add_argument("--out", type=Path, default=Path("benchmarks.json"), help="where the JSON goes")
    parser.add_argument("--make", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--of", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.make:
        make(args.make, args.of)
        return
    if args.of:
        print(json.dumps(run(args.of, args.runs, python=not args.no_python)))
        return
    unknown = [name for name in args.sizes.split(",") if name not in _SIZES]
    if unknown:
        parser.error(f"--sizes {unknown}: expected some of {', '.join(_SIZES)}")
    rows: list[dict[str, Any]] = []
    for name in args.sizes.split(","):
        print(f"{name} fills", file=sys.stderr, flush=True)
        runs = args.runs if _SIZES[name] < _SIZES["10m"] else min(args.runs, 2)
        with tempfile.TemporaryDirectory() as folder:
            ourselves = [sys.executable, __file__, "--of", folder]
            subprocess.run([*ourselves, "--make", str(_SIZES[name])], check=True)  # noqa: S603
            command = [*ourselves, "--runs", str(runs), *["--no-python"] * args.no_python]
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)  # noqa: S603
        rows += json.loads(done.stdout)
    print(_table(rows))
    machine = {
        "system": platform.system(),
        "cores": pl.thread_pool_size(),
        "python": platform.python_version(),
        "polars": pl.__version__,
    }
    args.out.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
