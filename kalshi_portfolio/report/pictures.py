"""Charts as pictures in the page: drawn once for wide places and once for phones, with words for both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from kalshi_portfolio.display import Html, element

if TYPE_CHECKING:
    from collections.abc import Iterator

    import altair as alt

_NARROW = 280
"""The inner width of a chart for a phone, in pixels; the axis beside it needs some 50 more."""
_NARROW_BARS = 200
_NARROW_LABELS = 118
_BETWEEN = 24
"""Room between the words of a legend, which are wider where another font stands in for ours."""
_CLIP = re.compile(r'(?<=id=")clip[0-9]+(?=")|(?<=url\(#)clip[0-9]+(?=\))')
_NAMESPACES = re.compile(r' xmlns(?::xlink)?="[^"]*"')


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, drawn.

    Attributes:
        title: What it shows.
        notes: What is said below the title.
        alternative: The whole in words, for those who do not see it.
        drawings: The SVG, for wide places and, unless it only scrolls there, for narrow ones.
        tall: Whether its height grows with what it shows.
    """

    title: str
    notes: tuple[str, ...]
    alternative: str
    drawings: tuple[Html, ...]
    tall: bool = False

    def figure(self) -> Html:
        """Give the picture with its words as a figure."""
        kinds = ("wide", "narrow") if len(self.drawings) > 1 else ("sliding",)
        drawn = (
            element(
                "div",
                element("div", drawing, role="img", aria_label=self.alternative),
                cls=f"chart {kind}{' tall' if self.tall else ''}",
                **({"tabindex": "0", "role": "region", "aria_label": self.title} if kind == "sliding" else {}),
            )
            for kind, drawing in zip(kinds, self.drawings, strict=True)
        )
        head = element("figcaption", element("h3", self.title), *(element("p", note) for note in self.notes))
        return element("figure", head, *drawn)


class Easel:
    """Draws charts. The names inside the SVG of one page are numbered, so that no two drawings share one.

    Examples:
        >>> from kalshi_portfolio import charts, pnl
        >>> from kalshi_portfolio.schema import POSITIONS
        >>> picture = Easel().draw(charts.distribution(pnl.histogram(POSITIONS.empty())))
        >>> picture.title, len(picture.drawings)
        ('Outcomes of positions', 2)
    """

    def __init__(self) -> None:
        self._clips = count(1)

    def draw(self, chart: alt.TopLevelMixin, *, slides: bool = False) -> Picture:
        """Draw a chart.

        Args:
            chart: One of our charts.
            slides: Whether a narrow place shows the wide drawing and lets it slide sideways.
        """
        spec: dict[str, Any] = chart.to_dict(validate=False)  # see unchecked()
        title = spec.pop("title")
        _drop_pointers(spec)
        spec["config"] = {**spec["config"], "legend": {**spec["config"]["legend"], "columnPadding": _BETWEEN}}
        drawings = [self._svg(spec)]
        if not slides:
            drawings.append(self._svg(_narrow(spec)))
        notes = tuple(title.get("subtitle", ()))
        return Picture(title["text"], notes, spec["description"], tuple(drawings), slides or _horizontal(spec))

    def _svg(self, spec: dict[str, Any]) -> Html:
        from kalshi_portfolio.charts.render import drawn  # noqa: PLC0415  (loads Altair)

        svg = drawn(spec)
        names = dict(self._renamed(svg))
        return Html(_NAMESPACES.sub("", _CLIP.sub(lambda found: names[found[0]], svg), count=2))

    def _renamed(self, svg: str) -> Iterator[tuple[str, str]]:
        """Number the clip paths of a drawing on: the converter counts them through all that a process draws."""
        for name in dict.fromkeys(_CLIP.findall(svg)):
            yield name, f"c{next(self._clips)}"


def _drop_pointers(spec: dict[str, Any]) -> None:
    """Take away what only answers a pointer: a printed page has none."""
    views = {view for parameter in spec.pop("params", []) for view in parameter.get("views", [])}
    if "layer" in spec:
        spec["layer"] = [layer for layer in spec["layer"] if layer.get("name") not in views]


def _horizontal(spec: dict[str, Any]) -> bool:
    """Whether a chart has horizontal bars: its height is so much for each."""
    return isinstance(spec.get("height"), dict)


def _narrow(spec: dict[str, Any]) -> dict[str, Any]:
    """Give the same chart for a phone: the letters stay as large as they are."""
    config = spec["config"]
    axis = {**config["axis"], "labelLimit": _NARROW_LABELS}
    legend = {**config["legend"], "columns": 2, "labelLimit": _NARROW_LABELS}
    if _horizontal(spec):
        spec = {**spec, "layer": [_few_ticks(layer) for layer in spec["layer"]]}
    width = _NARROW_BARS if _horizontal(spec) else _NARROW
    return {**spec, "width": width, "config": {**config, "axis": axis, "legend": legend}}


def _few_ticks(layer: dict[str, Any]) -> dict[str, Any]:
    """Give a layer with few ticks on its horizontal axis, if it has one of its own."""
    x = layer["encoding"]["x"]
    if "axis" not in x:
        return layer
    return {**layer, "encoding": {**layer["encoding"], "x": {**x, "axis": {**x["axis"], "tickCount": 2}}}}
