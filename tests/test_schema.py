"""Tables conform frames without loss, or say what does not fit."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from kalshi_portfolio import schema
from kalshi_portfolio.errors import SchemaError
from kalshi_portfolio.money import MONEY, PRICE

STATISTICS = {"win_ratio", "profit_factor", "return_on_capital"}
TABLES = [*schema.DATASETS.values(), *schema.FRAMES.values()]

BALANCE = {
    "subaccount": 0,
    "exchange_index": 0,
    "balance_cents": "13946.780000",
    "portfolio_value_cents": None,
    "updated_at": None,
    "last_synced": datetime(2026, 11, 22, tzinfo=UTC),
}


def balances(**changes: object) -> pl.DataFrame:
    return pl.DataFrame([BALANCE | changes], strict=False)


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_a_tables_key_and_order_are_columns_of_it(table: schema.Table) -> None:
    assert set(table.key) <= set(table.schema)
    assert set(table.order) <= set(table.schema)
    assert table.partition_by is None or table.partition_by in table.schema


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_money_ends_in_cents_and_is_an_exact_decimal(table: schema.Table) -> None:
    for name, dtype in table.schema.items():
        beside_its_unit = "unit" in table.schema and name in {"ours", "theirs", "difference"}
        assert (name.endswith("_cents") or beside_its_unit) == (dtype in (MONEY, PRICE)), name
        assert not dtype.is_float() or name in STATISTICS
        if isinstance(dtype, pl.Datetime):
            assert dtype == schema.TIME


@pytest.mark.parametrize("table", TABLES, ids=lambda t: t.name)
def test_an_empty_table_conforms_to_itself(table: schema.Table) -> None:
    assert table.conform(table.empty()).schema == table.schema


def test_conform_selects_orders_and_casts() -> None:
    conformed = schema.BALANCES.conform(balances().with_columns(extra=pl.lit(1)))
    assert conformed.schema == schema.BALANCES.schema


def test_conform_names_missing_columns() -> None:
    with pytest.raises(SchemaError, match=r"balances: the columns \['last_synced'\] are missing"):
        schema.BALANCES.conform(balances().drop("last_synced"))


def test_conform_refuses_a_null_and_names_the_row() -> None:
    with pytest.raises(SchemaError, match=r"null where a value is required, \{'balance_cents': 1\}.*\(0, 0\)"):
        schema.BALANCES.conform(balances(balance_cents=None))


def test_conform_refuses_a_float_rather_than_round_it() -> None:
    with pytest.raises(SchemaError, match="would round silently"):
        schema.BALANCES.conform(balances(balance_cents=1.1))


def test_conform_refuses_a_finer_decimal_rather_than_round_it() -> None:
    finer = balances().with_columns(pl.lit("1.0000001").cast(pl.Decimal(18, 7)).alias("balance_cents"))
    with pytest.raises(SchemaError, match="would round silently"):
        schema.BALANCES.conform(finer)


def test_conform_refuses_text_that_is_no_number() -> None:
    with pytest.raises(SchemaError, match=r"balances.balance_cents"):
        schema.BALANCES.conform(balances(balance_cents="lots"))


def test_duplicate_keys_are_named() -> None:
    twice = schema.BALANCES.conform(pl.concat([balances(), balances()]))
    with pytest.raises(SchemaError, match=r"2 rows share a key.*\[\(0, 0\)\]"):
        schema.BALANCES.refuse_duplicates(twice)
    schema.BALANCES.refuse_duplicates(twice.head(1))
    schema.BALANCES.refuse_duplicates(twice.clear())
