from __future__ import annotations

import random
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import duckdb
import pandas as pd
import polars as pl
import pyarrow.dataset as ds
import pytest
from pyarrow import parquet
from store_rows import at, frame

from kalshi_portfolio.errors import ArgumentError, DamagedFileError, SchemaVersionError
from kalshi_portfolio.schema import BALANCES, DATASETS, FILLS, MARKETS, SNAPSHOTS, SYNC_LOG
from kalshi_portfolio.store import Identity, Store, files, read
from kalshi_portfolio.store import root as root_module
from kalshi_portfolio.store import store as store_module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAYS = 5
FILL = frame(
    FILLS,
    *(
        {
            "kalshi_trade_id": f"{d}-{n}",
            "executed_at": at(d, seconds=-n),
            "price_cents": Decimal("17.0600"),
            "ticker": f"T{n}",
        }
        for d in range(DAYS)
        for n in range(4)
    ),
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store.open_for_sync(tmp_path / "data", Identity("example.com", "simulated"))
    store.upsert(FILLS, FILL)
    return store


def file(store: Store, day: int = 0) -> Path:
    return store.root / f"fills/date={at(day).date()}/data.parquet"


@pytest.mark.parametrize("table", DATASETS.values(), ids=DATASETS)
def test_every_dataset_comes_back_as_it_went_in_and_is_typed_when_empty(store: Store, table: Any) -> None:
    row = frame(table, {})
    store.upsert(table, row)
    assert store.read(table).filter(pl.lit(value=True)).tail(1).schema == table.schema
    assert row.row(0) in store.read(table).rows()
    assert store.scan(table).collect().equals(store.read(table))
    for path in (store.root / table.name).rglob("*.parquet"):
        path.unlink()
    assert store.read(table).equals(table.empty())
    assert store.scan(table).collect().equals(table.empty())


def test_a_read_is_sorted_and_filtered_by_day_with_an_exclusive_end(store: Store) -> None:
    assert store.read(FILLS).equals(FILL.sort(FILLS.order))
    some = store.read(FILLS, since=at(1).date(), until=at(3).date())
    assert some.equals(FILL.sort(FILLS.order).filter(pl.col("executed_at").is_between(at(0.5), at(2.5))))
    assert store.read(FILLS, since=date(2030, 1, 1)).equals(FILLS.empty())


def test_a_predicate_may_name_a_column_that_is_not_asked_for(store: Store) -> None:
    got = store.read(FILLS, columns=["price_cents", "kalshi_trade_id"], predicate=pl.col("ticker") == "T2")
    assert got.columns == ["price_cents", "kalshi_trade_id"]
    assert got["kalshi_trade_id"].to_list() == [f"{d}-2" for d in range(DAYS)]


def test_impossible_arguments_are_refused(store: Store) -> None:
    with pytest.raises(ArgumentError, match="is after"):
        store.read(FILLS, since=date(2026, 2, 1), until=date(2026, 1, 1))
    with pytest.raises(ArgumentError, match="a date was expected"):
        store.scan(FILLS, since=datetime(2026, 1, 1, tzinfo=UTC))
    with pytest.raises(ArgumentError, match=r"\['fee'\]"):
        store.read(FILLS, columns=["fee"])
    with pytest.raises(ArgumentError, match="no snapshots"):
        store.latest(FILLS)


def test_the_latest_snapshot_of_a_key_may_be_of_any_day(store: Store) -> None:
    rows = [{"ticker": t, "last_synced": at(d), "quantity": Decimal(d)} for t, d in [("A", 0), ("A", 2), ("B", 1)]]
    store.upsert(SNAPSHOTS, frame(SNAPSHOTS, *rows))
    assert store.latest(SNAPSHOTS).select("ticker", "quantity").rows() == [("A", 2), ("B", 1)]
    assert store.read(SNAPSHOTS)["last_synced"].to_list() == [at(0), at(2), at(1)]
    assert store.latest(BALANCES).equals(BALANCES.empty())


def test_partitions_are_listed_and_counted(store: Store) -> None:
    assert store.partitions(FILLS) == [at(d).date() for d in range(DAYS)]
    assert store.rows_per_partition(FILLS) == {at(d).date(): 4 for d in range(DAYS)}
    assert store.partitions(MARKETS) == []
    assert store.rows_per_partition(MARKETS) == {}


def test_a_lazy_read_opens_its_files_when_collected(store: Store) -> None:
    lazy = store.scan(FILLS)
    store.upsert(FILLS, frame(FILLS, {"kalshi_trade_id": "later", "executed_at": at(0)}))
    store.upsert(FILLS, frame(FILLS, {"kalshi_trade_id": "new day", "executed_at": at(99)}))
    file(store, 1).unlink()
    got = lazy.collect()
    assert got.equals(store.read(FILLS))
    assert {"later", "new day"} < set(got["kalshi_trade_id"])
    assert got.height == FILL.height + 2 - 4


@pytest.mark.parametrize("days", [DAYS, 200])
def test_projection_predicate_and_head_give_what_they_give_on_a_frame(store: Store, days: int) -> None:
    store.upsert(FILLS, frame(FILLS, *({"kalshi_trade_id": str(d), "executed_at": at(d)} for d in range(days))))
    lazy, eager = store.scan(FILLS), store.read(FILLS)
    assert lazy.head(3).collect().equals(eager.head(3))
    assert lazy.tail(3).collect().equals(eager.tail(3))
    chosen = pl.col("ticker") == "T1"
    assert lazy.filter(chosen).select("price_cents").collect().equals(eager.filter(chosen).select("price_cents"))
    assert lazy.filter(chosen).head(2).collect().equals(eager.filter(chosen).head(2))
    assert lazy.select(pl.len()).collect().item() == eager.height
    assert lazy.filter(pl.col("ticker") == "none").collect().equals(FILLS.empty())
    assert lazy.group_by("ticker").len().sort("ticker").collect().equals(eager.group_by("ticker").len().sort("ticker"))
    assert store.scan(FILLS, since=at(2).date()).head(1).collect().equals(store.read(FILLS, since=at(2).date()).head(1))
    joined = lazy.join(lazy, on="kalshi_trade_id").select(pl.len()).collect().item()
    assert joined == eager.height


def test_snapshots_of_several_days_are_sorted_before_a_head_is_taken(store: Store) -> None:
    rows = [{"ticker": t, "last_synced": at(d)} for t, d in [("B", 0), ("A", 1)]]
    store.upsert(SNAPSHOTS, frame(SNAPSHOTS, *rows))
    assert store.scan(SNAPSHOTS).head(1).collect()["ticker"].to_list() == ["A"]
    assert store.read(SNAPSHOTS, columns=["last_synced"])["last_synced"].to_list() == [at(1), at(0)]


def test_readers_of_other_makes_see_each_row_once_with_the_right_types(store: Store) -> None:
    expected = FILL.sort(FILLS.order)
    folder = store.root / "fills"
    (folder.parent / ".tmp" / "1").mkdir(parents=True, exist_ok=True)
    (folder.parent / ".tmp" / "1" / "0.parquet").write_bytes(file(store).read_bytes())

    by_polars = pl.read_parquet(store.root / "fills/**/*.parquet", hive_partitioning=True)
    assert by_polars.schema["date"] == pl.Date
    assert by_polars.drop("date").sort(FILLS.order).equals(expected)

    with duckdb.connect() as duck:
        duck.execute("SET TimeZone = 'UTC'")
        query = f"SELECT * FROM read_parquet('{folder}/*/*.parquet', hive_partitioning = true) ORDER BY 13, 1"  # noqa: S608
        by_duck = duck.sql(query).pl()
        types = dict(zip(by_duck.columns, duck.sql(query).types, strict=True))
    assert str(types["price_cents"]) == "DECIMAL(9,4)"
    assert str(types["executed_at"]) == "TIMESTAMP WITH TIME ZONE"
    assert str(types["date"]) == "DATE"
    assert by_duck.select(FILLS.schema.names()).rows() == expected.rows()

    by_arrow = ds.dataset(folder, partitioning="hive").to_table()
    assert by_arrow.num_rows == expected.height
    assert str(by_arrow.schema.field("price_cents").type) == "decimal128(9, 4)"
    by_pandas = pd.read_parquet(folder).sort_values(list(FILLS.order))
    assert by_pandas["total_cost_cents"].tolist() == expected["total_cost_cents"].to_list()
    assert str(by_pandas["executed_at"].dtype) == "datetime64[us, UTC]"


def test_the_metadata_names_table_and_version_and_pages_carry_checksums(store: Store) -> None:
    metadata = parquet.read_metadata(file(store)).metadata
    assert metadata[b"kalshi_portfolio"].startswith(b'{"table":"fills","version":1,"crc32":"')
    table = parquet.read_table(file(store), page_checksum_verification=True, partitioning=None)
    assert table.num_rows == 4
    assert "date" not in table.column_names


def test_no_flipped_bit_goes_unnoticed(store: Store) -> None:
    path = file(store)
    whole = path.read_bytes()
    chance = random.Random(1)  # noqa: S311
    spared = 0
    for place in {0, len(whole) - 1, *(chance.randrange(len(whole)) for _ in range(300))}:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        path.write_bytes(damaged)
        with suppress(DamagedFileError):  # a flip inside the seal itself leaves the rows as they are, and readable
            assert store.read(FILLS).equals(FILL.sort(FILLS.order))
            spared += 1
        assert path.read_bytes() == bytes(damaged)
    assert spared < 10


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1PAR1", b"<html>", b"PAR1" + b"\0" * 40 + b"PAR1"])
def test_a_file_that_is_no_parquet_is_named_and_left_alone(store: Store, content: bytes) -> None:
    file(store, 2).write_bytes(content)
    assert [error.path for error in store.verify([FILLS])] == [file(store, 2)]
    for attempt in (
        lambda: store.read(FILLS),
        lambda: store.read(FILLS, columns=["ticker"]),
        lambda: store.upsert(FILLS, frame(FILLS, {"executed_at": at(2)})),
        lambda: store.upsert(FILLS, frame(FILLS, {"executed_at": at(50)})),
    ):
        with pytest.raises(DamagedFileError, match=str(at(2).date())) as caught:
            attempt()
        assert caught.value.path == file(store, 2)
    assert file(store, 2).read_bytes() == content
    assert store.read(FILLS, since=at(3).date()).height == 8


def test_a_truncated_file_is_named(store: Store) -> None:
    file(store, 1).write_bytes(file(store, 1).read_bytes()[:-100])
    with pytest.raises(DamagedFileError, match=str(at(1).date())):
        store.read(FILLS)


def test_a_file_of_another_dataset_or_other_columns_is_named(store: Store) -> None:
    file(store, 1).write_bytes(files.encode(SYNC_LOG, frame(SYNC_LOG, {})))
    with pytest.raises(DamagedFileError, match="holds sync_log, not fills"):
        store.read(FILLS)
    pl.DataFrame({"price": [0.5]}).write_parquet(file(store, 1))
    with pytest.raises(DamagedFileError, match=str(at(1).date())):
        store.read(FILLS)


def test_a_valid_file_that_another_tool_rewrote_is_read(store: Store) -> None:
    pl.read_parquet(file(store), hive_partitioning=False).write_parquet(file(store))
    assert store.read(FILLS).equals(FILL.sort(FILLS.order))


def test_a_newer_file_is_refused_by_name(store: Store) -> None:
    file(store).write_bytes(files.encode(FILLS, FILL.head(1), version=2))
    with pytest.raises(
        SchemaVersionError, match=r"version 2.*Upgrade it: pull its newest source, and run pip install \."
    ) as caught:
        store.read(FILLS)
    assert caught.value.path == file(store)


def test_older_files_are_migrated_in_passing_and_rewritten_at_the_next_sync(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (files, read, root_module, store_module):
        monkeypatch.setattr(module, "VERSION", 2)
    monkeypatch.setattr(files.encode, "__kwdefaults__", {"version": 2})
    monkeypatch.setitem(read.MIGRATIONS, ("fills", 1), lambda f: f.with_columns(side=pl.lit("migrated")))
    assert set(store.read(FILLS)["side"]) == {"migrated"}
    assert b'"version":1' in file(store).read_bytes()
    with store.sync_lock():
        pass
    assert b'"version":2' in file(store).read_bytes()
    monkeypatch.delitem(read.MIGRATIONS, ("fills", 1))
    again = Store.open(store.root)
    assert again.mark.version == 2
    assert set(again.read(FILLS)["side"]) == {"migrated"}


def test_without_a_lock_a_read_that_a_commit_crosses_is_repeated(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def unlocked(_root: Path) -> Iterator[bool]:
        yield False

    contents = read.contents
    crossed: list[bool] = []

    def slow(paths: list[Path]) -> Any:
        found = contents(paths)
        if not crossed:
            crossed.append(True)
            monkeypatch.undo()
            store.upsert(FILLS, frame(FILLS, {"kalshi_trade_id": "late", "executed_at": at(0)}))
            monkeypatch.setattr(read, "shared", unlocked)
        return found

    monkeypatch.setattr(read, "shared", unlocked)
    monkeypatch.setattr(read, "contents", slow)
    assert "late" in store.read(FILLS)["kalshi_trade_id"].to_list()
    assert crossed
