"""Damaged files: kept aside, and their days fetched anew; nothing else is."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio.display import counted
from kalshi_portfolio.doctor.findings import Finding
from kalshi_portfolio.errors import DamagedFileError, KalshiPortfolioError, RootNotFoundError, StoreError
from kalshi_portfolio.loops import run
from kalshi_portfolio.schema import BALANCES, DATASETS, FILLS, SETTLEMENTS, SNAPSHOTS, SYNC_LOG
from kalshi_portfolio.store import Store, mended_mark
from kalshi_portfolio.sync import SYNCED, PortfolioSyncer

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date
    from pathlib import Path

    from kalshi_portfolio.store import Apart
    from kalshi_portfolio.sync import Connection, SyncReport

_WINDOWED = (FILLS.name, SETTLEMENTS.name)
_TAKEN = (SNAPSHOTS.name, BALANCES.name)
_GONE = {
    FILLS.name: "Run `kalshi-portfolio sync`, then `kalshi-portfolio reconcile`, which shows what is missing.",
    SETTLEMENTS.name: "The exchange lists settlements for about 60 days. Markets settled before are settled from their "
    "fills and results: the P&L is the same.",
}


def repair(root: Path, link: Connection, *, wait: float = 60.0) -> list[Finding]:
    """Keep damaged files aside and fetch anew what they held, window by window.

    Args:
        root: The data folder.
        link: Where to fetch from.
        wait: Seconds to wait for a sync to end.

    Returns:
        One finding per damaged file: what became of it. Nothing is ever deleted.
    """
    findings: list[Finding] = []
    try:
        with ExitStack() as on_failure:
            lost_mark = _mark_is_lost(root)
            if lost_mark:
                kept = on_failure.enter_context(mended_mark(root, link.identity, wait=wait))
                findings = [Finding("repair", "marker", "written anew, for the account that the key belongs to")]
                findings += [_kept(root, [kept])] if kept else []
            findings += _repaired(Store.open_for_sync(root, link.identity), link, always=lost_mark, wait=wait)
    except KalshiPortfolioError as error:
        return [Finding("repair", "repair", f"not done: {error}", "fail", "Correct this, and repair again.")]
    return findings or [Finding("repair", "repair", "no file is damaged")]


def _mark_is_lost(root: Path) -> bool:
    try:
        Store.open(root)
    except RootNotFoundError:
        return any((root / name).is_dir() for name in DATASETS)
    except DamagedFileError:
        return True
    return False


def _repaired(store: Store, link: Connection, *, always: bool, wait: float) -> list[Finding]:
    """Set damaged files apart, fetch, and say what came back. ``always``: ask the exchange though none is damaged."""
    claimed = _claimed(store)
    newest = {name: max(store.partitions(DATASETS[name]), default=None) for name in _TAKEN}
    moved = store.set_apart(timeout=wait)
    names = _to_fetch(moved, newest)
    failure: KalshiPortfolioError | None = None
    if names or always:
        try:
            log_lost = any(file.dataset == SYNC_LOG.name for file in moved)
            run(_fetched(link, store, names or {FILLS.name}, mending=not log_lost, wait=wait))
        except KalshiPortfolioError as error:
            if always:
                raise  # the new marker has not been proved right
            failure = error
    if failure is not None:
        became = [_not_fetched(file, _name(store, file), failure) for file in moved]
    else:
        became = [_outcome(store, file, claimed) for file in moved]
    return [*became, *([_kept(store.root, [file.kept for file in moved])] if moved else [])]


def _to_fetch(moved: list[Apart], newest: dict[str, date | None]) -> set[str]:
    """Say which datasets to sync. A snapshot is taken anew only where the newest one is lost."""
    names: set[str] = set()
    for file in moved:
        if file.dataset == SYNC_LOG.name:
            names.update(SYNCED)
        elif file.quarantine or file.dataset not in _TAKEN or file.day == newest[file.dataset]:
            names.add(file.dataset)
    return names & set(SYNCED)


async def _fetched(link: Connection, store: Store, names: Collection[str], *, mending: bool, wait: float) -> SyncReport:
    async with link.client() as client:
        syncer = PortfolioSyncer(
            client,
            store,
            overlap=timedelta(0),
            wait=wait,
            key_fingerprint=link.identity.key_fingerprint,
            paced=link.paced,
            mending=mending,
        )
        return await syncer.sync_only(names)


def _claimed(store: Store) -> dict[tuple[str, date], int]:
    """Say how many rows each day of a dataset has at least, by what the sync log says was found."""
    try:
        log = store.read(SYNC_LOG, columns=["dataset", "subaccount", "partitions"])
    except StoreError:
        return {}
    days = log.explode("partitions").drop_nulls("partitions").unnest("partitions")
    most = days.group_by("dataset", "subaccount", "date").agg(pl.col("rows").max())
    whole = most.group_by("dataset", "date").agg(pl.col("rows").sum())
    return {(dataset, day): rows for dataset, day, rows in whole.iter_rows()}


def _not_fetched(file: Apart, name: str, error: KalshiPortfolioError) -> Finding:
    lost = file.dataset in _TAKEN and not file.quarantine
    advice = "It shows what was on its day: it cannot be fetched." if lost else "The next sync fetches it."
    return Finding("repair", name, f"could not be fetched: {error}", "fail", advice)


def _outcome(store: Store, file: Apart, claimed: dict[tuple[str, date], int]) -> Finding:
    name = _name(store, file)
    if file.quarantine:
        again = counted(len(store.quarantined(file.dataset)), "row does", "rows do")
        words = f"all {file.dataset} were read again: {again} not fit"
        advice = "Rows that the exchange no longer lists are in the kept file alone."
        return Finding("repair", name, words, "warn", advice)
    if file.dataset == SYNC_LOG.name:
        return Finding("repair", name, "what it said was read was read again")
    rows = _rows(store, file)
    if file.dataset in _TAKEN:
        if rows:
            return Finding("repair", name, f"taken anew, {counted(rows, 'row')}")
        words = f"cannot be fetched: it showed what was on {file.day}"
        return Finding("repair", name, words, "warn", "Restore the file from a backup, if you have one.")
    due = claimed.get((file.dataset, file.day), 1) if file.day else 1
    if rows < due:
        words = f"of at least {counted(due, 'row')} {rows:,} came back"
        return Finding("repair", name, words, "warn", _GONE.get(file.dataset, "The exchange no longer lists them."))
    return Finding("repair", name, f"fetched anew, {counted(rows, 'row')}")


def _rows(store: Store, file: Apart) -> int:
    table = DATASETS[file.dataset]
    until = file.day + timedelta(days=1) if file.day else None
    return store.read(table, since=file.day, until=until, columns=[table.key[0]]).height


def _name(store: Store, file: Apart) -> str:
    return file.path.relative_to(store.root).as_posix()


def _kept(root: Path, paths: list[Path]) -> Finding:
    """Say where damaged files lie now: in one folder, made for this repair."""
    folder = root.joinpath(*paths[0].relative_to(root).parts[:2])
    return Finding("repair", "kept", f"{counted(len(paths), 'damaged file')} in {folder}; delete it when all is well")
