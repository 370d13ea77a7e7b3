"""Rows for the tests of the store: conforming, small, with what a test cares about given by name."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from kalshi_portfolio.schema import Table

START = datetime(2026, 7, 24, 12, tzinfo=UTC)


def at(days: float = 0, *, seconds: float = 0) -> datetime:
    """Give a time that many days and seconds after the tests' start, 2026-07-24 12:00 UTC."""
    return START + timedelta(days=days, seconds=seconds)


def frame(table: Table, *rows: dict[str, Any]) -> pl.DataFrame:
    """Give conforming rows; what is not said is null where it may be, else a plain value."""
    filled = [{c.name: None if c.null else _plain(c.dtype) for c in table.columns} | row for row in rows]
    return table.conform(pl.DataFrame(filled, schema=table.schema))


def _plain(dtype: Any) -> Any:
    if isinstance(dtype, pl.List):
        return []
    if isinstance(dtype, pl.Decimal):
        return Decimal(1)
    if isinstance(dtype, pl.Datetime):
        return START
    return {pl.String: "x", pl.Boolean: False, pl.Date: date(2026, 7, 24)}.get(dtype, 0)
