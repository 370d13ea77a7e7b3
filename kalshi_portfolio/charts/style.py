"""The look of all charts: one palette, one configuration, in the colours of the page around them.

A chart does not know whether it will stand on a light or a dark page, and no grey can be read well enough (4.5 to 1) on
both white and JupyterLab's black. So text, axes and grid take ``currentColor``, the page's own, on a transparent
ground; the marks are mid-tones with at least 3 to 1 on either.
"""

from __future__ import annotations

from typing import Any

INK = "currentColor"
GAIN, LOSS = "#0072B2", "#E8650A"
"""Blue and orange, which are told apart with any kind of sight; red and green are not."""

REST = "#757575"
GROUPS = (GAIN, LOSS, "#00A388", "#C77AB8", "#8A6A00")
"""The colours of groups, in order; all further groups together are :data:`REST`."""

SIDES = {"buy": GAIN, "sell": LOSS, "settlement": "#00A388"}

WIDTH, HEIGHT = 680, 280
"""The size of a chart's inner part in pixels: a notebook's column is about 800 wide, labels included."""

_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

CONFIG: dict[str, Any] = {
    "background": "transparent",
    "font": _FONT,
    "view": {"stroke": None},
    "title": {
        "anchor": "start",
        "frame": "group",
        "color": INK,
        "fontSize": 15,
        "fontWeight": 600,
        "subtitleColor": INK,
        "subtitleFontSize": 12,
        "subtitlePadding": 5,
        "lineHeight": 18,
        "subtitleLineHeight": 16,
        "offset": 14,
        "limit": WIDTH,
    },
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "gridColor": INK,
        "gridOpacity": 0.13,
        "domainColor": INK,
        "domainOpacity": 0.35,
        "tickColor": INK,
        "tickOpacity": 0.35,
        "labelFontSize": 11,
        "labelPadding": 5,
        "labelLimit": 200,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
    },
    "legend": {
        "labelColor": INK,
        "titleColor": INK,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "labelLimit": 190,
        "orient": "bottom",
        "direction": "horizontal",
        "columns": 3,
        "symbolStrokeWidth": 0,
        "offset": 12,
    },
    "header": {
        "labelColor": INK,
        "labelFontSize": 12,
        "labelFontWeight": 600,
        "labelAngle": 0,
        "labelAlign": "right",
    },
}
