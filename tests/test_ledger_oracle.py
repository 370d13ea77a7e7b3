"""Random accounts: the vectorised ledger against a plain loop, and what must hold whatever the account."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_rows import START, frame
from oracle import Books, Fill, Settlement, run

from kalshi_portfolio.ledger import Linked, blocks, link
from kalshi_portfolio.pnl import pnl
from kalshi_portfolio.schema import FILLS, MARKETS, SETTLED

if TYPE_CHECKING:
    from collections.abc import Iterator

_ZERO = ("yes_quantity", "no_quantity", "yes_cost_cents", "no_cost_cents", "revenue_cents", "fee_cents")


@st.composite
def accounts(draw: st.DrawFn) -> tuple[list[Fill], list[Settlement]]:
    """Draw fills of a few markets and subaccounts, and settlements of some of them."""
    tickers, subaccounts = st.sampled_from(["A", "B", "A-B"]), st.sampled_from([0, 1, 63])
    rows = draw(
        st.lists(
            st.tuples(
                tickers,
                subaccounts,
                st.sampled_from(["yes", "no"]),
                st.one_of(st.integers(1, 5).map(lambda n: n * 100), st.integers(1, 700)),
                st.integers(0, 1_000_000),
                st.one_of(st.none(), st.integers(0, 3_000_001)),
                st.integers(0, 40),
            ),
            max_size=40,
        )
    )
    fills = [
        Fill(
            f"id{number:03}", ticker, sub, side, Fraction(quantity, 100), Fraction(price, 10_000),
            None if fee is None else Fraction(fee, 1_000_000), START + timedelta(hours=7 * hours),
        )
        for number, (ticker, sub, side, quantity, price, fee, hours) in enumerate(rows)
    ]  # fmt: skip
    keys = sorted({(fill.ticker, fill.subaccount) for fill in fills})
    paid = draw(st.lists(st.sampled_from(keys), unique=True)) if keys else []
    payouts = st.one_of(st.sampled_from([0, 1_000_000, None]), st.integers(0, 1_000_000))
    settlements = []
    for ticker, sub in paid:
        payout = draw(payouts)
        value = None if payout is None else Fraction(payout, 10_000)
        settlements.append(Settlement(ticker, sub, value, START + timedelta(days=30)))
    return fills, settlements


@pytest.fixture(autouse=True, scope="module")
def short_blocks() -> Iterator[None]:
    """Let small accounts, too, be worked on in several pieces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blocks, "ROWS", 3)
        yield


def text(value: Fraction | None, digits: int = 6) -> str | None:
    """Write an exact fraction as decimal text."""
    if value is None:
        return None
    units = value * 10**digits
    assert units.denominator == 1
    sign, whole = ("-" if units < 0 else ""), abs(units.numerator)
    return f"{sign}{whole // 10**digits}.{whole % 10**digits:0{digits}}"


def fill_rows(fills: list[Fill]) -> pl.DataFrame:
    """Dress the oracle's fills as a dataset."""
    rows: list[dict[str, Any]] = [
        {
            "kalshi_trade_id": f.id, "ticker": f.ticker, "subaccount": f.subaccount, "exchange_index": 0,
            "side": f.side, "quantity": text(f.quantity, 2), "price_cents": text(f.price, 4),
            "yes_price_cents": text(f.price if f.side == "yes" else 100 - f.price, 4),
            "total_cost_cents": text(f.price * f.quantity), "fee_cents": text(f.fee), "executed_at": f.at,
            "synced_at": START,
        }
        for f in fills
    ]  # fmt: skip
    return frame(FILLS, rows)


def settled_rows(settlements: list[Settlement]) -> pl.DataFrame:
    """Dress the oracle's settlements; they count nothing, so no fee is split from them."""
    rows = [
        {
            "ticker": s.ticker, "subaccount": s.subaccount, "exchange_index": 0, "settled_at": s.at,
            "market_result": "void" if s.payout is None else "scalar", "yes_payout_cents": text(s.payout, 4),
            "synced_at": START, "source": "exchange", **dict.fromkeys(_ZERO, "0"),
        }
        for s in settlements
    ]  # fmt: skip
    return frame(SETTLED, rows)


def linked(account: tuple[list[Fill], list[Settlement]]) -> tuple[Linked, Books]:
    fills, settlements = account
    return link(fill_rows(fills), settled_rows(settlements)), run(fills, settlements)


def total(rows: pl.DataFrame, name: str) -> Fraction:
    return Fraction(rows.select(pl.col(name).sum()).item())


def exact(value: Any) -> Fraction | None:
    return None if value is None else Fraction(value)


@given(accounts())
def test_lots_equal_the_oracles_in_every_column(account: tuple[list[Fill], list[Settlement]]) -> None:
    ours, books = linked(account)
    names = (
        "position_id", "ticker", "subaccount", "side", "entry_trade_id", "exit_trade_id", "exit_kind", "opened_at",
        "closed_at", "quantity", "entry_price_cents", "exit_price_cents", "entry_fee_cents", "exit_fee_cents",
        "realized_pnl_cents", "net_pnl_cents",
    )  # fmt: skip
    got = [(*row[:9], *map(exact, row[9:])) for row in ours.lots.select(names).rows()]
    assert got == [
        (
            *(lot[n] for n in ("position", "ticker", "subaccount", "side", "entry", "exit", "kind")),
            *(lot[n] for n in ("opened_at", "closed_at", "quantity", "entry_price", "exit_price")),
            *(lot[n] for n in ("entry_fee", "exit_fee", "gain")),
            None
            if None in (lot["gain"], lot["entry_fee"], lot["exit_fee"])
            else lot["gain"] - lot["entry_fee"] - lot["exit_fee"],
        )
        for lot in books.lots
    ]


@given(accounts())
def test_trades_equal_the_oracles(account: tuple[list[Fill], list[Settlement]]) -> None:
    ours, books = linked(account)
    names = (
        "kalshi_trade_id", "leg", "position_id", "side", "action", "executed_at", "quantity", "price_cents",
        "total_cost_cents", "fee_cents", "position_after", "realized_pnl_cents",
    )  # fmt: skip
    got = [(*row[:6], *map(exact, row[6:])) for row in ours.trades.select(names).rows()]
    assert got == [
        (
            *(leg[n] for n in ("id", "leg", "position", "side", "action", "at", "quantity", "price")),
            leg["price"] * leg["quantity"],
            *(leg[n] for n in ("fee", "after", "gain")),
        )
        for leg in books.legs
    ]


@given(accounts())
def test_positions_are_the_sums_of_the_oracles_lots_and_legs(account: tuple[list[Fill], list[Settlement]]) -> None:
    ours, books = linked(account)
    assert sorted(ours.positions["position_id"]) == sorted({lot["position"] for lot in books.lots})
    for row in ours.positions.rows(named=True):
        lots = [lot for lot in books.lots if lot["position"] == row["position_id"]]
        gone = [lot for lot in lots if lot["kind"] != "open"]
        held = [lot for lot in lots if lot["kind"] == "open"]
        fees = [lot[side] for lot in lots for side in ("entry_fee", "exit_fee")]
        gain = sum((lot["gain"] for lot in gone), Fraction(0))
        assert Fraction(row["realized_pnl_cents"]) == gain
        assert exact(row["fee_cents"]) == (None if None in fees else sum(fees))
        assert exact(row["net_pnl_cents"]) == (None if None in fees else gain - sum(fees))
        assert Fraction(row["quantity"]) == sum(lot["quantity"] for lot in held)
        assert Fraction(row["bought_quantity"]) == sum(lot["quantity"] for lot in lots)
        assert Fraction(row["cost_cents"]) == sum(lot["quantity"] * lot["entry_price"] for lot in held)
        kinds = {lot["kind"] for lot in lots}
        want = "open" if held else "settled" if "settlement" in kinds else "closed"
        assert row["status"] == want
        assert row["closed_at"] == (None if held else max(lot["closed_at"] for lot in gone))
        assert row["opened_at"] == min(lot["opened_at"] for lot in lots)
        assert row["trades"] == sum(leg["position"] == row["position_id"] for leg in books.legs)


@given(accounts())
def test_nothing_is_lost_between_fills_legs_and_lots(account: tuple[list[Fill], list[Settlement]]) -> None:
    ours, _ = linked(account)
    fills = fill_rows(account[0])
    legs = ours.trades.group_by("kalshi_trade_id").agg(pl.col("quantity", "fee_cents").sum(), pl.len())
    both = fills.join(legs, on="kalshi_trade_id")
    assert both.height == fills.height
    assert (both["quantity"] == both["quantity_right"]).all()
    assert both["fee_cents"].fill_null(0).eq(both["fee_cents_right"]).all()
    lots = ours.lots
    exits = lots.filter(exit_kind="trade")
    assert total(lots, "quantity") + total(exits, "quantity") == total(fills, "quantity")
    assert total(lots, "entry_fee_cents") + total(lots, "exit_fee_cents") == total(fills, "fee_cents")


@given(accounts(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_changes_nothing(account: tuple[list[Fill], list[Settlement]], random: Any) -> None:
    ours, _ = linked(account)
    fills, settlements = list(account[0]), list(account[1])
    random.shuffle(fills)
    random.shuffle(settlements)
    again = link(fill_rows(fills), settled_rows(settlements))
    for name in ("lots", "trades", "positions"):
        assert getattr(again, name).equals(getattr(ours, name))


@given(accounts(), st.data())
def test_splitting_a_fill_changes_no_total(account: tuple[list[Fill], list[Settlement]], data: st.DataObject) -> None:
    fills, settlements = account
    able = [n for n, fill in enumerate(fills) if fill.quantity > Fraction(1, 100)]
    if not able:
        return
    chosen = data.draw(st.sampled_from(able))
    whole = fills[chosen]
    part = Fraction(data.draw(st.integers(1, int(whole.quantity * 100) - 1)), 100)
    fee = None if whole.fee is None else Fraction(int(whole.fee * 1_000_000 * part / whole.quantity), 1_000_000)
    rest = None if whole.fee is None or fee is None else whole.fee - fee
    first = Fill(whole.id, whole.ticker, whole.subaccount, whole.side, part, whole.price, fee, whole.at)
    second = Fill(
        whole.id + "x", whole.ticker, whole.subaccount, whole.side, whole.quantity - part, whole.price, rest, whole.at
    )
    split = [*fills[:chosen], first, second, *fills[chosen + 1 :]]
    one, _ = linked((fills, settlements))
    two, _ = linked((split, settlements))
    assert totals(one.lots).equals(totals(two.lots))


def totals(lots: pl.DataFrame) -> pl.DataFrame:
    """Add lots up per market. Cut at zero, a fill opens a position under another id, so not per position."""
    sums = pl.col("quantity", "realized_pnl_cents", "entry_fee_cents", "exit_fee_cents").sum()
    summed = lots.group_by("ticker", "subaccount", "side", "exit_kind").agg(sums)
    fees = lots.group_by("ticker", "subaccount").agg(
        (pl.col("entry_fee_cents", "exit_fee_cents").sum()).name.prefix("all_")
    )
    fees = fees.select("ticker", "subaccount", fee=pl.col("all_entry_fee_cents") + pl.col("all_exit_fee_cents"))
    values = summed.drop("entry_fee_cents", "exit_fee_cents").join(fees, on=["ticker", "subaccount"])
    return values.sort("ticker", "subaccount", "side", "exit_kind")


@settings(max_examples=60)
@given(
    account=accounts(),
    freq=st.sampled_from(["1d", "1w", "1mo", "1h"]),
    tz=st.sampled_from(["UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"]),
    by=st.sampled_from([(), ("ticker", "subaccount"), ("side", "hour", "weekday"), ("price_bucket", "position_id")]),
)
def test_the_periods_of_every_zone_add_up_to_the_total(
    account: tuple[list[Fill], list[Settlement]], freq: str, tz: str, by: tuple[str, ...]
) -> None:
    lots = linked(account)[0].lots
    if lots.is_empty():
        return
    whole = pnl(lots, MARKETS.empty())
    values = ("realized_pnl_cents", "fee_cents", "net_pnl_cents", "quantity", "lots", "unknown_lots")
    grouped = pnl(lots, MARKETS.empty(), by=by, freq=freq, tz=tz)
    for name in values:
        assert (grouped[name].sum() or 0) == (whole[name].item() or 0)


@given(accounts())
def test_the_total_is_that_of_the_oracles_known_lots(account: tuple[list[Fill], list[Settlement]]) -> None:
    ours, books = linked(account)
    known = [lot for lot in books.lots if None not in (lot["entry_fee"], lot["exit_fee"])]
    closed = [lot for lot in books.lots if lot["kind"] != "open"]  # what they realised does not hang on fees
    net = sum(lot["gain"] for lot in known if lot["kind"] != "open")
    for row in pnl(ours.lots, MARKETS.empty()).rows(named=True):
        assert row["unknown_lots"] == len(books.lots) - len(known)
        assert row["lots"] == len(closed)
        assert exact(row["realized_pnl_cents"]) == (sum(lot["gain"] for lot in closed) if known or closed else None)
        paid = sum(lot["entry_fee"] + lot["exit_fee"] for lot in known)
        assert exact(row["fee_cents"]) == (paid if known else None)
        assert exact(row["net_pnl_cents"]) == (net - paid if known else None)
