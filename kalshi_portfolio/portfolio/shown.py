"""The summary, the reconciliation and the coverage in words and HTML."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

import polars as pl

from kalshi_portfolio.display import (
    Heading,
    Html,
    Remark,
    aligned,
    block,
    clean,
    counted,
    dollars,
    element,
    entries,
    left_out_of_held,
    moment,
    percent,
    remarks,
    table,
    tone,
)
from kalshi_portfolio.portfolio.coverage import in_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import timedelta
    from decimal import Decimal

_SHOWN = 3
_WIDE, _NARROW = 100, 40
_COLOURED = {"gain": "kp-gain", "loss": "kp-loss"}
_TOLD = {"complete": "complete", "missing": "part is missing", "archived": "complete, part of it archived"}
_CHECKED = {
    "cash": "cash",
    "position": "contracts held",
    "position_fees": "fees of positions",
    "position_realized_pnl": "realised P&L of positions",
    "position_exposure": "exposure of positions",
    "settlement_yes_quantity": "YES contracts of settlements",
    "settlement_no_quantity": "NO contracts of settlements",
    "settlement_yes_cost": "YES cost of settlements",
    "settlement_no_cost": "NO cost of settlements",
    "settlement_fees": "fees of settlements",
    "settlement_revenue": "revenue of settlements",
    "settlement_pnl": "P&L of settlements",
}


# Summary


def summary_text(row: dict[str, Any]) -> str:
    """Give the summary as lines of text."""
    lines = [(label, value, note) for label, value, note, _ in _summary(row)]
    return "\n".join([f"Summary {_until(row)}", *aligned(lines, right=[1]), *_text_remarks(_unknown(row))])


def summary_html(row: dict[str, Any]) -> str:
    """Give the summary as a table of labels and values; the exact amount is said on pointing at it."""
    headings = [Heading("figure"), Heading("value", number=True), Heading("")]
    rows = [
        (label, element("span", value, cls=_COLOURED.get(tone(exact)), title=_exact(exact)), note)
        for label, value, note, exact in _summary(row)
    ]
    return block("Summary", table(headings, rows, label="figures"), remarks(_unknown(row)), aside=_until(row))


def _until(row: dict[str, Any]) -> str:
    return "not complete up to any time" if row["as_of"] is None else f"as of {moment(row['as_of'])}"


def _summary(row: dict[str, Any]) -> list[tuple[str, str, str, Decimal | None]]:
    """Give label, value, note, and the exact amount where it is a gain or a loss."""

    def money(label: str, name: str, note: str = "", *, gain: bool = True) -> tuple[Any, ...]:
        amount = row[name]
        shown = "-" if amount is None else dollars(amount, signed=gain)
        return label, shown, note, amount if gain else None

    def plain(label: str, value: object, note: str = "") -> tuple[Any, ...]:
        return label, str(value), note, None

    ratio, held = row["win_ratio"], row["open_positions"]
    lines = [
        money("net P&L", "net_pnl_cents", "after fees"),
        money("realised P&L", "realized_pnl_cents", "before fees"),
        money("fees", "fee_cents", gain=False),
        money("unrealised P&L", "unrealized_pnl_cents", _unmarked(row)),
        plain("open positions", f"{held:,}", f"of {row['positions']:,} ever held"),
        money("exposure", "open_exposure_cents", "cost of what is held", gain=False),
        money("market value", "market_value_cents", "at the marks, else at cost", gain=False),
        plain("win ratio", "-" if ratio is None else percent(ratio), "of ended positions"),
        plain("profit factor", _two(row["profit_factor"]), "gains over losses"),
        money("mean result", "expectancy_cents", "of an ended position"),
        plain("mean holding", _duration(row["average_holding"])),
        money("best position", "best_net_pnl_cents", _ticker(row["best_position_id"])),
        money("worst position", "worst_net_pnl_cents", _ticker(row["worst_position_id"])),
        money("deepest drawdown", "max_drawdown_cents", "at the end of a day"),
        money("paid in, net", "transfers_cents", "deposits less withdrawals", gain=False),
        plain(
            "return", "-" if row["return_on_capital"] is None else percent(row["return_on_capital"]), "money-weighted"
        ),
    ]
    return [(str(label), str(value), str(note), exact) for label, value, note, exact in lines]


def _unknown(row: dict[str, Any]) -> list[Remark]:
    """Count what the figures leave out."""
    found = []
    if row["incomplete_positions"]:
        whose = counted(row["incomplete_positions"], "position is", "positions are")
        found.append(
            Remark(
                f"{whose} left out of P&L: part of the history is missing.",
                'pf.positions().filter(~pl.col("complete"))',
            )
        )
    if row["unknown_fees"]:
        whose = counted(row["unknown_fees"], "position is", "positions are")
        found.append(Remark(f"{whose} left out of net figures: a fee is unknown."))
    return found


def _unmarked(row: dict[str, Any]) -> str:
    return ", ".join(left_out_of_held(row)) or "at the marks, before fees"


def _exact(cents: Decimal | None) -> str | None:
    return None if cents is None else f"{cents.normalize():,f} cents"


def _two(ratio: float | None) -> str:
    return "-" if ratio is None else f"{ratio:.2f}"


def _duration(length: timedelta | None) -> str:
    if length is None:
        return "-"
    return (
        f"{length.total_seconds() / 86_400:.1f} days" if length.days else f"{length.total_seconds() / 3_600:.1f} hours"
    )


def _ticker(position_id: str | None) -> str:
    """Name a position by its market alone: its id holds the id of a trade."""
    return "" if position_id is None else position_id.partition("/")[0]


# Reconciliation


def reconciliation_text(checks: pl.DataFrame) -> str:
    """Give what differs, with the cause, then how many agree, check by check."""
    lines = [verdict(checks), *disagreements(checks)]
    return "\n".join([*lines, *aligned(agreeing(checks), right=[1]), *_text_remarks(_remarks(checks))])


def disagreements(checks: pl.DataFrame, *, most: int = _SHOWN, width: int = _WIDE) -> Iterator[str]:
    """Give what differs, with the cause, in lines of a width; at most so many of each check."""
    for name, failures in differing(checks, most):
        yield f"  {name}"
        for market, figures, cause in failures:
            yield _wrapped(f"{market}: {figures}", " " * 4, width)
            yield _wrapped(cause, " " * 6, width)


def reconciliation_html(checks: pl.DataFrame) -> str:
    """Give what differs, with the cause, then how many agree, check by check."""
    wrong = [entries(failures, caption=name) for name, failures in differing(checks)]
    headings = [Heading("check"), Heading("agree", number=True), Heading("")]
    counts = table(headings, agreeing(checks), label="checks")
    folded = element("details", element("summary", "check by check"), counts)
    body = [*wrong, folded] if checks.height else []
    return block("Reconciliation with the exchange", element("div", verdict(checks)), *body, remarks(_remarks(checks)))


def verdict(checks: pl.DataFrame) -> str:
    """Say in a sentence how many checks agree."""
    wrong = checks.height - int(checks["ok"].sum())
    if not checks.height:
        return "No checks: the exchange gave no figures to compare with."
    if not wrong:
        return f"{counted(checks.height, 'check')}, {'all agree' if checks.height > 1 else 'it agrees'}."
    return f"{wrong:,} of {counted(checks.height, 'check')} {'differs' if wrong == 1 else 'differ'}."


def differing(checks: pl.DataFrame, most: int = _SHOWN) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Give the checks that fail by what is compared, at most so many of each: market, figures, cause."""
    found = []
    for (check,), rows in checks.filter(~pl.col("ok")).group_by("check", maintain_order=True):
        failures = [_failure(row) for row in rows.head(most).iter_rows(named=True)]
        more = f", the first {most} of {rows.height:,}" if rows.height > most else ""
        found.append((f"{_name(str(check))}{more}", failures))
    return found


def _failure(row: dict[str, Any]) -> tuple[str, str, str]:
    whose = (row["ticker"] or "all markets") + (f", subaccount {row['subaccount']}" if row["subaccount"] else "")
    figures = f"ours {_figure(row, 'ours')}, the exchange's {_figure(row, 'theirs')}"
    if row["difference"] is not None:
        figures += f", difference {_figure(row, 'difference')}"
    return whose, figures, row["cause"] or "The cause is not known."


def _figure(row: dict[str, Any], name: str) -> str:
    value = row[name]
    if value is None:
        return "unknown"
    return f"{value.normalize():,f}" if row["unit"] == "contracts" else written_out(value)


def written_out(cents: Decimal) -> str:
    """Write an amount in dollars out to its last digit that is not 0.

    Examples:
        >>> from decimal import Decimal
        >>> written_out(Decimal("-123456.700000")), written_out(Decimal("0.4"))
        ('-$1,234.567', '$0.004')
    """
    whole, _, rest = f"{abs(cents) / 100:,.8f}".partition(".")
    return f"{'-' if cents < 0 else ''}${whole}.{rest[:2]}{rest[2:].rstrip('0')}"


def agreeing(checks: pl.DataFrame) -> list[tuple[str, str, str]]:
    """Give per check its name, how many agree, and how many of these only to the precision that the exchange shows."""
    counts = checks.group_by("check", maintain_order=True).agg(
        pl.col("ok").sum().alias("right"),
        pl.len().alias("all"),
        (pl.col("ok") & (pl.col("difference") != 0)).sum().alias("near"),
    )
    return [
        (_name(name), f"{right:,} of {count:,}", f"{near:,} to the precision that the exchange shows" if near else "")
        for name, right, count, near in counts.rows()
    ]


def _remarks(checks: pl.DataFrame) -> list[Remark]:
    """Say how to come by the rows."""
    if checks["ok"].all():
        return [Remark("A Polars frame, one row per check. Its rows:", ".head()", "note")] if checks.height else []
    return [Remark("A Polars frame, one row per check. All that differ:", '.filter(~pl.col("ok"))', "note")]


def _wrapped(text: str, indent: str, width: int) -> str:
    return textwrap.fill(clean(text), max(width, _NARROW), initial_indent=indent, subsequent_indent=indent)


def _name(check: str) -> str:
    return _CHECKED.get(check, check.replace("_", " "))


# Coverage


def coverage_text(coverage: pl.DataFrame) -> str:
    """Say per dataset what is complete, missing and archived."""
    lines = [(name, state, words) for name, state, texts in covered(coverage) for words in texts]
    return "\n".join([whole(coverage), *aligned(_once(lines))])


def coverage_html(coverage: pl.DataFrame) -> str:
    """Say per dataset what is complete, missing and archived."""
    headings = [Heading("dataset"), Heading("state", whole=True), Heading("covered (UTC)")]
    lines = [(name, state, words) for name, state, texts in covered(coverage) for words in texts]
    rows = [(name, _state(state), words) for name, state, words in _once(lines)]
    body = [table(headings, rows, label="datasets")] if rows else []
    return block("Coverage", element("div", whole(coverage)), *body)


def _once(lines: Iterable[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    """Name a dataset and its state in its first line only."""
    seen: set[str] = set()
    kept = []
    for name, state, words in lines:
        kept.append(("", "", words) if name in seen else (name, state, words))
        seen.add(name)
    return kept


def _state(state: str) -> Html:
    return element("span", state, cls="kp-loss" if state == _TOLD["missing"] else None)


def covered(coverage: pl.DataFrame) -> list[tuple[str, str, tuple[str, ...]]]:
    """Give dataset, state and stretches in words."""
    found = []
    for (name,), rows in coverage.group_by("dataset", maintain_order=True):
        statuses = set(rows["status"])
        worst = next((status for status in ("missing", "archived") if status in statuses), "complete")
        found.append((str(name), _TOLD[worst], in_words(rows)))
    return found


def whole(coverage: pl.DataFrame) -> str:
    """Say in a sentence whether something is missing."""
    if coverage.is_empty():
        return "Nothing is synced yet: kp.sync() or `kalshi-portfolio sync` fetches everything."
    missing = coverage.filter(pl.col("status") == "missing")["dataset"].unique().sort().to_list()
    return f"Part of the {' and the '.join(missing)} is missing." if missing else "Nothing is missing."


def _text_remarks(found: Iterable[Remark]) -> list[str]:
    return [f"  {'! ' if r.kind == 'warning' else ''}{clean(r.words)}{f' {r.call}' if r.call else ''}" for r in found]
