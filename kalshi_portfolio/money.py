"""Scaled integers inside, decimals at the edge: the only place where the two meet.

Money and prices are in cents, quantities in contracts, all exact. Inside, they are integers ("units"):

* a price unit is 0.0001 cent, a quantity unit is 0.01 contract, a money unit is 0.000001 cent,
  so price units times quantity units are money units, exactly.

At the edge (frames, Parquet) they are ``pl.Decimal`` of a fixed scale. Nothing here rounds except
:func:`divide_half_even` and :func:`dollars`, which say so.
"""

from __future__ import annotations

import decimal
import re
from typing import cast, overload

import polars as pl

from kalshi_portfolio.errors import ArgumentError, SchemaError

PRICE_SCALE = 4
QUANTITY_SCALE = 2
MONEY_SCALE = 6

PRICE = pl.Decimal(9, PRICE_SCALE)
QUANTITY = pl.Decimal(18, QUANTITY_SCALE)
MONEY = pl.Decimal(18, MONEY_SCALE)

ONE_DOLLAR = 100 * 10**PRICE_SCALE
"""One dollar, what a pair of YES and NO pays, in price units."""

_WIDE = 12
_INT64_MAX = 2**63 - 1
_PLAIN_NUMBER = rf"^[+-]?(?:[0-9]{{1,20}}\.?|[0-9]{{0,20}}\.[0-9]{{1,{_WIDE}}})$"
_ODD_NUMBER = re.compile(r"\s*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?\s*", re.ASCII)
_MAX_ODD_TEXT = 100
_CENTS_PER = {"dollars": 2, "cents": 0, "contracts": 0}


def units(column: pl.Expr) -> pl.Expr:
    """Give the scaled integers behind a decimal column.

    Args:
        column: A column of any ``pl.Decimal`` dtype whose unscaled values fit 64 bits.

    Returns:
        ``Int64``, null where the column is null. A value beyond 64 bits raises in Polars' strict cast.

    Examples:
        >>> import polars as pl
        >>> frame = pl.DataFrame({"price_cents": ["42.5"]}).cast(PRICE)
        >>> frame.select(units(pl.col("price_cents"))).item()
        425000
    """
    return column.reinterpret(dtype=pl.Int128).cast(pl.Int64)


def wide_units(column: pl.Expr) -> pl.Expr:
    """Give the scaled integers behind a decimal column as ``Int128``, for products and sums."""
    return column.reinterpret(dtype=pl.Int128)


def dress(column: pl.Expr, dtype: pl.Decimal) -> pl.Expr:
    """Dress scaled integers as decimals of a fixed dtype.

    Args:
        column: Integers whose unit is ``10 ** -dtype.scale``.
        dtype: One of :data:`PRICE`, :data:`QUANTITY`, :data:`MONEY`.

    Returns:
        The decimals. A value that the dtype cannot hold raises in Polars' strict cast, never wraps.

    Examples:
        >>> import polars as pl
        >>> frame = pl.DataFrame({"x": [425000]})
        >>> str(frame.select(dress(pl.col("x"), PRICE)).item())
        '42.5000'
    """
    return column.cast(pl.Int128).reinterpret(dtype=pl.Decimal(38, dtype.scale)).cast(dtype)


def price(column: pl.Expr) -> pl.Expr:
    """Dress price units (0.0001 cent) as :data:`PRICE`."""
    return dress(column, PRICE)


def quantity(column: pl.Expr) -> pl.Expr:
    """Dress quantity units (0.01 contract) as :data:`QUANTITY`."""
    return dress(column, QUANTITY)


def money(column: pl.Expr) -> pl.Expr:
    """Dress money units (0.000001 cent) as :data:`MONEY`."""
    return dress(column, MONEY)


def product(left: pl.Expr, right: pl.Expr) -> pl.Expr:
    """Multiply two 64-bit integer columns in 128 bits, where no product of theirs can wrap."""
    return left.cast(pl.Int128) * right.cast(pl.Int128)


def share(whole: pl.Expr, start: pl.Expr, end: pl.Expr, total: pl.Expr) -> pl.Expr:
    """Give the part of ``whole`` that belongs to the slice ``start..end`` of ``total``.

    Parts are differences of cumulative floors, so the parts of adjoining slices that cover
    ``0..total`` add up to ``whole`` exactly, whatever the slicing.

    Args:
        whole: What is split, in money units (64 bits).
        start: Where the slice starts, in quantity units (64 bits), at least 0.
        end: Where it ends, at most ``total``.
        total: The quantity of the whole, above 0.

    Returns:
        ``Int128`` money units; null where any input is null.

    Examples:
        >>> import polars as pl
        >>> frame = pl.DataFrame({"fee": [10, 10, 10], "a": [0, 1, 2], "b": [1, 2, 3], "n": [3, 3, 3]})
        >>> frame.select(share(pl.col("fee"), pl.col("a"), pl.col("b"), pl.col("n"))).to_series().to_list()
        [3, 3, 4]
    """
    wide_total = total.cast(pl.Int128)
    return product(whole, end) // wide_total - product(whole, start) // wide_total


def divide_half_even(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """Divide integers, rounding to the nearest, ties to even: for averages, which are for reading only.

    Args:
        numerator: Any integers.
        denominator: Integers above 0.

    Returns:
        ``Int128``; null where the denominator is 0 or an input is null.
    """
    top = numerator.cast(pl.Int128)
    bottom = pl.when(denominator != 0).then(denominator.cast(pl.Int128))
    floor = top // bottom
    twice = (top - floor * bottom) * 2
    up = (twice > bottom) | ((twice == bottom) & (floor % 2 == 1))
    return floor + up.cast(pl.Int128)


def refuse_overflow(values: pl.Series, what: str) -> None:
    """Refuse integers whose running totals 64 bits might not hold.

    Args:
        values: Integers; their magnitudes are summed, so that no partial sum is larger.
        what: What is summed, for the message.

    Raises:
        SchemaError: If running totals of these values could wrap around 64 bits.
    """
    largest = max(abs(cast("int", values.min() or 0)), abs(cast("int", values.max() or 0)))
    if largest * values.len() <= _INT64_MAX:
        return
    total = int(values.cast(pl.Int128).abs().sum() or 0)
    if total > _INT64_MAX:
        raise SchemaError(
            f"The sum of {what} is {total}, which 64 bits cannot hold. Expected a total below 9.2e18 units; "
            "look for a row with an absurd value."
        )


def parse_units(text: pl.Series, *, unit: str, dtype: pl.Decimal) -> pl.Series:
    """Read decimal text into scaled integers, exactly, or not at all.

    Args:
        text: Strings such as ``"0.5600"``, ``"10"``, ``"-1.5"``, ``"1e-3"``. Empty text counts as missing.
        unit: What one counts in the text: ``"dollars"``, ``"cents"`` or ``"contracts"``.
        dtype: The decimal that the values must fit; its scale is that of the units.

    Returns:
        ``Int64`` units, in cents or contracts times ``10 ** dtype.scale``. Null where the text is missing, is no
        finite number, has more decimals than the scale holds, or is too large for ``dtype``: never rounded.

    Examples:
        >>> import polars as pl
        >>> parse_units(pl.Series(["0.56", "0.1706", "0.0000001", "x"]), unit="dollars", dtype=PRICE).to_list()
        [560000, 170600, None, None]
    """
    shift = dtype.scale + _CENTS_PER[unit]
    text = text.cast(pl.String)
    plain = text.str.contains(_PLAIN_NUMBER)
    frame = pl.DataFrame({"text": text, "plain": plain})
    step = 10 ** (_WIDE - shift)
    raw = pl.when("plain").then("text").cast(pl.Decimal(38, _WIDE), strict=False).reinterpret(dtype=pl.Int128)
    limit = 10**dtype.precision
    exact = frame.select(raw.alias("raw")).select(
        pl.when((pl.col("raw") % step == 0) & ((pl.col("raw") // step).abs() < limit))
        .then(pl.col("raw") // step)
        .cast(pl.Int64)
        .alias("units")
    )["units"]
    odd = (~plain & (text != "")).fill_null(value=False)
    if odd.any():
        slow = text.filter(odd).map_elements(lambda t: _parse_odd(t, shift, limit), return_dtype=pl.Int64)
        exact = exact.scatter(odd.arg_true(), slow)
    return exact.alias(text.name)


def _parse_odd(text: str, shift: int, limit: int) -> int | None:
    """Read what is not plainly written (exponents, blanks, long tails of zeros) with exact arithmetic."""
    if len(text) > _MAX_ODD_TEXT or not _ODD_NUMBER.fullmatch(text):
        return None
    sign, digits, exponent = decimal.Decimal(text.strip()).as_tuple()
    assert isinstance(exponent, int)  # noqa: S101  (the pattern admits finite numbers only)
    magnitude = int("".join(map(str, digits)))
    power = exponent + shift
    if magnitude and power > _MAX_ODD_TEXT:
        return None
    value, rest = divmod(magnitude * 10 ** max(power, 0), 10 ** max(-power, 0))
    return (-value if sign else value) if rest == 0 and value < limit else None


@overload
def dollars(frame: pl.DataFrame) -> pl.DataFrame: ...
@overload
def dollars(frame: pl.LazyFrame) -> pl.LazyFrame: ...
def dollars(frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame | pl.LazyFrame:
    """Give the frame with every ``_cents`` column as dollars, for reading and plotting.

    This is the one way out of exact numbers: the new columns are ``Float64``, named ``_dollars`` in
    place of ``_cents``. Do not add them up where the last digit matters.

    Args:
        frame: Any frame of this package, eager or lazy.

    Returns:
        The same rows and columns in the same order, eager or lazy as the frame was.

    Raises:
        ArgumentError: It is no Polars frame.

    Examples:
        >>> import polars as pl
        >>> dollars(pl.DataFrame({"fee_cents": ["170.6"]}).cast(MONEY)).to_dict(as_series=False)
        {'fee_dollars': [1.706]}
    """
    if not isinstance(frame, (pl.DataFrame, pl.LazyFrame)):
        raise ArgumentError(
            f"dollars() was given a {type(frame).__module__}.{type(frame).__qualname__}. Expected a Polars DataFrame "
            "or LazyFrame, as the methods of Portfolio give them."
        )
    return frame.select(
        _dollars(name, dtype).alias(name.removesuffix("_cents") + "_dollars") if name.endswith("_cents") else name
        for name, dtype in frame.collect_schema().items()
    )


def _dollars(name: str, dtype: pl.DataType) -> pl.Expr:
    """Give the nearest float: dollars are the same digits with the point two places on, and a division would round."""
    if not isinstance(dtype, pl.Decimal):
        return pl.col(name).cast(pl.Float64) / 100
    digits = pl.col(name).reinterpret(dtype=pl.Int128)
    return digits.reinterpret(dtype=pl.Decimal(38, dtype.scale + _CENTS_PER["dollars"])).cast(pl.Float64)
