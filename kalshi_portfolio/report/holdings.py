"""The sections on what is held, and on what the figures rest: open positions, reconciliation, coverage, definitions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kalshi_portfolio.display import Heading, Html, element, entries, table
from kalshi_portfolio.display.html import joined
from kalshi_portfolio.report.profit import hint
from kalshi_portfolio.report.sheets import Shown, gains, market, money, prices, quantities, sheet, side
from kalshi_portfolio.report.words import MARKS, METHODS, NOT_KNOWN, amount, gain, local_day, moment, row_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kalshi_portfolio.report.contents import Contents
    from kalshi_portfolio.report.pictures import Easel

_DEFINITIONS = (
    ("Net P&L", "what sales and settlements brought, less what was paid for the same contracts, less fees."),
    ("Realised P&L", "the same before fees. It counts on the day it is realised; a fee on the day it is paid."),
    ("Unrealised P&L", "what is held at its mark, less what was paid for it, before fees."),
    ("Position", "one holding of one market by one subaccount, from nothing held to nothing held, or to settlement."),
    ("Lot", "contracts bought in one fill and sold in one fill, or settled."),
    ("Drawdown", "how far the running net P&L lies below its highest so far; never above 0."),
    ("Return", "net and unrealised P&L over the money that was there on average (Modified Dietz)."),
    ("Money", "US dollars, added up exactly and rounded to the cent for reading; prices in cents for one contract."),
    (f"{NOT_KNOWN}", "not known. It is left out of all sums, never counted as 0, and counted beside them."),
)


def held(contents: Contents, easel: Easel) -> Html:
    """List what is held, and draw how much money was at work."""
    from kalshi_portfolio import charts  # noqa: PLC0415  (loads Altair)

    frame, freq = contents.held.exposure, contents.held.freq
    chart = charts.exposure(frame, freq=freq, by="category", unknown=contents.held.unknown, **hint(contents))
    columns = [
        Shown("market", market, number=False),
        Shown("side", side, number=False),
        quantities("held", "quantity"),
        prices("entry", "avg_price_cents"),
        prices("mark", "current_price_cents"),
        money("cost", "cost_cents"),
        gains("unrealised", "unrealized_pnl_cents"),
        money("fees", "fee_cents"),
        Shown("opened", lambda row: local_day(row["opened_at"], contents.facts.tz)),
    ]
    total, rest = row_of(contents.held.total), row_of(contents.held.rest)
    shown = contents.held.rows
    caption = "All that is held now, the largest cost first"
    if rest["positions"]:
        caption = (
            f"The {shown.height:,} largest of {total['positions']:,} open positions, by cost; the rest below, summed"
        )
    last = [_summed(f"{rest['positions']:,} further positions", rest)] if rest["positions"] else []
    last += [_summed(f"all {total['positions']:,}", total)]
    listed = sheet(columns, shown, caption=caption, last=last, nothing="Nothing is held.")
    note = "" if shown.is_empty() else element("p", _marks(contents), cls="note")
    return joined((note, listed, easel.draw(chart).figure()))


def _summed(label: str, sums: Mapping[str, Any]) -> list[object]:
    without = sums["unknown_marks"]
    marks = f"{without:,} unknown" if without else ""
    return [
        label, "", "", "", marks, amount(sums["cost_cents"]), gain(sums["unrealized_pnl_cents"]), "", "",
    ]  # fmt: skip


def _marks(contents: Contents) -> str:
    quoted = (
        ""
        if contents.facts.quoted_at is None
        else f", read {moment(contents.facts.quoted_at, contents.facts.tz)} or later"
    )
    return f"The mark is {MARKS[contents.facts.mark]}{quoted}. {NOT_KNOWN} where there is none."


def reconciliation(contents: Contents) -> Html:
    """Say which of our figures equal the exchange's, and why others do not."""
    failures = [entries(rows, caption=name) for name, rows in contents.checked.failures]
    verdict = element("p", contents.checked.verdict, cls="verdict bad" if contents.checked.failed else "verdict")
    headings = [Heading("check"), Heading("agree", number=True), Heading("note")]
    counts = [table(headings, contents.checked.counts, caption="Check by check")] if contents.checked.counts else []
    return joined((verdict, *failures, *counts))


def coverage(contents: Contents) -> Html:
    """Say what is on disk, and up to when."""
    lines = [
        (name if not number else "", state if not number else "", words)
        for name, state, stretches in contents.checked.coverage
        for number, words in enumerate(stretches)
    ]
    headings = [Heading("dataset", whole=True), Heading("state"), Heading("covered (UTC)")]
    listed = [table(headings, lines, caption="Dataset by dataset")] if lines else []
    bad = "verdict bad" if contents.facts.missing else "verdict"
    return joined((element("p", contents.checked.covered, cls=bad), *listed))


def definitions(contents: Contents) -> Html:
    """Say how the numbers are defined."""
    chosen = (
        ("Days and times", f"in the time zone {contents.facts.tz}, except where UTC is said."),
        ("Matching", f"{METHODS[contents.facts.method]}; exposure always first in, first out."),
        ("Mark", f"{MARKS[contents.facts.mark]}."),
    )
    terms = (element("div", element("dt", name), element("dd", words)) for name, words in (*_DEFINITIONS, *chosen))
    return element("dl", *terms, cls="terms")
