"""Reads the page of a report as a browser does: elements, texts, tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

_EMPTY = {"meta", "link", "br", "hr", "img"}


@dataclass
class Element:
    """One element of a page."""

    tag: str
    attributes: dict[str, str]
    children: list[Element | str] = field(default_factory=list)

    def all(self, tag: str | None = None, **attributes: str) -> list[Element]:
        """Give the elements below this one, in order; ``cls`` is one of its classes."""
        found = []
        for child in self.children:
            if isinstance(child, Element):
                if tag in (None, child.tag) and child.has(attributes):
                    found.append(child)
                found.extend(child.all(tag, **attributes))
        return found

    def has(self, attributes: dict[str, str]) -> bool:
        """Whether it has these attributes."""
        return all(
            value in self.attributes.get("class", "").split() if name == "cls" else self.attributes.get(name) == value
            for name, value in attributes.items()
        )

    @property
    def text(self) -> str:
        """What can be read in it, its pictures aside."""
        parts = [child if isinstance(child, str) else child.text for child in self.children]
        return "" if self.tag in {"svg", "style"} else " ".join(" ".join(parts).split())

    @property
    def drawn(self) -> str:
        """What can be read in it, pictures included."""
        return " ".join(child if isinstance(child, str) else child.drawn for child in self.children)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("page", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(element)
        if tag not in _EMPTY:
            self.open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)


def read(page: str) -> Element:
    """Read a page; every element must be closed in order."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert len(reader.open) == 1
    return reader.open[0]


def table(page: Element, caption: str) -> list[list[str]]:
    """Give the cells of the body of a table, row by row."""
    found = next(t for t in page.all("table") if t.all("caption")[0].text.startswith(caption))
    return [[c.text for c in row.children if isinstance(c, Element)] for row in found.all("tbody")[0].all("tr")]
