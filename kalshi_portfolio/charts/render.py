"""Static pictures of charts, made without a network and without a browser."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    import altair as alt

_INK = "#1f1f1f"


def svg(chart: alt.TopLevelMixin, *, background: str | None = None) -> str:
    """Draw a chart as SVG.

    Args:
        chart: One of our charts.
        background: A light colour for a picture that stands alone, such as ``"white"``; the text is then dark.
            Without it the ground is transparent, and the text takes the colour of the page around the SVG.

    Returns:
        The text of the SVG.

    Examples:
        >>> from kalshi_portfolio import charts, pnl
        >>> from kalshi_portfolio.schema import LOTS, TRANSFERS
        >>> svg(charts.equity(pnl.equity(LOTS.empty(), TRANSFERS.empty()), freq="1d"))[:4]
        '<svg'
    """
    return drawn(_spec(chart, background))


def drawn(spec: dict[str, Any]) -> str:
    """Draw the specification of a chart as SVG; a report draws the same one wide and narrow."""
    import vl_convert  # noqa: PLC0415  (slow, and a notebook draws charts itself)

    return vl_convert.vegalite_to_svg(spec)


@contextmanager
def unchecked() -> Iterator[None]:
    """Let charts be made without checking each part against the schema of Vega-Lite.

    The tests of the charts check them; where many are made at once, the check costs a quarter of the time.
    """
    from altair.utils import schemapi  # noqa: PLC0415  (loads Altair)

    with schemapi.debug_mode(False):  # noqa: FBT003  (its only argument)
        yield


def png(chart: alt.TopLevelMixin, *, scale: float = 1.5, background: str = "white") -> bytes:
    """Draw a chart as PNG, dark on a light ground.

    Args:
        chart: One of our charts.
        scale: Pixels per unit; 2 for dense screens and print.
        background: A light colour.

    Returns:
        The bytes of the PNG.

    Examples:
        >>> from kalshi_portfolio import charts, pnl
        >>> from kalshi_portfolio.schema import LOTS, TRANSFERS
        >>> png(charts.equity(pnl.equity(LOTS.empty(), TRANSFERS.empty()), freq="1d"))[1:4]
        b'PNG'
    """
    import vl_convert  # noqa: PLC0415  (as above)

    return vl_convert.vegalite_to_png(_spec(chart, background), scale=scale)


def _spec(chart: alt.TopLevelMixin, background: str | None) -> dict[str, Any]:
    spec: dict[str, Any] = chart.to_dict()
    if background is None:
        return spec
    dark: dict[str, Any] = _inked(spec)
    return {**dark, "background": background}


def _inked(part: Any) -> Any:
    """Replace the page's colour, which a picture that stands alone does not have. Data keep what they say."""
    if isinstance(part, dict):
        return {name: value if name in {"datasets", "data"} else _inked(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_inked(value) for value in part]
    return _INK if part == "currentColor" else part
