"""Draw the README's picture from the demo account: ``docs/images/overview-light.svg`` and ``-dark.svg``.

``UPDATE_DOCS=1 pytest tests/test_docs.py`` draws them; without the variable the test says whether they are current.
"""  # noqa: INP001

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from kalshi_portfolio import charts

if TYPE_CHECKING:
    from pathlib import Path

    from kalshi_portfolio import Portfolio

INKS = {"light": "#1f2328", "dark": "#e6edf3"}
"""The colour of text and lines on each ground; the chart takes it as ``currentColor``."""

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_WIDTH, _BOX, _HEIGHT, _GAP = 880, 193, 84, 36
_CHART = _WIDTH - 20  # fonts are wider here than there, and the last label stands at the edge
_SIZE = re.compile(r'<svg[^>]*?\bwidth="([\d.]+)"[^>]*?\bheight="([\d.]+)"')

Step = tuple[str, str, str]


def steps(pf: Portfolio) -> list[Step]:
    """Give the four steps from the account to P&L, each as a heading and two lines, with the account's numbers."""
    summary, checks = pf.summary().row(0, named=True), pf.reconcile()
    fills, markets, trades, lots = (f"{frame.height:,}" for frame in (pf.fills(), pf.markets(), pf.trades(), pf.lots()))
    net = f"${summary['net_pnl_cents'] / 100:,.2f} net"
    return [
        ("Kalshi account", "live and historical tier,", "all subaccounts; read only"),
        ("Parquet files", f"{fills} fills, {markets} markets,", "each row once, exactly"),
        ("Linked trades", f"{trades} trades, {lots} lots,", f"{summary['positions']:,} positions"),
        ("P&L that adds up", f"{net}; {checks['ok'].sum():,} of {checks.height:,}", "checks equal Kalshi's"),
    ]


def description(pf: Portfolio) -> str:
    """Say in words what the picture shows."""
    told = "; ".join(f"{head}: {first} {second}" for head, first, second in steps(pf))
    return f"From left to right: {told}. Below: {_chart(pf)[1]}"


def draw(pf: Portfolio, theme: str) -> str:
    """Give the picture as SVG.

    Args:
        pf: The demo account.
        theme: A key of :data:`INKS`.
    """
    inner, _ = _chart(pf)
    found = _SIZE.search(inner)
    assert found is not None, "the chart's SVG says no size"  # noqa: S101  (a tool)
    width, height = (float(number) for number in found.groups())
    drawn = height * _CHART / width
    top = _HEIGHT + 30
    chart = inner.replace("<svg", f'<svg overflow="visible" x="0" y="{top}"', 1)
    chart = re.sub(r'\bwidth="[\d.]+"', f'width="{_CHART}"', chart, count=1)
    chart = re.sub(r'\bheight="[\d.]+"', f'height="{drawn:.0f}"', chart, count=1)
    boxes = "\n".join(_box(number, step) for number, step in enumerate(steps(pf)))
    frame = f'viewBox="0 0 {_WIDTH} {top + drawn:.0f}" width="{_WIDTH}" role="img"'
    look = f'color="{INKS[theme]}" font-family="{escape(_FONT)}"'
    title = f"<title>{escape(description(pf))}</title>"
    return f'<svg xmlns="http://www.w3.org/2000/svg" {frame} {look}>\n{title}\n{boxes}\n{chart}\n</svg>\n'


def write_all(folder: Path, pf: Portfolio) -> None:
    """Write both pictures.

    Args:
        folder: The folder ``docs/images``.
        pf: The demo account.
    """
    for theme in INKS:
        (folder / f"overview-{theme}.svg").write_text(draw(pf, theme), encoding="utf-8")


def _chart(pf: Portfolio) -> tuple[str, str]:
    """Give the equity curve as SVG without a ground, and in words."""
    chart = charts.equity(pf.equity(freq="1d"), freq="1d")
    return charts.svg(chart), str(chart.to_dict()["description"])


def _box(number: int, step: Step) -> str:
    left = number * (_BOX + _GAP)
    head, first, second = map(escape, step)
    arrow = (
        ""
        if not number
        else f'<path d="M{left - _GAP + 7} {_HEIGHT / 2} H{left - 9} m-6 -5 l6 5 l-6 5" fill="none" '
        'stroke="currentColor" stroke-opacity="0.6" stroke-width="1.5"/>'
    )
    return (
        f'{arrow}<rect x="{left + 0.75}" y="0.75" width="{_BOX - 1.5}" height="{_HEIGHT - 1.5}" rx="7" fill="#0072B2" '
        f'fill-opacity="0.08" stroke="currentColor" stroke-opacity="0.35"/>'
        f'<g fill="currentColor"><text x="{left + 14}" y="28" font-size="15" font-weight="600">{head}</text>'
        f'<text x="{left + 14}" y="49" font-size="12">{first}</text>'
        f'<text x="{left + 14}" y="66" font-size="12">{second}</text></g>'
    )
