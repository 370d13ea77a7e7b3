"""HTML in one look: escaped by construction, readable without its style, no script, no request.

Notebooks differ in what they let through. What matters is in the markup (tables with headings, a text for each
picture); the style sheet, which comes with each block, only makes it pleasant.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from kalshi_portfolio.display.style import STYLE
from kalshi_portfolio.display.words import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Html(str):
    """Text that is HTML already. Everything else is escaped where it is put into an element."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Heading:
    """The heading of a table's column.

    Attributes:
        text: What stands there.
        number: Whether the column holds figures: they are aligned to the right, and never broken.
        whole: Whether what stands in it, such as a ticker, is never broken.
    """

    text: str
    number: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """A sentence on what is missing, stale or wrong, or what to do next.

    Attributes:
        words: The sentence.
        call: Code that helps; an empty text if there is none.
        kind: ``note``, ``warning`` or ``next``.
    """

    words: str
    call: str = ""
    kind: str = "warning"


_SIGNS = {"warning": ("⚠", "Attention: "), "note": ("·", ""), "next": ("→", "Next: ")}


def element(tag: str, /, *parts: object, **attributes: str | None) -> Html:
    """Make an element; parts and attributes are escaped unless they are :class:`Html`.

    Args:
        tag: Its name.
        *parts: What is in it.
        **attributes: Its attributes: ``cls`` is ``class``, an underscore is a hyphen, None is left out.

    Examples:
        >>> element("td", "<b> & c", cls="kp-n", aria_label=None)
        '<td class="kp-n">&lt;b&gt; &amp; c</td>'
    """
    written = "".join(
        f' {_attribute(name)}="{escape(clean(value))}"' for name, value in attributes.items() if value is not None
    )
    return Html(f"<{tag}{written}>{joined(parts)}</{tag}>")


def joined(parts: Iterable[object]) -> Html:
    """Put parts in a row; what is no :class:`Html` is escaped."""
    return Html("".join(part if isinstance(part, Html) else escape(clean(str(part))) for part in parts))


def code(text: str) -> Html:
    """Show a piece of code."""
    return element("code", text)


def block(title: str, *parts: object, aside: str = "") -> str:
    """Make the whole output of one object: its title, what is said beside it, and the parts, with the style.

    Args:
        title: The object in a few words.
        *parts: Elements, in order.
        aside: What stands beside the title, such as the time of the data.
    """
    head = element(
        "div", element("strong", title), *([element("span", aside, cls="kp-quiet")] if aside else []), cls="kp-head"
    )
    # JupyterLab takes "$1 of $2" for mathematics, unless it is told not to.
    body = element("div", head, *parts, cls="kp mathjax_ignore", role="group", aria_label=title)
    return f"<style>{STYLE}</style>{body}"


def table(
    headings: Sequence[Heading], rows: Iterable[Sequence[object]], *, caption: str = "", label: str = "table"
) -> Html:
    """Make a table; it scrolls by itself where the place is too narrow.

    Args:
        headings: One per column.
        rows: The cells; a cell may be :class:`Html`. The first of a row is its heading.
        caption: What the table is, said above it.
        label: What it is, for those who do not see it; the caption if there is one.
    """
    classes = ["kp-n" if heading.number else "kp-w" if heading.whole else None for heading in headings]
    head = element("tr", *(element("th", h.text, scope="col", cls=c) for h, c in zip(headings, classes, strict=True)))
    body = [
        element(
            "tr",
            *(
                element("td" if i else "th", cell, cls=c, scope=None if i else "row")
                for i, (cell, c) in enumerate(zip(row, classes, strict=True))
            ),
        )
        for row in rows
    ]
    named = [element("caption", caption)] if caption else []
    return element(
        "div",
        element("table", *named, element("thead", head), element("tbody", *body), cls="kp-table"),
        cls="kp-scroll",
        tabindex="0",
        role="region",
        aria_label=caption or label,
    )


def pairs(rows: Iterable[tuple[str, object]]) -> Html:
    """Make a table of labels and values."""
    body = (element("tr", element("th", label, scope="row"), element("td", value)) for label, value in rows)
    return element("table", element("tbody", *body), cls="kp-pairs")


def figures(rows: Iterable[tuple[str, object, str]]) -> Html:
    """Make a row of figures that wraps: label, value, and a small remark under it (may be empty)."""
    return element(
        "dl",
        *(
            element(
                "div",
                element("dt", label),
                element("dd", value, *([element("small", remark)] if remark else [])),
            )
            for label, value, remark in rows
        ),
        cls="kp-figures",
    )


def entries(rows: Iterable[tuple[str, str, str]], *, caption: str) -> Html:
    """Make a list of findings: what each is about, the figures, and below them a sentence; it fits any width.

    Examples:
        >>> "<strong>T-1</strong> ours 5" in entries([("T-1", "ours 5", "Sync again.")], caption="contracts held")
        True
    """
    items = (element("li", element("strong", title), " ", words, element("small", why)) for title, words, why in rows)
    return element("div", element("span", caption, cls="kp-quiet"), element("ul", *items), cls="kp-entries")


def remarks(lines: Iterable[Remark]) -> Html:
    """Make a list of remarks, each with the call that helps; nothing where there are none."""
    items = [
        element(
            "li",
            element("span", _SIGNS[line.kind][0], cls="kp-sign", aria_hidden="true"),
            element(
                "span",
                *([element("span", _SIGNS[line.kind][1], cls="kp-unseen")] if _SIGNS[line.kind][1] else []),
                line.words,
                *([" ", code(line.call)] if line.call else []),
            ),
            cls=f"kp-{line.kind}",
        )
        for line in lines
    ]
    return element("ul", *items, cls="kp-remarks") if items else Html("")


def _attribute(name: str) -> str:
    return "class" if name == "cls" else name.replace("_", "-")
