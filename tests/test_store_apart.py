"""Damaged files are kept aside, and what they held is open again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from store_rows import at, frame

from kalshi_portfolio.errors import LockedError, RootMismatchError
from kalshi_portfolio.parse import SetAside
from kalshi_portfolio.schema import DATASETS, FILLS, SETTLEMENTS, SYNC_LOG
from kalshi_portfolio.store import Identity, Store, covered, gaps, mended_mark

if TYPE_CHECKING:
    from pathlib import Path

ME = Identity("example.com", "custom", "k1")
START = at(0).replace(hour=0, minute=0, second=0, microsecond=0)
END = START + timedelta(days=3)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give a folder with a fill on each of three days, all of them covered."""
    made = Store.open_for_sync(tmp_path / "data", ME)
    made.upsert(FILLS, frame(FILLS, *({"kalshi_trade_id": f"{d}", "executed_at": at(d)} for d in range(3))))
    rows = [
        {"run_id": "r", "dataset": name, "tier": "live", "exchange_index": -1, "subaccount": 0}
        | {"window_from": START, "window_to": END, "finished_at": END, "rows": 3}
        | {"partitions": [{"date": at(d).date(), "rows": 1} for d in range(3)] if name == "fills" else []}
        for name in ("fills", "settlements")
    ]
    made.log(frame(SYNC_LOG, *rows))
    return made


def open_windows(store: Store, dataset: str) -> list[tuple[datetime, datetime]]:
    log = store.coverage_log([FILLS, SETTLEMENTS])
    return gaps(covered(log, dataset, subaccount=0), START, END)


def file(store: Store, day: int) -> Path:
    return store.root / "fills" / f"date={at(day).date()}" / "data.parquet"


def test_a_whole_folder_is_left_alone(store: Store) -> None:
    assert store.set_apart() == []
    assert not (store.root / ".damaged").exists()


def test_a_damaged_file_is_kept_and_its_day_is_open(store: Store) -> None:
    file(store, 1).write_bytes(b"nonsense")
    (apart,) = store.set_apart()
    assert (apart.path, apart.dataset, apart.day, apart.quarantine) == (
        file(store, 1),
        "fills",
        at(1).date(),
        False,
    )
    assert apart.kept.read_bytes() == b"nonsense"
    assert apart.kept.parent.parent.parent.parent == store.root / ".damaged"
    assert not file(store, 1).parent.exists()
    assert open_windows(store, "fills") == [(START + timedelta(days=1), START + timedelta(days=2))]
    assert open_windows(store, "settlements") == []
    assert store.read(FILLS).height == 2
    assert store.verify(DATASETS.values()) == []


def test_files_damaged_at_two_times_never_replace_one_another(store: Store) -> None:
    kept = []
    for content in (b"first", b"second"):
        file(store, 1).parent.mkdir(exist_ok=True)
        file(store, 1).write_bytes(content)
        kept += store.set_apart()
    assert [apart.kept.read_bytes() for apart in kept] == [b"first", b"second"]


def test_a_damaged_quarantine_opens_all_of_its_dataset(store: Store) -> None:
    row = SetAside("fills", "{}", "odd", None, "live", None, datetime.now(UTC))
    store.quarantine("fills", [row])
    path = store.root / "quarantine" / "fills.json"
    path.write_bytes(path.read_bytes()[:-5])
    assert [error.path for error in store.verify([FILLS])] == [path]
    (apart,) = store.set_apart()
    assert (apart.dataset, apart.day, apart.quarantine) == ("fills", None, True)
    assert open_windows(store, "fills") == [(START, END)]
    assert open_windows(store, "settlements") == []
    assert store.quarantined("fills") == []


def test_a_folder_that_is_being_synced_is_left_alone(store: Store) -> None:
    file(store, 1).write_bytes(b"nonsense")
    with Store.open(store.root).sync_lock(), pytest.raises(LockedError):
        store.set_apart(timeout=0)
    assert file(store, 1).read_bytes() == b"nonsense"


def test_a_new_marker_knows_no_key_and_the_old_one_is_kept(store: Store) -> None:
    marker = store.root / "kalshi-portfolio.json"
    marker.write_text("{")
    with mended_mark(store.root, ME) as kept:
        assert kept is not None
        assert kept.read_text() == "{"
        again = Store.open_for_sync(store.root, ME)
        assert again.new_key
        assert not again.created
    assert Store.open(store.root).mark.key_fingerprints == ()


@pytest.mark.parametrize("before", ["{", None])
def test_a_block_that_fails_leaves_the_marker_as_it_was(store: Store, before: str | None) -> None:
    marker = store.root / "kalshi-portfolio.json"
    marker.unlink()
    if before is not None:
        marker.write_text(before)
    with pytest.raises(RootMismatchError), mended_mark(store.root, ME):
        raise RootMismatchError("another account", path=store.root)
    assert (marker.read_text() if marker.exists() else None) == before
