"""The chart objects: Altair's own, but for how they show themselves in a notebook.

Altair's default is HTML that loads scripts from a network, and that a title with ``</script>`` in it can break out of.
Its ``mimetype`` renderer says ``application/vnd.vegalite.v6.json``, which JupyterLab (4.6: Vega-Lite 5) does not know.
So our charts say ``application/vnd.vegalite.v5+json``, which JupyterLab, Notebook 7 and VS Code draw with what they
have on board, and keep to what Vega-Lite 5 knows. Where no Jupyter server is seen, a PNG comes along for all
other places; it costs most of a second the first time, and JupyterLab stores a PNG of its own anyway.

Whoever has chosen a renderer (``alt.renderers.enable("svg")``) gets it. The classes survive ``properties`` and
``configure``, which make copies. Nothing of Altair is changed for other charts.
"""

from __future__ import annotations

import importlib.util
from base64 import b64encode
from typing import Any

import altair as alt

from kalshi_portfolio.charts.render import png
from kalshi_portfolio.charts.style import CONFIG
from kalshi_portfolio.settings import in_jupyter_server

MIME = "application/vnd.vegalite.v5+json"
SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"

_ACCESSIBLE = {"embedOptions": {"renderer": "svg"}}
"""SVG follows the page's colour, can be read aloud and stays sharp; the spec carries this wish with it."""


class Shown(alt.TopLevelMixin):
    """What our charts have in place of Altair's way of showing.

    The look is added when a chart becomes a specification, under what people configure, and not at all where they have
    enabled a theme: a chart that had it inside could not be put beside another one.
    """

    def to_dict(self, *args: Any, context: Any = None, **kwargs: Any) -> dict[str, Any]:
        """Give the Vega-Lite specification, with our look where nothing else was asked for."""
        spec: dict[str, Any] = super().to_dict(*args, context=context, **kwargs)
        if "$schema" in spec:  # else it is a part of another chart
            spec["usermeta"] = _under(spec.get("usermeta", {}), _ACCESSIBLE)
            if alt.theme.active == "default":
                spec["config"] = _under(spec.get("config", {}), CONFIG)
        return spec

    def __or__(self, other: Any) -> Beside:
        this: Any = self
        return Beside(hconcat=[this, other])

    def __and__(self, other: Any) -> Stacked:
        this: Any = self
        return Stacked(vconcat=[this, other])

    def _repr_mimebundle_(self, *args: Any, **kwargs: Any) -> Any:
        if alt.renderers.active != "default":
            return super()._repr_mimebundle_(*args, **kwargs)
        spec = self.to_dict()
        words = str(spec.get("description", "A chart."))
        bundle: dict[str, Any] = {MIME: {**spec, "$schema": SCHEMA}, "text/plain": words}
        if not in_jupyter_server() and importlib.util.find_spec("vl_convert") is not None:
            bundle["image/png"] = b64encode(png(self)).decode()
        return bundle

    def save(self, fp: Any, format: Any = None, **options: Any) -> None:  # type: ignore[override]  # noqa: A002
        """Save the chart, as Altair does; a picture stands alone, so it gets a white ground unless it has one."""
        this: Any = self
        kind = str(format or str(fp).rpartition(".")[2]).lower()
        if kind in {"png", "svg", "pdf"} and getattr(this, "background", alt.Undefined) is alt.Undefined:
            this = this.properties(background="white")
        super(Shown, this).save(fp, format, **options)


class Layered(Shown, alt.LayerChart):
    """A chart of layers."""


class Stacked(Shown, alt.VConcatChart):
    """Charts one below the other."""


class Beside(Shown, alt.HConcatChart):
    """Charts side by side."""


class Faceted(Shown, alt.FacetChart):
    """A chart repeated for each part of the data."""


def dressed(title: str, subtitle: list[str], description: str) -> dict[str, Any]:
    """Give the words at the top of a chart, and those in place of it."""
    return {
        "title": alt.TitleParams(title, subtitle=[line for line in subtitle if line]),
        "description": description,
    }


def _under(asked: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Lay our configuration under the one that was asked for."""
    both = {
        name: _under(asked[name], value) if isinstance(value, dict) and isinstance(asked.get(name), dict) else value
        for name, value in ours.items()
        if name not in asked or isinstance(asked[name], dict)
    }
    return {**asked, **both}
