"""The account of the crash tests, day by day, and what must be true of its data folder at every instant."""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
from sync_world import SYNCED, Unruly, connect, sync

import kalshi_portfolio as kp
from kalshi_portfolio.schema import DATASETS
from kalshi_portfolio.simulation import NOW, SimulatedExchange
from kalshi_portfolio.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from kalshi_portfolio.simulation import ScriptedExchange
    from kalshi_portfolio.sync import Connection

DAYS = 12
LOCKS = {"sync", "gate", "commit"}
_SNAPSHOTS = ("positions", "balances")
_DAY = timedelta(days=1)


def exchange(day: int = 0) -> ScriptedExchange:
    """Give an account with ten fills whose clock stands some days after the start; every day brings more."""
    made = SimulatedExchange.tiny()
    fed = "KXFED-26DEC-T3.75"
    for n in range(1, DAYS + 1):
        ticker = f"KXDAY-26DEC-T{n}"
        made.add_market(ticker, opens=NOW - _DAY)
        made.trade(ticker, "yes", n, "0.40", at=NOW + n * _DAY - timedelta(hours=3))
        made.trade(fed, "no", 1, "0.60", at=NOW + n * _DAY - timedelta(hours=2))
        made.settle(ticker, "no" if n % 2 else "yes", at=NOW + n * _DAY - timedelta(hours=1))
        made.deposit(n, at=NOW + n * _DAY - timedelta(minutes=30))
    made.advance(NOW + day * _DAY)
    return made


def link(day: int = 0) -> Connection:
    """Connect to the account as it is on a day; the exchange sends one fill that does not fit."""
    account = exchange(day)
    return connect(account, Unruly(account, edit=_odd), paced=True)


def sync_day(root: Path, day: int, **options: Any) -> None:
    """Sync the account as it is on a day."""
    sync(root, link(day), **options)


def _odd(path: str, body: dict[str, Any]) -> None:
    for row in body["fills"] if path == "/portfolio/fills" else ():
        if row["ticker"].startswith("KXHIGHNY"):
            row["count_fp"] = "many"


def rows(root: Path) -> dict[str, frozenset[str]]:
    """Give what is in a data folder: every dataset's rows and those in quarantine, without when they were seen."""
    store = Store.open(root)
    found = {}
    for table in SYNCED:
        frame = store.read(table).drop("synced_at", "quoted_at", strict=False)
        found[table.name] = frozenset(map(str, frame.rows()))
        assert len(found[table.name]) == frame.height, f"{table.name} has a row twice"
    found["aside"] = frozenset(row.digest for name in DATASETS for row in store.quarantined(name))
    return found


def keys(root: Path) -> dict[str, list[Any]]:
    """Give the keys of every dataset as a plain program sees them: a glob over its folder, by Polars alone."""
    found = {}
    for table in SYNCED:
        if list((root / table.name).rglob("*.parquet")):
            scan = pl.scan_parquet(root / table.name / "**/*.parquet", hive_partitioning=table.partition_by is not None)
            names = [*table.key, "date"] if table.key_within_date else list(table.key)
            found[table.name] = scan.select(names).collect().rows()
    return found


def look_over(root: Path) -> None:
    """Fail unless the folder is whole, as every reader sees it; it may be that of a sync that died at any instant."""
    for path in root.rglob("*.parquet"):
        pl.read_parquet(path, hive_partitioning=False)
    for name, found in keys(root).items():
        assert len(found) == len(set(found)), f"a plain scan of {name} sees a key twice"
    if not (root / "kalshi-portfolio.json").exists():
        assert keys(root) == {}
        return
    pf = kp.Portfolio(root)
    assert pf.trades().height >= pf.fills().height == pf.fills(lazy=True).collect().height
    assert not pf.positions().is_duplicated().any()
    assert Store.open(root).verify(DATASETS.values()) == []


def nothing_committed_is_gone(root: Path, had: dict[str, frozenset[str]]) -> None:
    """Fail unless all rows that were there are there; of markets, which change, there must be as many."""
    now = rows(root)
    for name, before in had.items():
        assert before <= now[name] or (name == "markets" and len(before) <= len(now[name])), f"{name} lost rows"


def files(root: Path) -> set[str]:
    """Name every file and folder of a data folder but those of the log, whose days depend on the syncs."""
    paths = {path.relative_to(root).as_posix() for path in root.rglob("*")}
    return {path for path in paths if not path.startswith(("sync_log", ".locks/", ".tmp"))}


def nothing_is_left_over(root: Path) -> None:
    """Fail if a temporary file or the name of a holder lies about."""
    assert list((root / ".tmp").iterdir()) == []
    assert {path.name for path in (root / ".locks").iterdir()} <= LOCKS
    assert [path for path in root.rglob("*") if path.suffix == ".part"] == []


@functools.cache
def calm(folder: Path, *days: int) -> Path:
    """Give a data folder that was synced on these days and never disturbed; it is made once."""
    root = folder / f"calm-{'-'.join(map(str, days))}"
    for day in days:
        sync_day(root, day)
    return root


def next_sync_completes(root: Path, day: int, undisturbed: Path, *, snapshots: bool = True, wait: float = 0) -> None:
    """Sync on a day, and fail unless the folder then equals one that was never disturbed.

    Args:
        root: The data folder.
        day: Which day.
        undisturbed: The other.
        snapshots: Whether both were synced on the same days, so that even the names of the files are equal.
        wait: How long to wait for the lock, in seconds.
    """
    sync_day(root, day, wait=wait)
    found, expected = rows(root), rows(undisturbed)
    for name in expected:
        assert found[name] == expected[name] or (name in _SNAPSHOTS and expected[name] <= found[name] and not snapshots)
    assert files(root) == files(undisturbed) or not snapshots
    nothing_is_left_over(root)
    look_over(root)
