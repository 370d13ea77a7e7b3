"""Write a page for each dataset and frame from ``schema``: ``docs/datasets`` and ``docs/frames``.

``UPDATE_DOCS=1 pytest tests/test_docs.py`` runs it; without the variable the test says whether the pages are current.
"""  # noqa: INP001

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

from kalshi_portfolio import schema
from kalshi_portfolio.schema import Column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kalshi_portfolio import Portfolio
    from kalshi_portfolio.schema import Table

NOTICE = "<!-- Written from kalshi_portfolio/schema by tools/schema_pages.py; do not edit. -->"

_PERIOD = Column("period", pl.Date, "Start of the period: a date for a day or longer, else the time in `tz`.")
_GROUP = Column("category", pl.String, "One column per name in `by=`; here the category.", null=True)
_UNITS = {"_cents": "cents", "quantity": "contracts", "_at": "UTC", "_time": "UTC"}
_CONTRACTS = {"volume", "open_interest", "position_after"}
_LIST = pl.List(pl.Struct({"date": pl.Date, "rows": pl.Int64}))
_LONGEST = 44
_DIFFERS = {"run_id"}  # from sync to sync

# What null means where the column's own text does not say it.
NULLS = {
    ("transfers", "to_subaccount"): "not a move between two subaccounts",
    ("transfers", "finalized_at"): "pending",
    ("positions", "closed_at"): "not a row that records a closing",
    ("positions", "current_price_cents"): "nobody bids, or flat",
    ("positions", "avg_price_cents"): "flat",
    ("settled", "fee_cents"): "a fill of a rebuilt settlement came without a fee",
    ("sync_log", "cutoff"): "not read in tiers",
    ("reconciliation", "ours"): "history or a fee is unknown",
    ("reconciliation", "theirs"): "does not occur: a figure that the exchange did not give is no row",
    ("reconciliation", "difference"): "ours is unknown",
    ("reconciliation", "cause"): "the two agree",
    ("lots", "is_taker"): "the exchange did not say",
    ("trades", "is_taker"): "the exchange did not say",
    ("trades", "order_id"): "the exchange did not say",
    ("positions_frame", "cause"): "complete, and nothing is unknown",
    ("positions_frame", "bought_quantity"): "only a settlement without fills is known",
    ("positions_frame", "avg_price_cents"): "only a settlement without fills is known",
    ("positions_frame", "cost_cents"): "only a settlement without fills is known",
    ("positions_frame", "opened_at"): "only a settlement without fills is known",
    ("positions_frame", "realized_pnl_cents"): "history or payout is unknown",
    ("positions_frame", "net_pnl_cents"): "history, payout or a fee is unknown",
    ("positions_frame", "fee_cents"): "a fee is unknown",
    ("pnl", "net_pnl_cents"): "none of the group is known",
    ("coverage", "note"): "nothing to add",
    ("coverage", "subaccount"): "all of them at once",
    ("pnl", "category"): "unknown for these markets",
    **{
        ("summary", name): "no position has ended"
        for name in (
            "win_ratio", "expectancy_cents", "average_holding", "best_position_id", "best_net_pnl_cents",
            "worst_position_id", "worst_net_pnl_cents",
        )
    },
    ("summary", "return_on_capital"): "no capital was ever at work",
    ("summary", "as_of"): "nothing was synced",
}  # fmt: skip
_ELSE = {"dataset": "the exchange did not say", "frame": "unknown"}


@dataclass(frozen=True)
class Page:
    """One page: a table, and whether it is a ``dataset`` or a ``frame``."""

    table: Table
    kind: str

    @property
    def path(self) -> str:
        """The page's file under ``docs/``."""
        return f"{self.kind}s/{self.table.name}.md"

    @property
    def call(self) -> str:
        """The expression that gives the table, as a user writes it; empty where there is none."""
        return _CALLS.get((self.kind, self.table.name), "")

    @property
    def note(self) -> str:
        """What else there is to say."""
        return _NOTES.get((self.kind, self.table.name), "")


def _values(name: str, one_row_per: str, columns: Sequence[Column], key: tuple[str, ...]) -> Table:
    return schema.Table(name, one_row_per, tuple(columns), key=key, order=key)


_CALLS = {
    ("dataset", "fills"): "pf.fills()",
    ("dataset", "settlements"): 'pl.read_parquet(pf.root / "settlements")',
    ("dataset", "positions"): "pf.snapshots()",
    ("dataset", "transfers"): "pf.transfers()",
    ("dataset", "balances"): "pf.balances()",
    ("dataset", "markets"): "pf.markets()",
    ("dataset", "sync_log"): 'pl.read_parquet(pf.root / "sync_log")',
    ("frame", "settled"): "pf.settlements()",
    ("frame", "trades"): "pf.trades()",
    ("frame", "lots"): "pf.lots()",
    ("frame", "positions"): "pf.positions()",
    ("frame", "pnl"): 'pf.pnl(by="category", freq="1mo")',
    ("frame", "equity"): 'pf.equity(freq="1mo")',
    ("frame", "summary"): "pf.summary()",
    ("frame", "reconciliation"): "pf.reconcile()",
    ("frame", "coverage"): "pf.coverage()",
}
_OF_NO_METHOD = {("frame", "disposals"): "pf._linked().disposals"}  # for the example alone: no user writes it
_NOTES = {
    (
        "dataset",
        "fills",
    ): "As the exchange sent them. Linked to positions they are the frame [trades](../frames/trades.md).",
    ("dataset", "settlements"): """As the exchange sent them, for as long as it lists them (about 60 days).
`pf.settlements()` gives these and those that had to be rebuilt: the frame [settled](../frames/settled.md).""",
    (
        "dataset",
        "positions",
    ): """The exchange's own positions, at most one row a day and market: net, at average cost, before
fees. Ours, from flat to flat, are the frame [positions](../frames/positions.md).""",
    ("dataset", "balances"): "Cash only: what is held is not in it.",
    ("dataset", "markets"): "A dimension: one file, replaced when anything in it changes. Join it on `ticker`.",
    (
        "dataset",
        "sync_log",
    ): """Which windows of time were read to their last page. The next sync reads what is not in it, and
a day's overlap. A window counts only while the files that it names are there: delete one, and its day is fetched again.
`pf.coverage()` says the same for people.""",
    (
        "frame",
        "disposals",
    ): """Behind `pf.pnl(method="average")` and `pf.equity(method="average")`, as `lots` is behind the
default. No method of `Portfolio` gives it.""",
    ("frame", "positions"): """Ours, from flat to flat. The exchange's own are the dataset
[positions](../datasets/positions.md).""",
    ("frame", "reconciliation"): """[The numbers](../numbers.md#our-numbers-against-the-exchanges) says what each check
compares.""",
    ("frame", "pnl"): "`period` is there where `freq=` is given, the group columns where `by=` is.",
}


def pages() -> list[Page]:
    """Give every page: the datasets, then the frames."""
    profit = _values("pnl", "group and period", (_PERIOD, _GROUP, *schema.PNL_VALUES), ("period", "category"))
    course = _values("equity", "period, quiet ones included", (_PERIOD, *schema.EQUITY_VALUES), ("period",))
    datasets = [Page(table, "dataset") for table in schema.DATASETS.values()]
    return [*datasets, *(Page(table, "frame") for table in (*schema.FRAMES.values(), profit, course))]


def render(page: Page, pf: Portfolio) -> str:
    """Give the Markdown of one page.

    Args:
        page: Which one.
        pf: The demo account, for the examples.
    """
    table = page.table
    example = _example(page, pf)
    rows = [_row(page, column, example) for column in table.columns]
    note = f"\n{page.note}\n" if page.note else ""
    return (
        f"{NOTICE}\n\n# {page.kind.capitalize()} `{table.name}`\n\nOne row per {table.one_row_per}.\n{note}\n"
        f"{_facts(page)}\n\n"
        "| column | dtype | unit | null means | meaning | example |\n|---|---|---|---|---|---|\n"
        + "\n".join(rows)
        + f"\n\n{_FOOT}\n"
    )


_FOOT = """The example is one row of the demo account. `dtype` is Polars'; in the Parquet files it is the type of
the same name ([what other readers make of it](../how-to/readers.md#types))."""


def _facts(page: Page) -> str:
    table = page.table
    facts = {"in Python": f"`{page.call}`" if page.call else ""}
    if page.kind == "dataset":
        folder = f"{table.name}/date=YYYY-MM-DD" if table.partition_by else table.name
        facts["files"] = f"`{folder}/data.parquet`"
        facts["partition"] = f"UTC date of `{table.partition_by}`" if table.partition_by else "none: one file"
    facts["key"] = _names(table.key) + (", within a date" if table.key_within_date else "")
    facts["sorted by"] = _names(table.order) + (", then date" if table.key_within_date else "") if table.order else ""
    lines = [f"| {label} | {words} |" for label, words in facts.items() if words]
    return "\n".join(["| | |", "|---|---|", *lines])


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names) or "a single row"


def _row(page: Page, column: Column, example: dict[str, Any]) -> str:
    shown = f"`{_value(example[column.name])}`" if example and column.name not in _DIFFERS else ""
    meaning = column.meaning.replace("|", "\\|")
    return (
        f"| `{column.name}` | {_dtype(column.dtype)} | {_unit(column)} | {_null(page, column)} | {meaning} | {shown} |"
    )


def _null(page: Page, column: Column) -> str:
    if not column.null:
        return "never null"
    name = "positions_frame" if (page.kind, page.table.name) == ("frame", "positions") else page.table.name
    told = NULLS.get((name, column.name))
    return told or ("see meaning" if "null" in column.meaning else _ELSE[page.kind])


def _unit(column: Column) -> str:
    if column.name in _CONTRACTS:
        return "contracts"
    if isinstance(column.dtype, pl.Datetime):
        return "UTC"
    return next((unit for end, unit in _UNITS.items() if column.name.endswith(end)), "")


def _dtype(dtype: Any) -> str:
    if isinstance(dtype, pl.Decimal):
        return f"Decimal({dtype.precision}, {dtype.scale})"
    if isinstance(dtype, pl.Datetime):
        return "Datetime(μs)"
    if isinstance(dtype, pl.Duration):
        return "Duration(μs)"
    return "List(Struct)" if dtype == _LIST else str(dtype)


def _example(page: Page, pf: Portfolio) -> dict[str, Any]:
    """Give the last of the rows that have the fewest nulls."""
    # What the page shows is what is run.
    call = page.call or _OF_NO_METHOD.get((page.kind, page.table.name), "")
    frame: pl.DataFrame = eval(call, {"pf": pf, "pl": pl}) if call else pl.DataFrame()  # noqa: S307
    if frame.is_empty():
        return {}
    nulls = frame.select(pl.sum_horizontal(pl.all().is_null()).alias("nulls"))["nulls"]
    return frame.filter(nulls == nulls.min()).row(-1, named=True)


def _value(value: Any) -> str:
    match value:
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S}"
        case date() | timedelta() | Decimal():
            return str(value)
        case list():
            return "[…]"
        case None:
            return "null"
        case _:
            text = str(value)
            return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def write_all(folder: Path, pf: Portfolio) -> None:
    """Write every page.

    Args:
        folder: The folder ``docs``.
        pf: The demo account.
    """
    for page in pages():
        (folder / page.path).write_text(render(page, pf), encoding="utf-8")
