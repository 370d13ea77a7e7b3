"""The page: its head, what it is of, what is missing, and the sections in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kalshi_portfolio.display import Html, element
from kalshi_portfolio.display.html import joined
from kalshi_portfolio.report import holdings, profit
from kalshi_portfolio.report.gaps import gaps
from kalshi_portfolio.report.pictures import Easel
from kalshi_portfolio.report.style import STYLE
from kalshi_portfolio.report.words import METHODS, account, moment, span

if TYPE_CHECKING:
    from kalshi_portfolio.report.contents import Contents, Facts

GENERATOR = '<meta name="generator" content="kalshi-portfolio report">'
"""What tells one of our reports from any other file."""

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"  # no script
)
_HEAD = (
    '<meta charset="utf-8">'
    f"{GENERATOR}"
    f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
    '<meta name="referrer" content="no-referrer">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    '<link rel="icon" href="data:,">'
)


def page(contents: Contents) -> str:
    """Write the report.

    Args:
        contents: All that it shows.

    Returns:
        The text of an HTML page that needs nothing beside itself: no script, no network, no file.
    """
    from kalshi_portfolio.charts.render import unchecked  # noqa: PLC0415  (loads Altair)

    with unchecked():
        sections = _sections(contents, Easel())
    title = "Kalshi portfolio report"
    body = joined(
        (
            element("header", element("h1", title), _facts(contents), _navigation(sections), _gaps(contents)),
            element("main", *(_section(*section) for section in sections)),
            element("footer", element("p", _made(contents.facts))),
        )
    )
    head = f"{_HEAD}<title>{title}</title><style>{STYLE}</style>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>{body}</body></html>\n'


def _sections(contents: Contents, easel: Easel) -> list[tuple[str, str, Html]]:
    categories, series = contents.profit.categories, contents.profit.series
    return [
        ("summary", "Summary", profit.summary(contents)),
        ("course", "Equity and drawdown", profit.course(contents, easel)),
        ("calendar", "Calendar", profit.calendar(contents, easel)),
        ("months", "P&L by month", profit.months(contents, easel)),
        ("categories", "P&L by category", profit.groups(contents, easel, categories, "category", "category")),
        ("series", "P&L by series", profit.groups(contents, easel, series, "series_ticker", "series")),
        ("positions", "Best and worst positions", profit.positions(contents, easel)),
        ("open", "Open positions", holdings.held(contents, easel)),
        ("fees", "Fees", profit.fees(contents, easel)),
        ("reconciliation", "Reconciliation", holdings.reconciliation(contents)),
        ("coverage", "Coverage", holdings.coverage(contents)),
        ("definitions", "How the numbers are defined", holdings.definitions(contents)),
    ]


def _section(name: str, heading: str, content: Html) -> Html:
    return element(
        "section", element("h2", heading, id=f"{name}-heading"), content, id=name, aria_labelledby=f"{name}-heading"
    )


def _navigation(sections: list[tuple[str, str, Html]]) -> Html:
    links = (element("li", element("a", heading, href=f"#{name}")) for name, heading, _ in sections)
    return element("nav", element("ul", *links), aria_label="Contents")


def _facts(contents: Contents) -> Html:
    until = "not complete" if contents.facts.as_of is None else moment(contents.facts.as_of, contents.facts.tz)
    facts = [
        ("Complete to", until),
        ("Account", account(contents.facts.environment)),
        ("Of", span(contents.facts)),
        ("Matching", METHODS[contents.facts.method]),
    ]
    return element(
        "dl", *(element("div", element("dt", name), element("dd", words)) for name, words in facts), cls="facts"
    )


def _gaps(contents: Contents) -> Html:
    """Say first what is not known."""
    found = list(gaps(contents))
    if not found:
        return element("p", "Nothing is missing, and nothing is unknown.", cls="sound")
    items = element("ul", *(element("li", words) for words in found))
    return element("aside", element("h2", "What is not known"), items, cls="gaps", aria_label="What is not known")


def _made(facts: Facts) -> str:
    made = moment(facts.made_at, facts.tz)
    synced = "" if facts.last_sync is None else f" from what was synced to {moment(facts.last_sync, facts.tz)}"
    return (
        f"Made by kalshi-portfolio on {made}{synced}. This file runs no script and asks the network for nothing. It is "
        "no advice on trading or tax."
    )
