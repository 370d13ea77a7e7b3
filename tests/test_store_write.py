from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_rows import at, frame

from kalshi_portfolio.errors import SchemaError
from kalshi_portfolio.schema import DATASETS, FILLS, MARKETS, SETTLEMENTS, SNAPSHOTS, SYNC_LOG, TRANSFERS
from kalshi_portfolio.store import Identity, Store, Upserted, covered
from kalshi_portfolio.store import store as store_module

if TYPE_CHECKING:
    from pathlib import Path

SIMULATED = Identity("example.com", "simulated")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open_for_sync(tmp_path / "data", SIMULATED)


def stamps(store: Store) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in store.root.rglob("*.parquet")}


@pytest.mark.parametrize("table", DATASETS.values(), ids=DATASETS)
def test_the_same_rows_again_write_no_file(store: Store, table: Any) -> None:
    assert store.upsert(table, frame(table, {})).new == 1
    before = stamps(store)
    assert store.upsert(table, frame(table, {})) == Upserted(0, 0, 1, ())
    assert stamps(store) == before


def test_only_the_days_that_changed_are_written(store: Store) -> None:
    store.upsert(FILLS, frame(FILLS, *({"kalshi_trade_id": str(d), "executed_at": at(d)} for d in range(4))))
    before = stamps(store)
    came = frame(
        FILLS,
        {"kalshi_trade_id": "1", "executed_at": at(1), "fee_cents": Decimal(2)},
        {"kalshi_trade_id": "2", "executed_at": at(2)},
        {"kalshi_trade_id": "new", "executed_at": at(3)},
    )
    assert store.upsert(FILLS, came) == Upserted(1, 1, 1, (at(1).date(), at(3).date()))
    changed = {path for path, stamp in stamps(store).items() if before[path] != stamp}
    assert {path.split("date=")[1][:10] for path in changed} == {str(at(1).date()), str(at(3).date())}


def test_no_rows_write_nothing_and_rows_that_do_not_conform_are_refused(store: Store) -> None:
    assert store.upsert(FILLS, FILLS.empty()) == Upserted(0, 0, 0, ())
    assert not (store.root / "fills").exists()
    with pytest.raises(SchemaError, match="missing"):
        store.upsert(FILLS, pl.DataFrame({"ticker": ["x"]}))


@pytest.mark.parametrize(
    ("table", "time"), [(SETTLEMENTS, "settled_at"), (FILLS, "executed_at"), (TRANSFERS, "created_at")]
)
def test_a_key_whose_day_changes_leaves_its_old_day(store: Store, table: Any, time: str) -> None:
    store.upsert(table, frame(table, {time: at(0)}))
    assert store.upsert(table, frame(table, {time: at(3)})) == Upserted(0, 1, 0, (at(0).date(), at(3).date()))
    assert store.read(table)[time].to_list() == [at(3)]
    assert store.partitions(table) == [at(3).date()]
    assert [p.name for p in (store.root / table.name).iterdir()] == [f"date={at(3).date()}"]


def test_keys_that_move_within_one_sync_are_found_each_time(store: Store) -> None:
    with store.sync_lock():
        store.upsert(SETTLEMENTS, frame(SETTLEMENTS, *({"ticker": t, "settled_at": at(0)} for t in "ABC")))
        for day in (1, 2, 3):
            store.upsert(SETTLEMENTS, frame(SETTLEMENTS, {"ticker": "B", "settled_at": at(day)}))
    assert dict(store.read(SETTLEMENTS).select("ticker", "settled_at").rows()) == {"A": at(0), "B": at(3), "C": at(0)}


def test_an_older_settlement_does_not_come_back_beside_the_newer(store: Store) -> None:
    store.upsert(SETTLEMENTS, frame(SETTLEMENTS, {"settled_at": at(3)}))
    assert store.upsert(SETTLEMENTS, frame(SETTLEMENTS, {"settled_at": at(0)})) == Upserted(0, 0, 1, ())
    assert store.read(SETTLEMENTS)["settled_at"].to_list() == [at(3)]


def test_a_snapshot_of_each_day_stays(store: Store) -> None:
    for day in (0, 1):
        assert store.upsert(SNAPSHOTS, frame(SNAPSHOTS, {"last_synced": at(day)})).new == 1
    assert store.read(SNAPSHOTS)["last_synced"].to_list() == [at(0), at(1)]


def test_a_ticker_never_becomes_a_path(store: Store) -> None:
    for table in (FILLS, MARKETS, SETTLEMENTS):
        store.upsert(table, frame(table, {"ticker": "../../evil"}))
    assert not [p for p in store.root.parent.rglob("*") if "evil" in p.name]


def test_times_near_midnight_belong_to_their_utc_day(store: Store) -> None:
    midnight = at(0.5)
    rows = [{"kalshi_trade_id": str(s), "executed_at": midnight + pl_micro(s)} for s in (-1, 0)]
    store.upsert(FILLS, frame(FILLS, *rows))
    assert store.rows_per_partition(FILLS) == {at(0).date(): 1, at(1).date(): 1}


def pl_micro(n: int) -> Any:
    return at(0, seconds=n * 1e-6) - at(0)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "kalshi_trade_id": st.sampled_from("abcdefgh"),
            "fee": st.booleans(),
            "order": st.booleans(),
        }
    ),
    max_size=12,
)


@given(rows=ROWS, data=st.data())
@settings(max_examples=25)
def test_any_batching_and_order_of_the_exchanges_rows_gives_equal_content(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], data: st.DataObject
) -> None:
    """A row may come with or without its fee and order id (two tiers, two ages), but never with another one."""
    sent = [
        {
            "kalshi_trade_id": row["kalshi_trade_id"],
            "executed_at": at(ord(row["kalshi_trade_id"]) % 3),
            "fee_cents": Decimal(ord(row["kalshi_trade_id"])) if row["fee"] else None,
            "order_id": row["kalshi_trade_id"] if row["order"] else None,
        }
        for row in rows
    ]
    contents = []
    for arrangement in (sent, data.draw(st.permutations(sent))):
        store = Store.open_for_sync(tmp_path_factory.mktemp("root"), SIMULATED)
        with store.sync_lock():
            left = list(arrangement)
            while left:
                size = data.draw(st.integers(1, len(left)))
                store.upsert(FILLS, frame(FILLS, *left[:size]))
                left = left[size:]
        contents.append(store.read(FILLS))
    assert contents[0].equals(contents[1])
    FILLS.refuse_duplicates(contents[0])


MOVES = st.lists(st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 3)), max_size=4), max_size=5)


@given(MOVES)
@settings(max_examples=25)
def test_however_settlements_move_each_market_has_one_row_and_it_is_the_newest(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[tuple[str, int]]]
) -> None:
    store = Store.open_for_sync(tmp_path_factory.mktemp("root"), SIMULATED)
    newest: dict[str, int] = {}
    for batch in batches:
        store.upsert(SETTLEMENTS, frame(SETTLEMENTS, *({"ticker": t, "settled_at": at(d)} for t, d in batch)))
        for ticker, day in batch:
            newest[ticker] = max(day, newest.get(ticker, day))
    rows = store.read(SETTLEMENTS)
    assert dict(rows.select("ticker", "settled_at").rows()) == {t: at(d) for t, d in newest.items()}
    assert rows.height == len(newest)
    assert store.partitions(SETTLEMENTS) == sorted({at(d).date() for d in newest.values()})


def logged(n: int) -> pl.DataFrame:
    window = {"window_from": at(n), "window_to": at(n + 1), "finished_at": at(n), "exchange_index": -1}
    partitions = [{"date": at(n).date(), "rows": 1}]
    return frame(SYNC_LOG, {"dataset": "fills", "tier": "live", "run_id": str(n), "partitions": partitions} | window)


def test_the_log_is_compacted_when_it_grows_and_says_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "LOG_PARTITIONS", 5)
    with store.sync_lock():
        for n in range(14):
            store.log(logged(n))
            assert len(store.partitions(SYNC_LOG)) <= 5
    assert covered(store.read(SYNC_LOG), "fills", subaccount=0) == [(at(0), at(14))]
    assert store.read(SYNC_LOG)["partitions"].explode().len() == 14


def test_a_deleted_file_reopens_its_day_in_the_windows_that_found_rows_there(store: Store) -> None:
    store.upsert(FILLS, frame(FILLS, *({"kalshi_trade_id": str(d), "executed_at": at(d)} for d in range(3))))
    store.log(frame(SYNC_LOG, *(logged(n).row(0, named=True) for n in range(3))))
    (store.root / f"fills/date={at(1).date()}/data.parquet").unlink()
    got = covered(store.coverage_log([FILLS]), "fills", subaccount=0)
    assert got == [(at(0), at(1)), (at(1.5), at(3))]
