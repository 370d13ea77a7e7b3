from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from store_rows import at, frame

from kalshi_portfolio.schema import BALANCES, DATASETS, FILLS, MARKETS, SETTLEMENTS, SNAPSHOTS, TRANSFERS
from kalshi_portfolio.store.merge import RULES, fold, merge

if TYPE_CHECKING:
    import polars as pl


def one(result: pl.DataFrame) -> dict[str, Any]:
    assert result.height == 1
    return result.row(0, named=True)


def test_every_dataset_has_a_rule_and_every_rule_names_columns_that_exist() -> None:
    assert RULES.keys() == DATASETS.keys()
    for name, rule in RULES.items():
        named = {rule.newest_by, rule.group_by_time, *rule.group} - {None}
        assert named <= set(DATASETS[name].schema)


def test_a_null_never_erases_a_fee() -> None:
    known = frame(FILLS, {"fee_cents": Decimal("1.75")})
    merged = merge(FILLS, known, frame(FILLS, {"fee_cents": None}))
    assert one(merged.frame)["fee_cents"] == Decimal("1.75")
    assert (merged.new, merged.changed, merged.unchanged, merged.dirty) == (0, 0, 1, frozenset())


def test_a_value_replaces_a_null_and_the_row_is_seen_anew() -> None:
    known = frame(TRANSFERS, {"amount_cents": None, "synced_at": at(0)})
    merged = merge(TRANSFERS, known, frame(TRANSFERS, {"amount_cents": Decimal(500), "synced_at": at(1)}))
    assert one(merged.frame)["amount_cents"] == 500
    assert one(merged.frame)["synced_at"] == at(1)
    assert (merged.changed, merged.dirty) == (1, frozenset([at(0).date()]))


def test_a_row_seen_again_keeps_the_time_of_its_first_sight_and_dirties_nothing() -> None:
    merged = merge(FILLS, frame(FILLS, {"synced_at": at(0)}), frame(FILLS, {"synced_at": at(1)}))
    assert one(merged.frame)["synced_at"] == at(0)
    assert merged.dirty == frozenset()


@pytest.mark.parametrize(("days", "result"), [(-1, "old"), (0, "new"), (1, "new")])
def test_the_settlement_settled_last_wins_whole(days: float, result: str) -> None:
    known = frame(SETTLEMENTS, {"market_result": "old", "fee_cents": Decimal(3), "settled_at": at(0)})
    came = frame(SETTLEMENTS, {"market_result": "new", "fee_cents": None, "settled_at": at(days)})
    row = one(merge(SETTLEMENTS, known, came).frame)
    assert row["market_result"] == result
    assert (row["fee_cents"] is None) == (result == "new")


def test_a_settlement_that_moves_dirties_both_days() -> None:
    merged = merge(SETTLEMENTS, frame(SETTLEMENTS, {"settled_at": at(0)}), frame(SETTLEMENTS, {"settled_at": at(2)}))
    assert merged.dirty == {at(0).date(), at(2).date()}


@pytest.mark.parametrize("table", [SNAPSHOTS, BALANCES], ids=lambda t: t.name)
def test_snapshots_keep_the_last_of_a_day_and_every_day(table: Any) -> None:
    known = frame(table, {"last_synced": at(0, seconds=5)})
    came = frame(table, {"last_synced": at(0)}, {"last_synced": at(0, seconds=9)}, {"last_synced": at(1)})
    merged = merge(table, known, fold(table, came))
    assert sorted(merged.frame["last_synced"]) == [at(0, seconds=9), at(1)]
    assert (merged.new, merged.changed, merged.unchanged) == (1, 0, 1)
    assert merged.dirty == {at(0).date(), at(1).date()}


def test_quotes_are_replaced_together_so_an_old_bid_never_stands_beside_a_new_ask() -> None:
    known = frame(MARKETS, {"yes_bid_cents": Decimal(40), "title": "t", "quoted_at": at(0)})
    came = frame(MARKETS, {"yes_ask_cents": Decimal(60), "quoted_at": at(1)})
    row = one(merge(MARKETS, known, came).frame)
    assert (row["yes_bid_cents"], row["yes_ask_cents"], row["title"]) == (None, Decimal(60), "t")


@pytest.mark.parametrize("quoted_at", [None, at(-1)])
def test_older_or_absent_quotes_replace_none(quoted_at: Any) -> None:
    known = frame(MARKETS, {"yes_bid_cents": Decimal(40), "quoted_at": at(0)})
    came = frame(MARKETS, {"yes_bid_cents": Decimal(1), "result": "yes", "quoted_at": quoted_at})
    row = one(merge(MARKETS, known, came).frame)
    assert (row["yes_bid_cents"], row["quoted_at"], row["result"]) == (Decimal(40), at(0), "yes")


CELLS = st.fixed_dictionaries(
    {
        "kalshi_trade_id": st.sampled_from(["a", "b", "c"]),
        "fee_cents": st.none() | st.integers(0, 2).map(Decimal),
        "order_id": st.none() | st.sampled_from(["o1", "o2"]),
        "executed_at": st.integers(0, 2).map(at),
        "synced_at": st.integers(0, 2).map(at),
    }
)


@given(rows=st.lists(CELLS, max_size=8), data=st.data())
def test_the_order_within_a_batch_does_not_matter(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(rows))
    left, right = (fold(FILLS, frame(FILLS, *r)).sort("kalshi_trade_id") for r in (rows, shuffled))
    assert left.equals(right)


@given(rows=st.lists(CELLS, max_size=8))
def test_a_batch_merged_twice_is_the_batch_merged_once(rows: list[dict[str, Any]]) -> None:
    batch = fold(FILLS, frame(FILLS, *rows))
    once = merge(FILLS, FILLS.empty(), batch)
    again = merge(FILLS, once.frame, batch)
    assert again.frame.equals(once.frame)
    assert (again.new, again.changed, again.dirty) == (0, 0, frozenset())


@given(stored=st.lists(CELLS, max_size=6), came=st.lists(CELLS, max_size=6))
def test_merging_agrees_with_the_rule_written_as_a_loop(
    stored: list[dict[str, Any]], came: list[dict[str, Any]]
) -> None:
    old, new = (fold(FILLS, frame(FILLS, *rows)) for rows in (stored, came))
    expected = {row["kalshi_trade_id"]: row for row in old.to_dicts()}
    for row in new.to_dicts():
        before = expected.get(row["kalshi_trade_id"])
        if before is None:
            expected[row["kalshi_trade_id"]] = row
            continue
        after = {name: before[name] if value is None else value for name, value in row.items()}
        if {**after, "synced_at": 0} == {**before, "synced_at": 0}:
            after["synced_at"] = before["synced_at"]
        expected[row["kalshi_trade_id"]] = after
    merged = merge(FILLS, old, new)
    assert {row["kalshi_trade_id"]: row for row in merged.frame.to_dicts()} == expected
    changed_days = {
        r["executed_at"].date()
        for side, other in ((old, expected), (merged.frame, {x["kalshi_trade_id"]: x for x in old.to_dicts()}))
        for r in side.to_dicts()
        if other.get(r["kalshi_trade_id"]) != r
    }
    assert merged.dirty == changed_days
