"""How a portfolio shows itself: the figures of a terminal, the card of a notebook."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kalshi_portfolio.display import (
    Heading,
    Html,
    Remark,
    ago,
    aligned,
    block,
    blocks,
    clean,
    counted,
    dollars,
    element,
    figures,
    left_out_of_held,
    moment,
    percent,
    remarks,
    sparkline,
    table,
    tone,
)
from kalshi_portfolio.portfolio.advice import STALE, Card, advice, age

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from kalshi_portfolio.portfolio.look import Look

_WIDE = 98
_GLUE = "\0"  # stands for a space at which no line ends
_COLOURED = {"gain": "kp-gain", "loss": "kp-loss"}


def text_card(card: Card, now: datetime) -> str:
    """Give the figures of a portfolio as lines of text."""
    head = f"Portfolio({place(card.root)!r}, {card.environment})"
    lines = [] if card.look is None or card.look.never_synced else _text_figures(card, card.look, now)
    return "\n".join([head, *lines, *(_wrapped(_sentence(remark)) for remark in advice(card, now))])


def html_card(card: Card, now: datetime) -> str:
    """Give the figures, the equity line and the largest open positions as HTML."""
    look = card.look
    parts: list[Html] = []
    if look is not None and not look.never_synced:
        parts = [_sum(look), _figures(look), _largest(look)]
    where = element("div", f"{card.environment} · {place(card.root)}", cls="kp-foot kp-quiet")
    return block("Kalshi portfolio", *parts, remarks(advice(card, now)), where, aside=_as_of(card, now))


def place(path: Path) -> str:
    """Write a folder's path, without the name of its owner where it lies at home."""
    try:
        return f"~/{path.relative_to(Path.home()).as_posix()}"
    except (ValueError, RuntimeError):  # it lies elsewhere, or nobody has a home
        return str(path)


def _as_of(card: Card, now: datetime) -> str:
    """Say as of when the figures are, and how old that is."""
    look = card.look
    if look is None or look.never_synced:
        return ""
    if look.as_of is not None:
        until = f"as of {moment(look.as_of)}"
    else:
        until = "incomplete" if look.last_sync is None else f"incomplete, synced {moment(look.last_sync)}"
    old = age(card, now)
    return until if old is None else f"{until}, {ago(old)}{' (stale)' if old >= STALE else ''}"


def _net(look: Look) -> Any:
    return look.summary["net_pnl_cents"]


def _text_figures(card: Card, look: Look, now: datetime) -> list[str]:
    row = look.summary
    held, unknown = row["open_positions"], row["incomplete_open_positions"]
    counting = f"{held - unknown:,} of {held:,} positions" if unknown else counted(held, "position")
    lines = [
        ("net P&L", dollars(_net(look)), blocks(look.curve)),
        ("  realised", dollars(row["realized_pnl_cents"]), "before fees"),
        ("  fees", dollars(row["fee_cents"]), ""),
        ("unrealised", _unrealised(look), _without_mark(look) or _marked_at(look)),
        ("exposure", dollars(row["open_exposure_cents"]), f"{counting} open"),
        ("won", percent(row["win_ratio"]) if look.ended else "-", f"of {look.ended:,} ended"),
        ("fills", f"{look.fills:,}", f"in {counted(row['positions'], 'position')}"),
    ]
    return [f"  {_as_of(card, now)}", *aligned(lines, right=[1])]


def _wrapped(text: str) -> str:
    """Break a sentence into lines, but no path and no call."""
    lines = textwrap.fill(
        text,
        _WIDE,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.replace(_GLUE, " ")


def _sentence(remark: Remark) -> str:
    sign = {"warning": "! ", "next": "next: "}.get(remark.kind, "")
    said = clean(remark.words)
    words = said[0].lower() + said[1:] if remark.kind == "next" else said
    call = remark.call.replace(" ", _GLUE)
    return f"{sign}{words}{f' {call}' if call else ''}"


def _sum(look: Look) -> Html:
    net = _net(look)
    amount = element("b", dollars(net, signed=True), cls=_COLOURED.get(tone(net)))
    return element(
        "div",
        element("div", element("span", "Net P&L", cls="kp-quiet"), amount, cls="kp-net"),
        _curve(look),
        cls="kp-sum",
    )


def _curve(look: Look) -> Html:
    """Draw the equity line, with its days and in words."""
    if len(look.days) < 2 or _net(look) is None:  # noqa: PLR2004  (a line has two ends)
        return Html("")
    first, last = look.days[0], look.days[-1]
    label = (
        f"Net P&L from {first} to {last}: it ends at {dollars(look.curve[-1])}; "
        f"highest {dollars(max(look.curve))}, lowest {dollars(min(look.curve))}."
    )
    ends = element("div", element("span", str(first)), element("span", str(last)), cls="kp-ends", aria_hidden="true")
    return element("div", sparkline(look.curve, label=label), ends, cls="kp-curve")


def _figures(look: Look) -> Html:
    row = look.summary
    unrealised = row["unrealized_pnl_cents"]
    return figures(
        [
            ("Realised", dollars(row["realized_pnl_cents"], signed=True), "before fees"),
            ("Fees", dollars(row["fee_cents"]), "paid"),
            (
                "Unrealised",
                element("span", _unrealised(look), cls=_COLOURED.get(tone(unrealised))),
                _without_mark(look) or _marked_at(look),
            ),
            ("Open positions", f"{row['open_positions']:,}", f"of {row['positions']:,} ever held"),
            ("Exposure", dollars(row["open_exposure_cents"]), "cost of what is held"),
            (
                "Win ratio",
                percent(row["win_ratio"]) if look.ended else "-",
                f"of {look.ended:,} ended",
            ),
        ]
    )


def _unrealised(look: Look) -> str:
    return dollars(look.summary["unrealized_pnl_cents"], signed=True)


def _without_mark(look: Look) -> str:
    return ", ".join(left_out_of_held(look.summary))


def _marked_at(look: Look) -> str:
    """Say of when the marks are, unless they are of the same day as everything else."""
    if look.quoted_at is None:
        return ""
    same = look.as_of is not None and look.quoted_at.date() == look.as_of.date()
    return "at the bid" if same else f"bids of {look.quoted_at:%Y-%m-%d}"


def _largest(look: Look) -> Html:
    """List the largest open positions, folded up: a card is small."""
    if look.largest.is_empty():
        return Html("")
    headings = [
        Heading("market"),
        Heading("side"),
        *(Heading(name, number=True) for name in ("held", "entry", "mark", "unrealised")),
    ]
    rows = [_held(row) for row in look.largest.iter_rows(named=True)]
    return element("details", element("summary", "largest open positions"), table(headings, rows, label="positions"))


def _held(row: dict[str, Any]) -> tuple[object, ...]:
    mark, gain = row["current_price_cents"], row["unrealized_pnl_cents"]
    return (
        element("span", row["title"] or row["ticker"], title=row["ticker"]),
        row["side"],
        f"{row['quantity'].normalize():,f}",
        "-" if row["avg_price_cents"] is None else _price(row["avg_price_cents"]),
        "no bid" if mark is None else _price(mark),
        element("span", "-" if gain is None else dollars(gain, signed=True), cls=_COLOURED.get(tone(gain))),
    )


def _price(cents: Decimal) -> str:
    """Show a price with two decimals of a cent at most, for reading."""
    return f"{cents:,.2f}".rstrip("0").rstrip(".") + "¢"
