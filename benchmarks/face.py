# ruff: noqa: INP001, T201  (a script that prints)
"""Measure what people wait for, card, first chart and report, in fresh processes: ``python benchmarks/face.py``."""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from accounts import account

import kalshi_portfolio as kp
from kalshi_portfolio.schema import FILLS, MARKETS, SYNC_LOG
from kalshi_portfolio.store import Identity

_STEPS = {
    "import": "import kalshi_portfolio as kp",
    "card, first time": "pf._repr_html_()",
    "card, again": "pf._repr_html_()",
    "first chart": "pf.plot.equity()._repr_mimebundle_()",
    "report": "pf.report(folder + '/report.html')",
}
_PROGRAM = """
import sys, time
root, folder, steps = sys.argv[1], sys.argv[2], eval(sys.argv[3])
for name, call in steps.items():
    began = time.perf_counter()
    exec(call)
    print(f"{name}\\t{time.perf_counter() - began:.4f}")
    if name == "import":
        pf = kp.Portfolio(root)
"""


def synced(root: Path, size: int) -> None:
    """Make a data folder of so many fills, with a log that says that nothing is missing."""
    book = account(size)
    store = kp.Store.open_for_sync(root, Identity("benchmark", "custom", ""))
    store.upsert(FILLS, book.fills)
    store.upsert(MARKETS, book.markets)
    now = book.fills["executed_at"].max()
    window = {"window_from": datetime(1970, 1, 1, tzinfo=UTC), "window_to": now, "finished_at": now, "cutoff": now}
    logged = [
        {"run_id": "benchmark", "dataset": dataset, "tier": tier, "subaccount": number, "exchange_index": -1, "rows": 0}
        | window
        | {"partitions": []}
        for dataset, tier in (("fills", "historical"), ("settlements", "archived"))
        for number in book.fills["subaccount"].unique()
    ]
    store.log(SYNC_LOG.conform(pl.DataFrame(logged, schema=SYNC_LOG.schema)))


def measure(root: Path, folder: Path, steps: dict[str, str]) -> dict[str, float]:
    """Do steps one after the other in a fresh process; give the seconds that each took."""
    command = [sys.executable, "-W", "ignore", "-c", _PROGRAM, str(root), str(folder), repr(steps)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  (ourselves)
    return {name: float(took) for name, took in (line.split("\t") for line in done.stdout.splitlines())}


def main() -> None:
    """Measure the demo account and a large one; print the least of some runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fills", type=int, default=1_000_000, help="of the large account")
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        synced(folder / "large", args.fills)
        roots = {"demo": kp.demo(folder / "demo").root, f"{args.fills:,} fills": folder / "large"}
        print("| account | what | seconds | |\n|---|---|---|---|")
        for account_name, root in roots.items():
            chart = {name: _STEPS[name] for name in ("import", "first chart")}
            report = {name: _STEPS[name] for name in ("import", "report")}
            for steps in (_STEPS, chart, report):
                runs = [measure(root, folder, steps) for _ in range(args.runs)]
                alone = "in a row" if steps is _STEPS else "alone"
                for name in steps:
                    print(f"| {account_name} | {name} | {min(run[name] for run in runs):.3f} | {alone} |", flush=True)
            size = (folder / "report.html").stat().st_size / 1e6
            held = kp.Portfolio(root).positions(status="open").height
            print(f"| {account_name} | size of the report: {size:.2f} MB, {held:,} open positions | | |", flush=True)


if __name__ == "__main__":
    main()
