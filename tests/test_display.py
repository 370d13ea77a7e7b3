"""How things are shown: everything escaped, legible on light and dark, and no point drawn that is not in the series."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kalshi_portfolio.display import (
    STYLE,
    Heading,
    Html,
    Remark,
    ago,
    aligned,
    block,
    blocks,
    code,
    dollars,
    element,
    entries,
    figures,
    pairs,
    percent,
    pick,
    remarks,
    sparkline,
    table,
    tone,
)
from kalshi_portfolio.display.style import ATTENTION, GAIN, LOSS, MIXED, QUIET

HOSTILE = "<script>alert('x')</script> & \"q\" \x1b[2J\u202e"

# Text and background of the places in which a card is read.
PLACES = {
    "JupyterLab light": ((0, 0, 0), 0.87, (255, 255, 255)),
    "JupyterLab dark": ((255, 255, 255), 1.0, (17, 17, 17)),
    "VS Code light": ((59, 59, 59), 1.0, (255, 255, 255)),
    "VS Code dark": ((204, 204, 204), 1.0, (31, 31, 31)),
    "classic": ((0, 0, 0), 1.0, (255, 255, 255)),
}
Colour = tuple[float, float, float]


def mixed(a: Colour, b: Colour, share: float) -> Colour:
    return tuple(x * share + y * (1 - share) for x, y in zip(a, b, strict=True))  # type: ignore[return-value]


def luminance(colour: Colour) -> float:
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: Colour, b: Colour) -> float:
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def parsed(text: str) -> Colour:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("colour", [GAIN, LOSS, ATTENTION, "quiet"])
def test_every_colour_of_text_has_the_contrast_of_aa_in_every_theme(place: str, colour: str) -> None:
    text, opacity, background = PLACES[place]
    seen = mixed(text, background, opacity)
    shown = mixed(seen, background, QUIET / 100) if colour == "quiet" else mixed(parsed(colour), seen, MIXED / 100)
    assert contrast(shown, background) >= 4.5


def test_the_style_asks_for_nothing_and_knows_no_theme() -> None:
    assert not re.search(r"url\(|@import|http|prefers-color-scheme|#[0-9a-f]{3,6}(?![0-9a-f])(?!.*%)", STYLE)
    assert STYLE.count("{") == STYLE.count("}")


class Reader(HTMLParser):
    """Reads HTML, and refuses what is not nested well."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        self.tags.append(tag)
        self.attributes.extend(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_whatever_is_said_stays_text() -> None:
    page = block(
        HOSTILE,
        table(
            [Heading(HOSTILE), Heading("n", number=True), Heading("t", whole=True)],
            [(HOSTILE, 1, HOSTILE)],
            caption=HOSTILE,
        ),
        pairs([(HOSTILE, HOSTILE)]),
        entries([(HOSTILE, HOSTILE, HOSTILE)], caption=HOSTILE),
        figures([(HOSTILE, HOSTILE, HOSTILE), ("plain", 1, "")]),
        remarks([Remark(HOSTILE, HOSTILE, kind) for kind in ("warning", "note", "next")]),
        code(HOSTILE),
        sparkline([1, 2], label=HOSTILE),
        element("p", title=HOSTILE, cls=None),
        HOSTILE,
        aside=HOSTILE,
    )
    read = Reader(page)
    assert "script" not in read.tags
    assert not [name for name, _ in read.attributes if name.startswith("on") or name in {"href", "src"}]
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page


def test_what_has_nothing_to_say_is_empty() -> None:
    assert remarks([]) == sparkline([], label="x") == sparkline([5], label="x") == ""
    assert blocks([]) == ""
    assert aligned([]) == []
    assert isinstance(remarks([]), Html)


def test_a_table_has_headings_for_rows_and_columns() -> None:
    page = table([Heading("name"), Heading("value", number=True)], [("fees", "$9")], label="figures")
    assert '<th scope="col">name</th><th scope="col" class="kp-n">value</th>' in page
    assert '<th scope="row">fees</th><td class="kp-n">$9</td>' in page
    assert 'aria-label="figures"' in page


@given(st.lists(st.integers(-(10**12), 10**12), max_size=700), st.integers(4, 150))
def test_picked_points_are_few_of_the_series_in_order_with_its_ends_and_extremes(values: list[int], most: int) -> None:
    chosen = pick(values, most)
    assert chosen == sorted(set(chosen))
    assert len(chosen) <= max(most, 0)
    if values:
        shown = [values[number] for number in chosen]
        assert (chosen[0], chosen[-1]) == (0, len(values) - 1)
        assert (min(shown), max(shown)) == (min(values), max(values))


def test_the_line_has_at_most_120_points_a_title_and_the_colour_of_the_text() -> None:
    values = [Decimal(number * (-1) ** number) for number in range(1000)]
    picture = sparkline(values, label="the words for it")
    paths = re.findall(r'd="([^"]*)"', picture)
    assert max(path.count("L") + 1 for path in paths) <= 122  # the area has two corners more
    assert 'role="img" aria-label="the words for it"' in picture
    assert "<title>the words for it</title>" in picture
    assert set(re.findall(r'(?:stroke|fill)="([^"]*)"', picture)) == {"currentColor", "none"}
    assert "http" not in picture


def test_a_line_stays_within_its_picture_and_shows_where_zero_is() -> None:
    for values in ([5, 5, 5], [0, 0], [-3, -9], [1, -1], [Decimal("0.000001"), Decimal("-0.000002")]):
        picture = sparkline(values, label="x")
        heights = [float(y) for y in re.findall(r"[ML][0-9.]+ ([0-9.]+)", picture)]
        assert all(0 <= height <= 64 for height in heights)
        assert "stroke-dasharray" in picture


def test_blocks_rise_with_the_series() -> None:
    assert blocks([3, 3]) == "▁▁"
    assert blocks(range(100), width=8) == "▁▂▃▄▅▆▇█"
    assert blocks([Decimal(0), Decimal(-7)]) == "█▁"


def test_amounts_have_a_sign_and_a_tone_only_where_it_shows() -> None:
    cases = [(Decimal("0.4"), "$0.00", ""), (Decimal("-0.5"), "$0.00", ""), (Decimal("-0.51"), "-$0.01", "loss")]
    for cents, text, feeling in [*cases, (1, "+$0.01", "gain"), (None, "unknown", "")]:
        assert dollars(cents, signed=True) == text
        assert tone(cents) == feeling
    assert (percent(1), percent(None)) == ("100.0%", "unknown")
    assert ago(timedelta(hours=25)) == "1 day ago"
