"""A market that the exchange contradicts has no P&L; where it agrees, nothing is hidden."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal as Dec
from typing import Any

import polars as pl
import pytest
from ledger_rows import START, fills, market, markets, settled, snapshot, t

from kalshi_portfolio.ledger import judge, link
from kalshi_portfolio.schema import FILLS, JUDGED, SETTLED

NONE = SETTLED.empty()
LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def one(own: pl.DataFrame, rows: pl.DataFrame = NONE, **more: Any) -> tuple[bool, str | None]:
    verdict = judge(own, rows, **more)
    assert verdict.height == 1
    return verdict["complete"].item(), verdict["cause"].item()


def test_fills_that_nothing_contradicts_are_complete() -> None:
    assert one(fills("T yes 5 40")) == (True, None)


def test_equal_gross_counts_are_complete() -> None:
    assert one(fills("T yes 5 40", "T no 2 40"), settled("T yes", yes_quantity="5", no_quantity="2")) == (True, None)


def test_a_truncated_history_is_caught_by_the_settlement_and_has_no_pnl() -> None:
    own, rows = fills("T no 5 40"), settled("T yes", yes_quantity="5", no_quantity="5")
    complete, cause = one(own, rows)
    assert not complete
    assert cause == "The settlement counts 5.00 YES and 5.00 NO contracts, the fills 0.00 and 5.00."
    linked = link(own, rows, judge(own, rows))
    assert linked.lots.select("complete", "realized_pnl_cents", "net_pnl_cents", "entry_fee_cents").rows() == [
        (False, None, None, Dec(1))
    ]
    position = linked.positions.row(0, named=True)
    assert (position["realized_pnl_cents"], position["net_pnl_cents"], position["fee_cents"]) == (None, None, Dec(1))
    assert position["cause"] == cause


def test_the_sale_in_an_incomplete_market_realises_nothing_known() -> None:
    own, rows = fills("T yes 5 40", "T no 5 40"), settled("T yes", yes_quantity="9", no_quantity="5")
    assert link(own, rows, judge(own, rows)).trades["realized_pnl_cents"].to_list() == [None, None]


def test_counts_rebuilt_from_our_own_fills_prove_nothing() -> None:
    rows = settled("T yes", source="market")
    assert one(fills("T yes 5 40"), rows) == (True, None)
    complete, cause = one(fills("T yes 5 40"), rows, **late(market("T", open_time=t(-60))))
    assert not complete
    assert cause == (
        "Fills from the beginning to 2026-01-01 00:00 UTC have not been read, and the market may have been traded "
        "then: sync again."
    )


def late(*rows: dict[str, Any], start: Any = LONG_AGO, end: Any = None) -> dict[str, Any]:
    """Say that the fills of a stretch of time have not been read, by default those before the start."""
    return {"unread": {0: [(start, end or t(0))]}, "markets": markets(*rows)}


def test_a_gap_is_no_harm_where_the_settlement_counts_the_same_gross_contracts() -> None:
    rows = settled("T yes", yes_quantity="5")
    assert one(fills("T yes 5 40"), rows, **late(market("T", open_time=t(-60)))) == (True, None)


def test_an_equal_net_position_does_not_prove_that_nothing_was_bought_and_sold_in_a_gap() -> None:
    complete, _ = one(fills("T yes 5 40"), snapshots=snapshot("T", "5"), **late(market("T", open_time=t(-60))))
    assert not complete


def test_a_gap_before_the_market_opened_or_after_it_ended_is_no_harm() -> None:
    assert one(fills("T yes 5 40"), **late(market("T", open_time=t(1)))) == (True, None)
    after = late(market("T", open_time=t(0), close_time=t(30)), start=t(30), end=t(60))
    assert one(fills("T yes 5 40"), **after) == (True, None)
    inside = late(market("T", open_time=t(0), close_time=t(30)), start=t(29), end=t(60))
    assert one(fills("T yes 5 40"), **inside)[0] is False


def test_a_gap_after_the_settlement_is_no_harm_though_the_market_was_to_close_later() -> None:
    gap = late(market("T", open_time=t(0), close_time=START + timedelta(days=99)), start=START + timedelta(days=31))
    gap["unread"] = {0: [(START + timedelta(days=31), START + timedelta(days=40))]}
    assert one(fills("T yes 5 40"), settled("T yes", source="market"), **gap) == (True, None)


def test_a_gap_of_another_subaccount_is_no_harm() -> None:
    assert one(fills("T yes 5 40"), unread={0: [], 1: [(LONG_AGO, t(0))]}) == (True, None)


def test_a_market_whose_life_is_unknown_counts_as_open_all_the_time() -> None:
    assert one(fills("T yes 5 40"), unread={0: [(LONG_AGO, t(0))]})[0] is False


def test_what_a_whole_list_of_positions_lacks_was_not_held() -> None:
    complete, cause = one(fills("T yes 5 40"), positions_read={0: t(60)})
    assert (complete, cause) == (False, "The exchange's position was 0.00 contracts, the fills up to then give 5.00.")
    assert one(fills("T yes 5 40", "T no 5 40"), positions_read={0: t(60)}) == (True, None)
    assert one(fills("T yes 5 40"), settled("T yes", source="market"), positions_read={0: t(60)}) == (True, None)
    assert one(fills("T yes 5 40"), positions_read={1: t(60)}) == (True, None)
    assert one(fills("T yes 5 40"), snapshots=snapshot("T", "5"), positions_read={0: t(120)}) == (True, None)


def test_a_market_of_which_nothing_is_known_may_have_been_settled() -> None:
    assert one(fills("T yes 5 40"), markets=markets()) == (
        False,
        "Nothing is known of the market, so it may have been settled: sync its markets.",
    )
    assert one(fills("T yes 5 40"), markets=markets(), snapshots=snapshot("T", "5")) == (True, None)
    assert one(fills("T yes 5 40", "T no 5 40"), markets=markets()) == (True, None)


def test_a_snapshot_that_differs_is_named_with_numbers() -> None:
    complete, cause = one(fills("T yes 5 40"), snapshots=snapshot("T", "-3"))
    assert (complete, cause) == (False, "The exchange's position was -3.00 contracts, the fills up to then give 5.00.")


def test_fills_after_the_snapshot_are_not_held_against_it() -> None:
    own = fills("T yes 5 40", "T yes 5 40").with_columns(executed_at=pl.Series([t(1), t(999)]))
    assert one(own, snapshots=snapshot("T", "5")) == (True, None)
    assert not one(own, snapshots=snapshot("T", "10"))[0]


def test_a_fill_between_update_and_reading_may_or_may_not_be_in_the_snapshot() -> None:
    own = fills("T yes 5 40", "T yes 5 40").with_columns(executed_at=pl.Series([t(1), t(61)]))
    assert one(own, snapshots=snapshot("T", "5"))[0]
    assert one(own, snapshots=snapshot("T", "10"))[0]
    assert not one(own, snapshots=snapshot("T", "7"))[0]


def test_the_latest_snapshot_counts() -> None:
    both = pl.concat([snapshot("T", "99", last_synced=t(90)), snapshot("T", "5", last_synced=t(100))])
    assert one(fills("T yes 5 40"), snapshots=both)[0]
    assert one(fills("T yes 5 40"), snapshots=both.reverse())[0]


def test_a_closing_row_is_compared_when_it_closed() -> None:
    closing = snapshot("T", "0", closed_at=t(2), last_updated_at=None)
    assert one(fills("T yes 5 40", "T no 5 40", "T yes 1 40"), snapshots=closing)[0]
    assert not one(fills("T yes 5 40", "T no 4 40"), snapshots=closing)[0]


def test_a_settled_market_may_show_zero_or_what_was_held() -> None:
    own, rows = fills("T yes 5 40"), settled("T yes", yes_quantity="5")
    assert one(own, rows, snapshots=snapshot("T", "0", closed_at=t(70)))[0]
    assert one(own, rows, snapshots=snapshot("T", "0"))[0]
    assert one(own, rows, snapshots=snapshot("T", "5"))[0]
    assert not one(own, rows, snapshots=snapshot("T", "4"))[0]


def test_a_snapshot_without_a_time_of_update_is_compared_when_it_was_read() -> None:
    assert one(fills("T yes 5 40"), snapshots=snapshot("T", "5", last_updated_at=None))[0]


def test_what_is_held_without_a_fill_is_listed_and_what_is_flat_is_not() -> None:
    complete, cause = one(FILLS.empty(), snapshots=snapshot("T", "4"))
    assert (complete, cause) == (
        False,
        "The exchange reports a position of 4.00 contracts, but none of the fills is known.",
    )
    assert judge(FILLS.empty(), NONE, snapshots=snapshot("T", "0")).height == 0


def test_a_settlement_without_fills_is_incomplete() -> None:
    complete, cause = one(FILLS.empty(), settled("T yes", yes_quantity="3"))
    assert (complete, cause) == (
        False,
        "The exchange settled 3.00 YES and 0.00 NO contracts, but none of the fills is known.",
    )


@pytest.mark.parametrize("subaccount", [0, None])
def test_a_fill_in_quarantine_makes_its_market_incomplete(subaccount: int | None) -> None:
    complete, cause = one(fills("T yes 5 40"), quarantined=[(subaccount, "T")])
    assert (complete, cause) == (False, "A fill of this market could not be read and lies in quarantine.")


def test_quarantine_elsewhere_or_without_a_ticker_is_not_held_against_a_market() -> None:
    assert one(fills("T yes 5 40"), quarantined=[(1, "T"), (0, "U"), (0, None), (None, None)]) == (True, None)


def test_each_market_and_subaccount_is_judged_on_its_own_in_order() -> None:
    own = fills("U yes 5 40", "T yes 5 40", "T yes 1 40").with_columns(subaccount=pl.Series([0, 1, 0], dtype=pl.Int32))
    verdict = judge(own, settled("T yes", yes_quantity="1"), quarantined=[(1, "T")])
    assert verdict.select("ticker", "subaccount", "complete").rows() == [
        ("T", 0, True),
        ("T", 1, False),
        ("U", 0, True),
    ]
    assert verdict.equals(JUDGED.conform(verdict))


def test_an_unknown_payout_is_a_cause_but_no_gap() -> None:
    assert one(fills("T yes 5 40"), settled("T scalar", yes_quantity="5")) == (
        True,
        "The settlement's payout is unknown.",
    )
    assert one(fills("T yes 5 40"), settled("T void", yes_quantity="5")) == (True, None)


def test_a_market_that_was_not_judged_is_not_known_to_be_complete() -> None:
    own = fills("T yes 5 40")
    assert link(own, None, JUDGED.empty()).lots["complete"].to_list() == [False]
    assert link(own).lots["complete"].to_list() == [True]
    assert START.tzinfo is not None


# Fees


def test_fees_that_fills_lack_are_split_from_the_settlements() -> None:
    own = fills("T yes 1 40 -", "T yes 2 40 -", "T yes 4 40 0.5")
    rows = settled("T yes", yes_quantity="7", fee_cents="0.500010")
    assert one(own, rows) == (True, None)
    linked = link(own, rows, judge(own, rows))
    assert linked.trades.select("fee_cents", "fee_source").rows() == [
        (Dec("0.000003"), "settlement"),
        (Dec("0.000007"), "settlement"),
        (Dec("0.5"), "fill"),
    ]
    assert linked.positions.select("fee_cents", "fee_source").rows() == [(Dec("0.500010"), "mixed")]


def test_fees_are_split_market_by_market() -> None:
    own = fills("T yes 1 40 -", "U yes 3 40 -", "T no 1 40 -", "U yes 1 40 -")
    rows = pl.concat(
        [
            settled("T yes", yes_quantity="1", no_quantity="1", fee_cents="3"),
            settled("U yes", yes_quantity="4", fee_cents="8"),
        ]
    )
    assert link(own, rows).trades["fee_cents"].to_list() == [Dec("1.5"), Dec(6), Dec("1.5"), Dec(2)]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (NONE, "1 of 2 fills came without a fee, and no reported settlement tells it."),
        (settled("T yes", source="market"), "1 of 2 fills came without a fee, and no reported settlement tells it."),
        (
            settled("T yes", yes_quantity="2", fee_cents="0.5"),
            "The settlement's fee of 0.500000 cents is less than the 1.000000 cents of the fills that have one.",
        ),
    ],
)
def test_a_fee_that_cannot_be_known_makes_the_net_unknown_never_zero(rows: pl.DataFrame, words: str) -> None:
    own = fills("T yes 1 40", "T yes 1 40 -")
    verdict = judge(own, rows)
    assert (verdict["complete"].item(), verdict["cause"].item()) == (True, words)
    linked = link(own, rows, verdict)
    assert linked.lots["entry_fee_cents"].to_list() == [Dec(1), None]
    assert linked.lots["net_pnl_cents"].to_list()[1] is None
    assert linked.trades["fee_source"].to_list() == ["fill", None]
    assert linked.positions.select("fee_cents", "net_pnl_cents", "fee_source").rows() == [(None, None, None)]


def test_a_settlement_that_counts_other_contracts_does_not_lend_its_fee() -> None:
    rows = settled("T yes", yes_quantity="3", fee_cents="9")
    assert link(fills("T yes 1 40 -"), rows).trades["fee_cents"].to_list() == [None]
