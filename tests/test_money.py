"""Exact numbers: what comes in as text leaves as decimals, to the last digit, or not at all."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_portfolio import money
from kalshi_portfolio.errors import SchemaError

if TYPE_CHECKING:
    from decimal import Decimal


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("0.5600", 560_000),
        ("0.56", 560_000),
        ("1", 1_000_000),
        ("0.000001", 1),
        ("-0.00", 0),
        ("+1.5", 1_500_000),
        (".5", 500_000),
        ("5.", 5_000_000),
        (" 1 ", 1_000_000),
        ("1e-6", 1),
        ("0.1234560000000000000000", 123_456),
        ("0e999", 0),
    ],
)
def test_dollars_become_price_units_exactly(text: str, units: int) -> None:
    assert money.parse_units(pl.Series([text]), unit="dollars", dtype=money.PRICE).to_list() == [units]


@pytest.mark.parametrize(
    "text",
    [
        "1e-7",
        "0.0000001",
        "NaN",
        "inf",
        "-Infinity",
        "",
        "x",
        "1_000",
        "1,000",
        "٣",
        "9" * 40,
        "1e999",
        "0x10",
        "1e99999",
    ],
)
def test_what_cannot_be_held_exactly_is_null_and_never_rounded(text: str) -> None:
    assert money.parse_units(pl.Series([text]), unit="dollars", dtype=money.PRICE).to_list() == [None]


def test_cents_and_contracts_have_their_own_shift() -> None:
    assert money.parse_units(pl.Series(["56"]), unit="cents", dtype=money.PRICE).item() == 560_000
    assert money.parse_units(pl.Series(["2.5"]), unit="contracts", dtype=money.QUANTITY).item() == 250
    assert money.parse_units(pl.Series(["0.1706"]), unit="dollars", dtype=money.MONEY).item() == 17_060_000


def test_the_largest_value_of_a_dtype_fits_and_the_next_does_not() -> None:
    texts = pl.Series(["9999999999999999.99", "10000000000000000.00"])
    assert money.parse_units(texts, unit="contracts", dtype=money.QUANTITY).to_list() == [10**18 - 1, None]


@given(st.decimals(min_value=-9999, max_value=9999, allow_nan=False, allow_infinity=False, places=9))
def test_text_is_read_as_python_reads_it_or_refused(number: Decimal) -> None:
    exact = Fraction(number) * 10**8
    expected = int(exact) if exact.denominator == 1 else None
    assert money.parse_units(pl.Series([str(number)]), unit="dollars", dtype=money.MONEY).item() == expected


@given(st.lists(st.integers(-(10**17), 10**17)))
def test_dressing_and_undressing_are_inverse(values: list[int]) -> None:
    frame = pl.DataFrame({"x": values}, schema={"x": pl.Int64})
    dressed = frame.select(money.money(pl.col("x")))
    assert dressed.schema["x"] == money.MONEY
    assert dressed.select(money.units(pl.col("x")))["x"].to_list() == values


def test_a_value_beyond_the_dtype_raises_and_does_not_wrap() -> None:
    with pytest.raises(pl.exceptions.InvalidOperationError):
        pl.DataFrame({"x": [10**9]}).select(money.price(pl.col("x")))


def test_a_product_beyond_64_bits_is_exact() -> None:
    frame = pl.DataFrame({"a": [10**18], "b": [10**18]})
    assert frame.select(money.product(pl.col("a"), pl.col("b"))).item() == 10**36


@given(st.integers(0, 10**12), st.lists(st.integers(1, 10**9), min_size=1, max_size=20))
def test_shares_add_up_to_the_whole(whole: int, parts: list[int]) -> None:
    ends = [sum(parts[: i + 1]) for i in range(len(parts))]
    frame = pl.DataFrame({"end": ends, "start": [0, *ends[:-1]]}).with_columns(w=pl.lit(whole), n=pl.lit(ends[-1]))
    shares = frame.select(money.share(pl.col("w"), pl.col("start"), pl.col("end"), pl.col("n"))).to_series()
    assert sum(shares.to_list()) == whole
    for share, part in zip(shares.to_list(), parts, strict=True):
        assert abs(Fraction(share) - Fraction(whole * part, ends[-1])) < 1


@given(st.integers(-(10**15), 10**15), st.integers(1, 10**6))
def test_division_rounds_half_to_even(numerator: int, denominator: int) -> None:
    frame = pl.DataFrame({"n": [numerator], "d": [denominator]})
    assert frame.select(money.divide_half_even(pl.col("n"), pl.col("d"))).item() == round(
        Fraction(numerator, denominator)
    )


def test_division_by_zero_is_unknown() -> None:
    frame = pl.DataFrame({"n": [1], "d": [0]})
    assert frame.select(money.divide_half_even(pl.col("n"), pl.col("d"))).item() is None


def test_a_sum_that_could_wrap_is_refused() -> None:
    money.refuse_overflow(pl.Series([1, -2, 3]), "contracts")
    money.refuse_overflow(pl.Series([], dtype=pl.Int64), "contracts")
    money.refuse_overflow(pl.Series([2**62, 1, 2]), "contracts")
    with pytest.raises(SchemaError, match="The sum of contracts"):
        money.refuse_overflow(pl.Series([2**62, -(2**62)]), "contracts")


def test_dollars_renames_and_divides_only_cents_columns() -> None:
    frame = pl.DataFrame({"ticker": ["A"], "fee_cents": ["150.000000"], "quantity": ["2.00"]}).cast(
        {"fee_cents": money.MONEY, "quantity": money.QUANTITY}
    )
    shown = money.dollars(frame)
    assert shown.columns == ["ticker", "fee_dollars", "quantity"]
    assert shown["fee_dollars"].to_list() == [1.5]
    assert shown.schema["quantity"] == money.QUANTITY


def test_every_price_in_dollars_is_the_float_that_one_writes() -> None:
    tenths = pl.DataFrame({"price_cents": [f"{n / 100:.2f}" for n in range(10_001)]}).cast(money.PRICE)
    assert money.dollars(tenths)["price_dollars"].to_list() == [n / 10_000 for n in range(10_001)]


@given(st.integers(-(10**18) + 1, 10**18 - 1))
def test_an_amount_in_dollars_is_the_nearest_float(units: int) -> None:
    frame = pl.DataFrame({"fee": [units]}).select(money.money(pl.col("fee")).alias("fee_cents"))
    assert money.dollars(frame.lazy()).collect()["fee_dollars"].item() == float(Fraction(units, 10**8))
