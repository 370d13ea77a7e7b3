"""Work in pieces, and markets told apart by hashes: neither may change a single row."""

from __future__ import annotations

import polars as pl
import pytest
from ledger_rows import fills, market, markets
from polars.testing import assert_frame_equal

from kalshi_portfolio.errors import SchemaError
from kalshi_portfolio.ledger import blocks, link, sequence, settle
from kalshi_portfolio.schema import SETTLEMENTS

TRADED = fills(
    "A yes 10 40", "B no 3 20", "A no 4 50", "C yes 1 99", "B yes 9 75", "A no 8 45 -", "B no 6 30", "C no 1 2",
    "A yes 2 30", "D yes 5 10", "B yes 4 60", "D no 2.5 80.5",
)  # fmt: skip
BOOKS = markets(market("A", result="yes"), market("B", result="no"))


def frames() -> list[pl.DataFrame]:
    linked = link(TRADED, settle(TRADED, SETTLEMENTS.empty(), BOOKS), None, BOOKS)
    return [linked.lots, linked.trades, linked.positions, linked.average_positions, linked.disposals]


@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8])
def test_the_length_of_the_pieces_changes_nothing(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = frames()
    monkeypatch.setattr(blocks, "ROWS", rows)
    assert [frame.n_chunks() > 1 for frame in frames()[:2]] == [True, True]
    for expected, pieces in zip(whole, frames(), strict=True):
        assert_frame_equal(expected, pieces)


def test_pieces_cover_every_row_once_and_cut_no_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "ROWS", 2)
    groups = pl.Series([0, 1, 1, 1, 1, 2, 3, 3, 4])
    assert list(blocks.blocks_of_groups(groups)) == [(0, 5), (5, 3), (8, 1)]
    assert list(blocks.blocks_of_groups(groups.head(0))) == [(0, 0)]
    assert list(blocks.blocks(5)) == [(0, 2), (2, 2), (4, 1)]


def alike(fills: pl.DataFrame, seed: int) -> pl.DataFrame:
    return fills.select(pl.lit(0, pl.UInt32).alias("group"), pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"))


def test_markets_whose_hashes_are_equal_are_parted_by_their_tickers(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = frames()
    monkeypatch.setattr(sequence, "_by_hash", alike)
    for frame, other in zip(expected, frames(), strict=True):
        assert_frame_equal(frame, other)


def test_another_seed_is_tried_before_the_tickers_are_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    expected, right, seeds = frames(), sequence._by_hash, []

    def wrong_once(fills: pl.DataFrame, seed: int) -> pl.DataFrame:
        seeds.append(seed)
        return right(fills, seed) if seed else alike(fills, seed)

    monkeypatch.setattr(sequence, "_by_hash", wrong_once)
    assert_frame_equal(frames()[0], expected[0])
    assert seeds == [0, 1]


def test_subaccounts_far_apart_are_markets_of_their_own() -> None:
    numbers = pl.Series("subaccount", [0, 2**31 - 1, 0, -(2**31), 5, 2**31 - 1], dtype=pl.Int32)
    rows = fills(*["A yes 1 40"] * 6).with_columns(numbers)
    held = link(rows).positions.select("subaccount", "bought_quantity").sort("subaccount").rows()
    assert [(account, int(quantity)) for account, quantity in held] == [(-(2**31), 1), (0, 2), (5, 1), (2**31 - 1, 2)]


def test_a_market_seen_on_two_shards_is_shown_on_the_higher() -> None:
    rows = fills("A yes 1 40", "B yes 1 40", "A yes 1 50").with_columns(
        pl.Series("exchange_index", [0, 0, 2], dtype=pl.Int32)
    )
    assert link(rows).positions.select("ticker", "exchange_index").sort("ticker").rows() == [("A", 2), ("B", 0)]


def test_ids_that_only_share_a_hash_are_not_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pl.Series, "hash", lambda ids, *_: pl.zeros(len(ids), dtype=pl.UInt64, eager=True))
    assert link(TRADED).trades.height == TRADED.height + 2  # two fills cross zero
    with pytest.raises(SchemaError, match="came before"):
        link(pl.concat([TRADED, TRADED.head(1)]))
