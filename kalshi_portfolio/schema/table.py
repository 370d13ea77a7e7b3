"""What a table is: columns, dtypes, keys, order; and how a frame is brought to it."""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from kalshi_portfolio.errors import SchemaError

TIME = pl.Datetime("us", "UTC")
"""The dtype of every point in time."""

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, dtype, meaning, and whether it may be null."""

    name: str
    dtype: pl.DataType | type[pl.DataType]
    meaning: str
    null: bool = False


@dataclass(frozen=True)
class Table:
    """One dataset or frame.

    Attributes:
        name: The name under which it is stored or returned.
        one_row_per: What a row stands for.
        columns: The columns in order.
        key: The columns that tell one row from another.
        order: The columns that rows are sorted by.
        partition_by: The timestamp column whose UTC date is the partition; None for frames and dimensions.
        key_within_date: Whether the key holds within one date only (snapshots) or over all dates.
    """

    name: str
    one_row_per: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    order: tuple[str, ...]
    partition_by: str | None = None
    key_within_date: bool = False
    schema: pl.Schema = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "schema", pl.Schema({c.name: c.dtype for c in self.columns}))

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that are never null."""
        return tuple(c.name for c in self.columns if not c.null)

    def empty(self) -> pl.DataFrame:
        """Give the frame without rows."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Bring a frame to this schema, or say why it cannot be.

        Args:
            frame: A frame with at least the columns of this table; others are left out.

        Returns:
            The same rows in the same order, with exactly these columns and dtypes.

        Raises:
            SchemaError: A column is missing, does not fit its dtype without loss, or is null where it may not be.
        """
        missing = [c.name for c in self.columns if c.name not in frame.columns]
        if missing:
            raise SchemaError(f"{self.name}: the columns {missing} are missing; these came: {frame.columns}.")
        conformed = frame.select(self._cast(frame, c) for c in self.columns)
        self._refuse_nulls(conformed)
        return conformed

    def refuse_duplicates(self, frame: pl.DataFrame) -> None:
        """Raise if two rows have the same key.

        Raises:
            SchemaError: It names the first keys that occur more than once.
        """
        twice = frame.filter(pl.struct(self.key).is_duplicated()) if frame.height else frame
        if twice.height:
            keys = twice.select(self.key).unique(maintain_order=True).head(_SHOWN).rows()
            raise SchemaError(
                f"{self.name}: {twice.height} rows share a key. Expected one row per {self.one_row_per}; "
                f"the first keys {self.key} that came twice: {keys}."
            )

    def _cast(self, frame: pl.DataFrame, column: Column) -> pl.Series:
        came, wanted = frame.schema[column.name], column.dtype
        series = frame[column.name]
        if came == wanted:
            return series
        finer = isinstance(came, pl.Decimal) and isinstance(wanted, pl.Decimal) and came.scale > wanted.scale
        lossy = (came.is_float() and not wanted.is_float()) or finer
        try:
            if lossy and series.null_count() != len(series):
                raise SchemaError(
                    f"{self.name}.{column.name}: {came} came, {wanted} was expected; the cast would round silently."
                )
            return series.cast(wanted, strict=True)
        except pl.exceptions.PolarsError as error:
            raise SchemaError(f"{self.name}.{column.name}: {came} does not fit {wanted}: {error}") from error

    def _refuse_nulls(self, frame: pl.DataFrame) -> None:
        counts = frame.select(pl.col(self.required).null_count()).row(0) if frame.height else ()
        bad = {name: n for name, n in zip(self.required, counts, strict=False) if n}
        if bad:
            first = next(iter(bad))
            rows = frame.filter(pl.col(first).is_null()).head(_SHOWN).select(self.key).rows()
            raise SchemaError(f"{self.name}: null where a value is required, {bad}; the first keys {self.key}: {rows}.")
