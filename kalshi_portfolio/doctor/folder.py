"""What is on disk: whose it is, whether every file is whole, and what is missing."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kalshi_portfolio.display import counted, moment
from kalshi_portfolio.doctor.findings import Finding
from kalshi_portfolio.errors import DamagedFileError, RootNotFoundError, StoreError
from kalshi_portfolio.portfolio.coverage import BEGINNING, coverage_of
from kalshi_portfolio.portfolio.status import status_of
from kalshi_portfolio.schema import DATASETS, VERSION
from kalshi_portfolio.store import Store, foreign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kalshi_portfolio.portfolio import Status
    from kalshi_portfolio.store import Identity

_REPAIR = "kalshi-portfolio doctor --repair (or kp.doctor(repair=True)) keeps it aside and fetches its days anew."
_SYNC = "Run: kalshi-portfolio sync (or kp.sync())"
_CHOOSE = "Choose an empty or a new folder by KALSHI_PORTFOLIO_DATA or --root: no sync writes into this one."
_NAMED = 5
_LITTLE_SPACE = 500_000_000
_SETTLEMENTS_LISTED = timedelta(days=45)
_NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs", "9p", "afs", "ceph", "glusterfs", "fuse.glusterfs"}
_UNITS = ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB"))


@dataclass(frozen=True, slots=True)
class Place:
    """Which data folder is looked at.

    Attributes:
        root: The folder.
        origin: Where its path comes from, in words.
    """

    root: Path
    origin: str


def examine_folder(place: Place, identity: Identity | None) -> list[Finding]:
    """Look at a data folder; nothing is changed.

    Args:
        place: Which one.
        identity: Whose data a sync with the present settings would write; None if nobody can tell.
    """
    where = f"{place.root}, from {place.origin}"
    try:
        store = Store.open(place.root)
    except RootNotFoundError as error:
        if any((place.root / name).is_dir() for name in DATASETS):
            return [Finding("data", "marker", f"{where}: {error}", "fail", _REPAIR)]
        return [_none_yet(place.root, where)]
    except DamagedFileError as error:
        return [Finding("data", "data folder", where), Finding("data", "marker", str(error), "fail", _REPAIR)]
    except StoreError as error:
        return [Finding("data", "data folder", f"{where}: {error}", "fail", "See the message.")]
    damaged = store.verify(DATASETS.values())
    return [
        Finding("data", "data folder", where),
        _owner(store, identity),
        _schema(store),
        *_disk(store),
        *_file_system(store.root),
        *_files(store, damaged),
        *_contents(store, status_of(store)),
    ]


def _none_yet(root: Path, where: str) -> Finding:
    """Tell of a path at which there is no data folder, and whether a sync could make one there."""
    try:
        others = foreign(root)
    except StoreError as error:
        return Finding("data", "data folder", f"{where}: {error}", "fail", _CHOOSE)
    if others:
        words = f"{where}: no data folder, and other things lie there: {', '.join(others[:_NAMED])}"
        return Finding("data", "data folder", words, "fail", _CHOOSE)
    return Finding("data", "data folder", f"{where}: there is none yet", "warn", _SYNC)


def _owner(store: Store, identity: Identity | None) -> Finding:
    mark = store.mark
    words = f"{mark.environment} ({mark.host}), since {mark.created[:10]}"
    if identity is None:
        return Finding("data", "account", words)
    if (mark.host, mark.environment) != (identity.host, identity.environment):
        words += f"; but the settings are of {identity.environment} ({identity.host})"
        return Finding("data", "account", words, "fail", "Choose another folder by KALSHI_PORTFOLIO_DATA or --root.")
    if identity.key_fingerprint and identity.key_fingerprint not in mark.key_fingerprints:
        words += "; it has not seen this key, which the next sync tries on a stored fill"
    return Finding("data", "account", words)


def _schema(store: Store) -> Finding:
    older = store.mark.version < VERSION
    words = f"version {store.mark.version}" + (f"; the next sync brings it to {VERSION}" if older else "")
    return Finding("data", "schema", words)


def _disk(store: Store) -> Iterator[Finding]:
    if os.access(store.root, os.W_OK | os.X_OK):
        yield Finding("data", "writable", "yes")
    else:
        yield Finding("data", "writable", "no", "warn", "It can be read. To sync, check its owner and permissions.")
    free = shutil.disk_usage(store.root).free
    advice = "Make room: a sync writes new files before it removes old ones." if free < _LITTLE_SPACE else ""
    yield Finding("data", "free space", _size(free), "warn" if advice else "ok", advice)


def _file_system(root: Path) -> list[Finding]:
    kind = file_system(root)
    if kind is None:
        return []
    if kind not in _NETWORK:
        return [Finding("data", "file system", kind)]
    advice = "Locks may not hold between computers: sync from one of them at a time, or use a local disk."
    return [Finding("data", "file system", f"{kind}, over the network", "warn", advice)]


def file_system(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """Tell the kind of the file system that a path lies on, where the system lists its mounts; else None."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    best, kind = -1, None
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(before.split(" ")[4].replace("\\040", " ")) if before.count(" ") > 4 else None  # noqa: PLR2004
        if point and path.resolve().is_relative_to(point) and len(point.parts) >= best:  # a later mount hides others
            best, kind = len(point.parts), after.partition(" ")[0]
    return kind


def _files(store: Store, damaged: list[StoreError]) -> Iterator[Finding]:
    sizes = [path.stat().st_size for name in DATASETS for path in (store.root / name).rglob("*.parquet")]
    if not damaged:
        yield Finding("data", "files", f"all {len(sizes):,} are whole, {_size(sum(sizes))}")
    for error in damaged:
        if isinstance(error, DamagedFileError):
            yield Finding("data", "damaged file", str(error), "fail", _REPAIR)
        else:
            yield Finding("data", "unreadable file", str(error), "fail", "See the message.")


def _contents(store: Store, status: Status) -> Iterator[Finding]:
    rows = ", ".join(f"{d.name} {d.rows:,}" for d in status.datasets if d.rows is not None)
    yield Finding("data", "rows", rows)
    if status.in_quarantine:
        words = f"{counted(status.in_quarantine, 'row')} did not fit: kept as sent, and tried again at each sync"
        yield Finding("data", "quarantine", words, "warn", "A newer version of this package may read them.")
    else:
        yield Finding("data", "quarantine", "no rows")
    yield Finding("data", "syncing now", status.syncing or "nobody")
    yield _last_sync(store, status)
    yield from _gaps(store)


def _last_sync(store: Store, status: Status) -> Finding:
    if status.last_sync is None:
        return Finding("data", "last sync", "never finished", "warn", _SYNC)
    words = moment(status.last_sync)
    old = datetime.now(UTC) - status.last_sync > _SETTLEMENTS_LISTED and store.mark.environment != "simulated"
    advice = f"{_SYNC}: the exchange lists settlements for about 60 days." if old else ""
    return Finding("data", "last sync", words, "warn" if old else "ok", advice)


def _gaps(store: Store) -> Iterator[Finding]:
    try:
        coverage = coverage_of(store)
    except StoreError:
        return  # the damaged file is told already
    missing = coverage.filter(coverage["status"] == "missing")
    for dataset, number, start, end in missing.select("dataset", "subaccount", "covered_from", "covered_to").rows():
        begin = "the beginning" if start <= BEGINNING else moment(start)
        words = f"{dataset} of subaccount {number} from {begin} to {moment(end)} are not on disk"
        yield Finding("data", "gap", words, "warn", f"{_SYNC}, which fetches them.")
    if missing.is_empty() and not coverage.is_empty():
        yield Finding("data", "gaps", "none up to the last sync")


def _size(count: int) -> str:
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:,.1f} {name}"
    return f"{count} bytes"
