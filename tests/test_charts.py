"""Charts: they say what the frames say, are read by everybody, carry their data, and a title stays text."""

from __future__ import annotations

import base64
import itertools
import json
import math
import re
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl
import pytest
import vl_convert
from ledger_rows import START, fills, market, markets, settled

from kalshi_portfolio import charts
from kalshi_portfolio import pnl as profit
from kalshi_portfolio.charts.canvas import MIME, SCHEMA
from kalshi_portfolio.charts.style import CONFIG, GAIN, GROUPS, INK, LOSS, REST, SIDES
from kalshi_portfolio.ledger import Linked, link
from kalshi_portfolio.schema import LOTS, MARKETS, POSITIONS, TRADES, TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOSTILE = "</script><script>alert('x')</script> =cmd() <!-- " + "Will a long question be cut? " * 8
LIGHT, DARK, DARKER = "#ffffff", "#1e1e1e", "#111111"
"""The grounds of JupyterLab and VS Code."""

Chart = alt.TopLevelMixin


def account() -> tuple[Linked, pl.DataFrame]:
    """Give an account of three markets and two subaccounts, over two months, one of them settled."""
    rows = ["T yes 10 40", "T yes 5 20", "T no 12 50", "U yes 10 60", "U no 10 45", "V no 3.5 70", "V yes 1 35"]
    days = [0, 1, 20, 21, 40, 41, 45]
    times = pl.Series("executed_at", [START + timedelta(days=day, hours=day) for day in days]).dt.cast_time_unit("us")
    traded = fills(*rows).with_columns(times, subaccount=pl.Series([0, 0, 0, 0, 0, 1, 0], dtype=pl.Int32))
    known = markets(
        market("T", title=HOSTILE, category="Sports"),
        market("U", title="U?", category=HOSTILE),
        market("V", title="V?"),
    )
    return link(traded, settled("T yes"), None, known), known


def every_chart(result: Linked, known: pl.DataFrame, **said: Any) -> dict[str, Chart]:
    """Draw every chart there is of an account."""
    lots = result.lots
    course = profit.equity(lots, TRANSFERS.empty(), freq="1w")
    days = profit.calendar(profit.pnl(lots, known, freq="1d"))
    by_ticker = profit.ranked(profit.pnl(lots, known, by="ticker"), "ticker")
    titled = by_ticker.join(known.select("ticker", "title"), on="ticker", how="left", maintain_order="left")
    by_category = profit.ranked(profit.pnl(lots, known, by=["category", "side"]), ["category", "side"])
    monthly = profit.stacked(profit.pnl(lots, known, freq="1mo"), (), "1mo")
    stacked = profit.stacked(profit.pnl(lots, known, by="category", freq="1mo"), "category", "1mo")
    paid = profit.stacked(profit.pnl(lots, known, freq="1w"), (), "1w", value="fee_cents")
    mine = pl.col("ticker") == "T"
    path = profit.path(result.trades.filter(mine), lots.filter(mine))
    both = pl.col("ticker") == "V"
    several = profit.path(result.trades.filter(both), lots.filter(both), most=1)
    return {
        "equity": charts.equity(course, freq="1w", **said),
        "drawdown": charts.drawdown(course, freq="1w", **said),
        "calendar": charts.calendar(days, **said),
        "bars": charts.bars(titled, by="ticker", **said),
        "bars of two columns": charts.bars(by_category, by=["category", "side"], **said),
        "periods": charts.periods(monthly, freq="1mo", **said),
        "stacked periods": charts.periods(stacked, freq="1mo", by="category", **said),
        "fees": charts.fees(paid, freq="1w", **said),
        "distribution": charts.distribution(profit.histogram(result.positions), **said),
        "exposure": charts.exposure(profit.exposure(lots, known), freq="1d", **said),
        "exposure by category": charts.exposure(
            profit.exposure(lots, known, by="category"), freq="1d", by="category", **said
        ),
        "position": charts.position(path, ticker="T", title=HOSTILE, net_cents="12.5", **said),
        "position of several": charts.position(several, ticker="V", tz="America/New_York", **said),
    }


DRAWN = every_chart(*account(), unknown=12)
NAMES = sorted(DRAWN)


def spec(chart: Chart) -> dict[str, Any]:
    found: dict[str, Any] = chart.to_dict()
    return found


def bundle(chart: Chart) -> dict[str, Any]:
    """Give what a notebook gets."""
    found: Any = chart._repr_mimebundle_()
    return found[0] if isinstance(found, tuple) else found  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def again() -> dict[str, Chart]:
    """Give the same charts, made once more."""
    return every_chart(*account(), unknown=12)


@pytest.fixture(scope="module")
def complete() -> dict[str, Chart]:
    """Give the charts of an account of which everything is known."""
    return every_chart(*account())


def values(part: Any) -> list[dict[str, Any]]:
    """Give all rows of data in a chart."""
    return [row for rows in part.get("datasets", {}).values() for row in rows]


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


# How colours look to the colour-blind (Machado, Oliveira and Fernandes 2009, full strength), on linear RGB.
SIGHT = {
    "deuteranopia": ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969)),
    "protanopia": ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052)),
    "tritanopia": ((1.256, -0.077, -0.179), (-0.078, 0.931, 0.148), (0.005, 0.691, 0.304)),
}


def seen(colour: str, sight: str) -> tuple[float, float, float]:
    """Give a colour as somebody sees it, in a space where distances are differences (Oklab)."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    r, g, b = (max(sum(m * c for m, c in zip(row, linear, strict=True)), 0.0) for row in SIGHT[sight])
    p = (0.4122 * r + 0.5363 * g + 0.0514 * b) ** (1 / 3)
    q = (0.2119 * r + 0.6807 * g + 0.1074 * b) ** (1 / 3)
    s = (0.0883 * r + 0.2817 * g + 0.6300 * b) ** (1 / 3)
    return (
        0.2105 * p + 0.7936 * q - 0.0041 * s,
        1.978 * p - 2.4286 * q + 0.4506 * s,
        0.0259 * p + 0.7828 * q - 0.8087 * s,
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_chart_is_drawn_without_a_network_by_vega_lite_5_and_6(name: str) -> None:
    plain = DRAWN[name].to_json()
    assert "http" not in re.sub(r'"\$schema": "[^"]*"', "", plain)
    for version in ("5.8", "6.4"):
        picture = vl_convert.vegalite_to_svg(plain, vl_version=version, allowed_base_urls=[])
        assert "undefined" not in picture
        assert "NaN" not in picture


@pytest.mark.parametrize("name", NAMES)
def test_the_same_frame_gives_the_same_chart(name: str, again: dict[str, Chart]) -> None:
    assert again[name].to_json() == DRAWN[name].to_json() == DRAWN[name].to_json()


@pytest.mark.parametrize("name", NAMES)
def test_every_chart_has_a_title_a_description_and_says_what_is_left_out(name: str) -> None:
    found = spec(DRAWN[name])
    said = " ".join([found["title"]["text"], *found["title"]["subtitle"]])
    assert "12 " in said
    assert "left out" in said
    assert len(found["description"].split()) > 8
    assert "left out" in found["description"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_unknown_is_not_mentioned_where_nothing_is(name: str, complete: dict[str, Chart]) -> None:
    found = spec(complete[name])
    assert "left out" not in json.dumps([found["title"], found["description"]])


@pytest.mark.parametrize("name", NAMES)
def test_a_title_stays_text(name: str) -> None:
    plain = DRAWN[name].to_json()
    assert "</script" not in plain
    assert "<!--" not in plain
    picture = charts.svg(DRAWN[name])
    assert "<script" not in picture
    harmless = alt.Chart(alt.InlineData(values=[])).mark_point().to_html()
    assert DRAWN[name].to_html().count("</script>") == harmless.count("</script>")


def test_a_hostile_title_is_shown_as_it_is() -> None:
    picture = charts.svg(DRAWN["position"])
    assert "&lt;script&gt;alert(" in picture
    rows = [row for row in values(spec(DRAWN["bars"])) if row.get("ticker") == "T"]
    assert rows[0]["title"].replace("\u2060", "") == HOSTILE


def test_a_long_title_is_cut_in_a_label_and_whole_in_the_tooltip() -> None:
    picture = charts.svg(DRAWN["bars of two columns"])
    labels = re.findall(r">([^<>]*alert[^<>]*)</text>", picture)
    assert labels
    assert all(label.endswith("…") for label in labels)
    assert any(
        HOSTILE in row["label"].replace("\u2060", "")
        for row in values(spec(DRAWN["bars of two columns"]))
        if "label" in row
    )


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_gets_vega_lite_5_and_no_html(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "a.ipynb")
    found = bundle(DRAWN[name])
    assert set(found) == {MIME, "text/plain"}
    assert found[MIME]["$schema"] == SCHEMA
    assert found[MIME]["usermeta"]["embedOptions"]["renderer"] == "svg"
    assert found["text/plain"] == spec(DRAWN[name])["description"]


def test_elsewhere_a_png_comes_along(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert base64.b64decode(bundle(DRAWN["equity"])["image/png"])[1:4] == b"PNG"
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    assert "image/png" not in bundle(DRAWN["equity"])


def test_whoever_has_chosen_a_renderer_gets_it() -> None:
    with alt.renderers.enable("json"):
        assert "application/json" in bundle(DRAWN["equity"])


@pytest.mark.parametrize("name", NAMES)
def test_restyling_keeps_the_way_of_showing(name: str) -> None:
    restyled: Any = DRAWN[name]
    restyled = restyled.properties(title="Mine").configure_axis(labelFontSize=20)
    assert MIME in bundle(restyled)
    assert spec(restyled)["title"] == "Mine"


@pytest.mark.parametrize("name", NAMES)
def test_charts_can_be_put_together(name: str) -> None:
    one: Any = DRAWN[name]
    other: Any = DRAWN["periods"]
    for both in (one | other, one & other, alt.hconcat(one, other)):
        assert "<svg" in vl_convert.vegalite_to_svg(both.to_json())
    beside = one | other
    assert spec(beside)["config"]["axis"]["labelColor"] == INK
    assert MIME in bundle(beside)


def test_what_people_configure_wins_and_the_rest_of_the_look_stays() -> None:
    chart: Any = DRAWN["equity"]
    axis = spec(chart.configure_axis(labelColor="red"))["config"]["axis"]
    assert (axis["labelColor"], axis["titleColor"]) == ("red", INK)
    assert spec(chart.configure(background="black"))["config"]["background"] == "black"
    assert spec(chart)["config"]["background"] == "transparent"


def test_whoever_has_enabled_a_theme_gets_it() -> None:
    with alt.theme.enable("dark"):
        found = spec(DRAWN["equity"])
    assert found["usermeta"]["embedOptions"] == {"theme": "dark", "renderer": "svg"}
    assert "axis" not in found["config"]


def test_a_layer_can_be_added() -> None:
    chart: Any = DRAWN["equity"]
    line = alt.Chart(alt.InlineData(values=[{"y": 100}])).mark_rule().encode(y="y:Q")
    assert MIME in bundle(chart + line)


def test_nothing_of_altair_is_changed_for_others() -> None:
    assert alt.renderers.active == "default"
    assert alt.theme.active == "default"
    assert "text/html" in bundle(alt.Chart(alt.InlineData(values=[])).mark_point())


@pytest.mark.parametrize("limit", [alt.data_transformers.options.get("max_rows"), 1])
def test_no_row_limit_and_no_data_transformer_matters(limit: int | None, tmp_path: Path) -> None:
    with alt.data_transformers.enable("json", prefix=str(tmp_path / "data")):
        plain = every_chart(*account(), unknown=12)["calendar"].to_json()
    with alt.data_transformers.enable("default", max_rows=limit or 1):
        assert every_chart(*account(), unknown=12)["calendar"].to_json() == plain == DRAWN["calendar"].to_json()
    assert list(tmp_path.iterdir()) == []


EMPTY: dict[str, Callable[..., Chart]] = {
    "equity": lambda **said: charts.equity(profit.equity(LOTS.empty(), TRANSFERS.empty()), freq="1d", **said),
    "drawdown": lambda **said: charts.drawdown(profit.equity(LOTS.empty(), TRANSFERS.empty()), freq="1d", **said),
    "calendar": lambda **said: charts.calendar(
        profit.calendar(profit.pnl(LOTS.empty(), MARKETS.empty(), freq="1d")), **said
    ),
    "bars": lambda **said: charts.bars(
        profit.ranked(profit.pnl(LOTS.empty(), MARKETS.empty(), by="side"), "side"), by="side", **said
    ),
    "periods": lambda **said: charts.periods(
        profit.stacked(profit.pnl(LOTS.empty(), MARKETS.empty(), freq="1d"), (), "1d"), freq="1d", **said
    ),
    "fees": lambda **said: charts.fees(
        profit.stacked(profit.pnl(LOTS.empty(), MARKETS.empty(), freq="1d"), (), "1d"), freq="1d", **said
    ),
    "distribution": lambda **said: charts.distribution(profit.histogram(POSITIONS.empty()), **said),
    "exposure": lambda **said: charts.exposure(profit.exposure(LOTS.empty(), MARKETS.empty()), freq="1d", **said),
    "position": lambda **said: charts.position(profit.path(TRADES.empty(), LOTS.empty()), ticker="T", **said),
}


@pytest.mark.parametrize("name", sorted(EMPTY))
def test_an_empty_chart_says_what_to_do(name: str) -> None:
    assert charts.NOTHING in charts.svg(EMPTY[name]())
    chart = EMPTY[name](hint="Widen it.")
    assert "Widen it." in charts.svg(chart)
    assert spec(chart)["description"].endswith("an empty chart. Widen it.")


@pytest.mark.parametrize("name", sorted(EMPTY.keys() - {"position"}))
def test_an_empty_chart_says_what_is_left_out(name: str) -> None:
    found = spec(EMPTY[name](unknown=3))
    assert "without a known P&L are left out" in found["title"]["subtitle"][0]
    assert "3 " in found["description"]


def test_marks_are_seen_on_every_ground() -> None:
    for colour, ground in itertools.product({*GROUPS, REST, *SIDES.values()}, (LIGHT, DARK, DARKER)):
        assert contrast(colour, ground) >= 3, (colour, ground)


def test_no_grey_could_be_read_on_all_grounds_so_text_takes_the_pages_colour() -> None:
    greys = [f"#{level:02x}{level:02x}{level:02x}" for level in range(256)]
    assert not [grey for grey in greys if min(contrast(grey, ground) for ground in (LIGHT, DARK, DARKER)) >= 4.5]
    inks = re.findall(r'"(?:\w*[cC]olor)": "([^"]+)"', json.dumps(CONFIG))
    assert set(inks) == {INK} == {"currentColor"}
    assert not re.findall(r'"\w*[oO]pacity"', json.dumps({k: v for k, v in CONFIG.items() if k in ("title", "legend")}))


@pytest.mark.parametrize("sight", sorted(SIGHT))
def test_gain_and_loss_and_groups_differ_with_any_sight(sight: str) -> None:
    assert math.dist(seen(GAIN, sight), seen(LOSS, sight)) > 0.15
    for one, other in itertools.combinations([*GROUPS, REST], 2):
        assert math.dist(seen(one, sight), seen(other, sight)) > 0.05, (one, other)


def test_a_picture_of_its_own_is_dark_on_light() -> None:
    alone = charts.svg(DRAWN["equity"], background="white")
    assert "currentColor" not in alone
    assert 'fill="white"' in alone
    assert "currentColor" in charts.svg(DRAWN["equity"])


def test_a_saved_picture_has_a_ground_and_a_chosen_one_stays(tmp_path: Path) -> None:
    chart: Any = DRAWN["fees"]
    chart.save(tmp_path / "a.svg")
    chart.properties(background="#fafafa").save(tmp_path / "b.svg")
    chart.save(str(tmp_path / "c.json"))
    assert 'fill="white"' in (tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "#fafafa" in (tmp_path / "b.svg").read_text(encoding="utf-8")
    assert "background" not in json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))


def test_the_figures_are_those_of_the_frame() -> None:
    result, known = account()
    frame = profit.equity(result.lots, TRANSFERS.empty(), freq="1w")
    shown = [row["cumulative_net_pnl_dollars"] for row in values(spec(DRAWN["equity"])) if "until" in row]
    assert shown == [float(cents) / 100 for cents in frame["cumulative_net_pnl_cents"]]
    days = profit.pnl(result.lots, known, freq="1d")
    cells = {row["when"]: row["net_pnl_dollars"] for row in values(spec(DRAWN["calendar"])) if "net_pnl_dollars" in row}
    known_days = days.select(pl.col("period").dt.strftime("%a %-d %b %Y"), "net_pnl_cents").rows()
    assert cells == {day: float(cents) / 100 for day, cents in known_days}


def test_a_day_without_a_known_figure_has_none_in_the_calendar() -> None:
    lots = link(fills("T yes 10 40 -", "T no 10 50 1")).lots
    chart = charts.calendar(profit.calendar(profit.pnl(lots, MARKETS.empty(), freq="1d")), unknown=1)
    (row,) = (row for row in values(spec(chart)) if "weekday" in row)
    assert "net_pnl_dollars" not in row
    assert row["unknown_lots"] == 1
    assert ">?</text>" in charts.svg(chart)


def test_prices_are_in_cents_and_the_sides_in_words() -> None:
    rows = [row for row in values(spec(DRAWN["position"])) if "price" in row]
    assert [(row["what"], row["price"], row["shown"]) for row in rows] == [
        ("buy YES", "40¢", 40), ("buy YES", "20¢", 20), ("sell YES", "50¢", 50), ("settlement YES", "100¢", 100),
    ]  # fmt: skip
    assert [row["gain"] for row in rows] == ["–", "–", "$1.60", "$2.40"]  # noqa: RUF001  (as in print)
    assert "$0.12" in spec(DRAWN["position"])["title"]["subtitle"][0]
    held = [row["words"] for row in values(spec(DRAWN["position"])) if "held" in row]
    assert held == ["10 YES", "15 YES", "3 YES", "nothing"]


def test_what_is_put_together_is_said() -> None:
    said = " ".join(spec(DRAWN["position of several"])["title"]["subtitle"])
    assert "Each point is the average of one" in said
    assert "2 subaccounts, held apart" in said


def test_the_rest_is_one_grey_bar_that_says_how_many() -> None:
    rows = [row for n in range(40) for row in (f"T{n:02} yes 10 40", f"T{n:02} no 10 {50 + n % 20}")]
    table = profit.pnl(link(fills(*rows)).lots, MARKETS.empty(), by="ticker")
    found = spec(charts.bars(profit.ranked(table, "ticker", best=3, worst=3), by="ticker"))
    labels = [row["label"] for row in values(found) if "label" in row]
    assert len(labels) == 7
    assert labels[3] == "other (34)"
    colours = found["layer"][0]["encoding"]["color"]["scale"]
    assert dict(zip(colours["domain"], colours["range"], strict=True)) == {"gain": GAIN, "loss": LOSS, "rest": REST}
    assert [row["sign"] for row in values(found) if "label" in row] == ["gain"] * 3 + ["rest"] + ["loss"] * 3
    assert "34 others summed up" in found["title"]["subtitle"][0]


@pytest.mark.parametrize(
    ("minutes", "days"), [(1, 0), (100, 0), (0, 1), (0, 5), (0, 20), (0, 200), (0, 900), (0, 4000)]
)
def test_a_path_of_any_length_has_an_axis_with_labels(minutes: int, days: int) -> None:
    times = [START, START + timedelta(days=days, minutes=minutes)]
    traded = fills("T yes 10 40", "T no 10 50").with_columns(pl.Series("executed_at", times).dt.cast_time_unit("us"))
    result = link(traded)
    picture = charts.svg(charts.position(profit.path(result.trades, result.lots), ticker="T"))
    assert re.search(r">(\d\d:\d\d(:\d\d)?|\d+ [A-Z][a-z]+( \d\d:\d\d)?|[A-Z][a-z]+ \d{4}|\d{4})</text>", picture)


def test_the_package_is_imported_without_altair() -> None:
    code = "import sys, kalshi_portfolio as kp; print('altair' in sys.modules, 'vl_convert' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    assert done.stdout.split() == ["False", "False"]
