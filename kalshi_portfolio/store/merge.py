"""What becomes of a row that is known already: the rule of every dataset, and the pure merge by it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from kalshi_portfolio.schema import Table


@dataclass(frozen=True, slots=True)
class Rule:
    """How a new row meets the stored one of the same key.

    Attributes:
        newest_by: The row with the later time in this column wins whole, the new one if equal. None: column by
            column, a value that is not null replaces the old one, and a null never erases.
        group: Columns that are replaced together, nulls and all, where ``group_by_time`` is not older.
        group_by_time: The time of that group.
    """

    newest_by: str | None = None
    group: tuple[str, ...] = ()
    group_by_time: str | None = None


_QUOTES = ("yes_bid_cents", "yes_ask_cents", "no_bid_cents", "no_ask_cents", "last_price_cents", "quoted_at")

RULES = {
    "fills": Rule(),
    "transfers": Rule(),
    "settlements": Rule(newest_by="settled_at"),
    "positions": Rule(newest_by="last_synced"),
    "balances": Rule(newest_by="last_synced"),
    "markets": Rule(group=_QUOTES, group_by_time="quoted_at"),
    "sync_log": Rule(newest_by="finished_at"),
}

_SEEN = ("synced_at", "last_synced")
_DAY, _WAS, _KNOWN, _DIFFERS, _CHANGED, _OLD = "_day", "_was", "_known", "_differs", "_changed", "_old"


@dataclass(frozen=True, slots=True)
class Merged:
    """The outcome of a merge.

    Attributes:
        frame: Every row, stored and new, merged; one per key, in the table's order.
        new: Keys that were not stored.
        changed: Keys whose row changed in more than when it was seen.
        unchanged: The other keys that came.
        dirty: The partitions whose content is not what it was; None stands for an unpartitioned table.
        left: Those of them that a key has left for another.
    """

    frame: pl.DataFrame
    new: int
    changed: int
    unchanged: int
    dirty: frozenset[date | None]
    left: frozenset[date]


def day(table: Table) -> pl.Expr:
    """Give the partition that a row belongs to: the UTC date of the table's time, null if unpartitioned."""
    return pl.lit(None, pl.Date) if table.partition_by is None else pl.col(table.partition_by).dt.date()


def merge(table: Table, stored: pl.DataFrame, came: pl.DataFrame) -> Merged:
    """Merge new rows into stored ones by the table's rule.

    Args:
        table: What the rows are.
        stored: Conforming rows, one per key (per key and date for snapshots).
        came: The same of the new rows.

    Returns:
        The merged rows, and what happened to the new ones.
    """
    key = _identity(table)
    old = stored.with_columns(day(table).alias(_DAY)).with_columns(
        pl.col(_DAY).alias(_WAS), pl.lit(value=True).alias(_KNOWN)
    )
    met = came.with_columns(day(table).alias(_DAY)).join(
        old, on=key, how="left", suffix=_OLD, maintain_order="left", nulls_equal=True
    )
    met = _combine(table, met.with_columns(pl.col(_KNOWN).fill_null(value=False)))
    rest = old.join(met, on=key, how="anti", nulls_equal=True)
    columns = list(table.schema)
    frame = pl.concat([rest.select(columns), met.select(columns)]).sort(table.order, maintain_order=True)
    counts = met.select(
        new=(~pl.col(_KNOWN)).sum(), changed=(pl.col(_KNOWN) & pl.col(_CHANGED)).sum(), all=pl.len()
    ).row(0)
    return Merged(frame, counts[0], counts[1], counts[2] - counts[0] - counts[1], _dirty(table, met), _left(table, met))


def fold(table: Table, frame: pl.DataFrame) -> pl.DataFrame:
    """Make one row of all rows of one batch that share a key, whatever their order.

    Args:
        table: What the rows are.
        frame: Conforming rows.

    Returns:
        One row per key (per key and date for snapshots): as if the rows had come one by one in order of the
        time they were seen, those of one time in order of their content.
    """
    identity = pl.struct(day(table).alias(_DAY), *table.key) if table.key_within_date else pl.struct(table.key)
    twice = frame.select(identity.is_duplicated()).to_series()
    if not twice.any():
        return frame
    plain = [name for name, dtype in table.schema.items() if not dtype.is_nested()]
    seen = [name for name in _SEEN if name in plain]
    queue = frame.filter(twice).unique(plain).sort([*seen, *plain])
    queue = queue.with_columns(pl.int_range(pl.len()).over(identity).alias(_WAS))
    folded = table.empty()
    for turn in _turns(queue):
        folded = merge(table, folded, turn).frame
    return pl.concat([frame.filter(~twice), folded])


def _turns(queue: pl.DataFrame) -> Iterator[pl.DataFrame]:
    for number in queue[_WAS].unique().sort():
        yield queue.filter(pl.col(_WAS) == number).drop(_WAS)


def _identity(table: Table) -> list[str]:
    return [*table.key, _DAY] if table.key_within_date else list(table.key)


def _combine(table: Table, met: pl.DataFrame) -> pl.DataFrame:
    """Apply the rule to new rows beside the old ones; a row without an old one stays as it is."""
    rule = RULES[table.name]
    values = [name for name in table.schema if name not in table.key]
    chosen = met.with_columns(_choice(rule, name) for name in values)
    seen = [name for name in _SEEN if name in values]
    moved = [_differs(name) for name in values if name not in seen]
    chosen = chosen.with_columns((pl.col(_KNOWN) & pl.any_horizontal(moved)).alias(_CHANGED))
    if "synced_at" in values:
        first = pl.when(pl.col(_KNOWN) & ~pl.col(_CHANGED)).then("synced_at" + _OLD).otherwise(met["synced_at"])
        chosen = chosen.with_columns(first.alias("synced_at"))
    apart = pl.any_horizontal(pl.col(_CHANGED), *(_differs(name) for name in seen))
    return chosen.with_columns((~pl.col(_KNOWN) | apart).alias(_DIFFERS))


def _choice(rule: Rule, name: str) -> pl.Expr:
    new, old = pl.col(name), pl.col(name + _OLD)
    if rule.newest_by is not None:
        wins = ~pl.col(_KNOWN) | (pl.col(rule.newest_by) >= pl.col(rule.newest_by + _OLD))
    elif rule.group_by_time is not None and name in rule.group:
        time, then = pl.col(rule.group_by_time), pl.col(rule.group_by_time + _OLD)
        wins = ~pl.col(_KNOWN) | (time.is_not_null() & (then.is_null() | (time >= then)))
    else:
        return pl.coalesce(new, old).alias(name)
    return pl.when(wins).then(new).otherwise(old).alias(name)


def _differs(name: str) -> pl.Expr:
    return pl.col(name).ne_missing(pl.col(name + _OLD))


def _dirty(table: Table, met: pl.DataFrame) -> frozenset[date | None]:
    apart = met.filter(_DIFFERS)
    if table.partition_by is None:
        return frozenset([None]) if apart.height else frozenset()
    now = apart.select(day(table).alias(_DAY)).to_series()
    return frozenset(now.to_list()) | frozenset(apart.filter(_KNOWN)[_WAS].to_list())


def _left(table: Table, met: pl.DataFrame) -> frozenset[date]:
    return frozenset(met.filter(pl.col(_KNOWN) & (pl.col(_WAS) != day(table)))[_WAS].to_list())
