"""Titles come from outside: in a terminal, a notebook, CSV or a message they are text and never do anything."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from sync_world import Unruly, connect, sync

import kalshi_portfolio as kp
from kalshi_portfolio.cli import run
from kalshi_portfolio.cli.app import COMMANDS
from kalshi_portfolio.errors import ApiError, KalshiPortfolioError
from kalshi_portfolio.simulation import SimulatedExchange

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOSTILE = {
    "title": "=cmd|' /C calc'!A1<script>alert(1)</script>\x1b[2J\x1b]0;owned\x07\r\n[red]x[/red] {{7*7}} \u202eexe.",
    "yes_sub_title": '"><img src=x onerror=alert(1)>\x9b31m',
    "no_sub_title": "@SUM(1)</td></table><marquee>\x00",
    "category": "+1<svg/onload=alert(1)>\x1b]8;;http://evil.example\x1b\\link",
    "event_title": "-1 & \u2028 javascript:alert(1)",
    "market_type": "\tbinary<style>*{display:none}</style>",
}
# What moves a cursor, rings, turns the direction of writing or hides letters, in either set of controls.
STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
SAFE_TAGS = re.compile(r"[a-z][a-z0-9]*")
NEVER = {"script", "img", "iframe", "object", "embed", "link", "meta", "form", "base", "marquee"}


def spoil(_: str, body: dict[str, Any]) -> None:
    """Put hostile text wherever the exchange has words for people."""
    for value in (*body.values(), [body.get("series"), body.get("event"), body.get("market")]):
        for row in value if isinstance(value, list) else []:
            if isinstance(row, dict):
                row.update({key: text for key, text in HOSTILE.items() if key in row})


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a data folder full of such titles."""
    folder = tmp_path_factory.mktemp("hostile") / "data"
    exchange = SimulatedExchange.tiny()
    sync(folder, connect(exchange, Unruly(exchange, edit=spoil)))
    assert kp.Portfolio(folder).markets()["title"].unique().to_list() == [HOSTILE["title"]]
    return folder


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., str]:
    monkeypatch.chdir(tmp_path)

    def call(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["kalshi-portfolio", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            run.main()
        said = capsys.readouterr()
        assert exit_.value.code == 0, said.err
        assert STEERING.findall(said.err) == []
        return said.out

    return call


READING = sorted({line.split()[0] for _, _, lines in COMMANDS for line in lines} - {"demo", "sync", "doctor", "report"})
TABLES = [name for name in READING if name not in {"status", "summary"}]


@pytest.mark.parametrize("command", READING)
@pytest.mark.parametrize("columns", ["80", "400"])
def test_no_command_steers_the_terminal(
    cli: Callable[..., str], root: Path, command: str, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    extra = ["--by", "category"] if command == "pnl" else []
    out = cli(command, *extra, "--root", root)
    assert STEERING.findall(out) == []
    if command == "positions" and columns == "400":
        assert "[red]x[/red]" in out  # markup is text


@pytest.mark.parametrize("command", TABLES)
def test_csv_holds_no_formula_and_json_the_text_as_it_came(cli: Callable[..., str], root: Path, command: str) -> None:
    extra = ["--by", "category"] if command == "pnl" else []
    rows = list(csv.DictReader(io.StringIO(cli(command, *extra, "--csv", "--root", root), newline="")))
    for row in rows:
        for name, cell in row.items():
            number = re.fullmatch(r"-?\d+(\.\d+)?|-?P[\dTDHMS.]+", cell)
            assert number or not re.match(r"\s*[=+\-@\t\r]", cell), (name, cell)
    data = json.loads(cli(command, *extra, "--json", "--root", root))
    titles = {row["title"] for row in data if row.get("title")}
    assert titles <= {HOSTILE["title"]}
    assert titles or command not in {"positions", "markets"}


class Tags(HTMLParser):
    """Collects tags and attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.styles = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.styles += tag == "style"
        self.attributes |= {name for name, _ in attrs}
        for _, value in attrs:
            assert "javascript:" not in (value or "").lower()


def shown(root: Path) -> list[object]:
    pf = kp.Portfolio(root)
    exchange = SimulatedExchange.tiny()
    link = connect(exchange, Unruly(exchange, edit=spoil))
    return [
        pf, pf.status(), pf.coverage(), pf.summary(), pf.reconcile(), pf.positions(), pf.trades(),
        pf.pnl(by="category"), kp.doctor(root, connection=link), sync(root, link),
    ]  # fmt: skip


def test_html_has_no_tag_attribute_or_style_of_a_title(root: Path) -> None:
    for thing in shown(root):
        html = thing._repr_html_() if hasattr(thing, "_repr_html_") else ""
        found = Tags(html or "")
        assert found.tags & NEVER == set(), type(thing)
        assert not {name for name in found.attributes if name.startswith("on")}, type(thing)
        assert found.styles <= 1
        assert "onerror=" not in re.sub(r"&\w+;.*?(?=<)", "", html or "")


def test_the_report_runs_nothing_and_asks_for_nothing(cli: Callable[..., str], root: Path, tmp_path: Path) -> None:
    cli("report", tmp_path / "report.html", "--root", root)
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    found = Tags(html)
    assert found.tags & NEVER <= {"meta", "link"}
    assert not {name for name in found.attributes if name.startswith("on")}
    assert re.findall(r"""(?:href|src|url)\s*[=(]\s*["']?(?!data:|#|"|')[^\s"'>)]+""", html) == []
    assert "default-src 'none'" in html


def test_what_is_printed_of_our_own_objects_steers_no_terminal(root: Path) -> None:
    for thing in shown(root):
        if type(thing).__module__.startswith("kalshi_portfolio") and not hasattr(thing, "height"):
            assert STEERING.findall(str(thing) + repr(thing)) == [], type(thing)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 404, 500])
def test_an_error_that_quotes_the_exchange_steers_no_terminal(tmp_path: Path, status: int) -> None:
    import httpx  # noqa: PLC0415  (needed here alone)

    said = HOSTILE["title"]
    bodies: list[Any] = [{"error": {"code": said, "message": said, "details": said}}, {"error": said}, said]
    for body in bodies:
        head = {"Location": "https://evil.example/a", "Content-Type": "text/html"}
        answer = httpx.MockTransport(lambda _, body=body, head=head: httpx.Response(status, json=body, headers=head))
        with pytest.raises(KalshiPortfolioError) as caught:
            sync(tmp_path / "data", connect(SimulatedExchange.tiny(), answer))
        error = caught.value
        code = error.code if isinstance(error, ApiError) else ""
        assert STEERING.findall(f"{error}{code}{getattr(error, '__notes__', '')}") == []


def test_a_ticker_that_would_steer_a_terminal_is_set_aside(tmp_path: Path) -> None:
    def rename(_: str, body: dict[str, Any]) -> None:
        for row in body.get("fills") or []:
            row["ticker"] = row["market_ticker"] = f"{row['ticker']}\x1b[2J"

    exchange = SimulatedExchange.tiny()
    report = sync(tmp_path / "data", connect(exchange, Unruly(exchange, edit=rename)))
    assert (report["fills"].new, report["fills"].set_aside) == (0, 10)
    assert STEERING.findall(str(report)) == []
    assert "control characters" in kp.Store.open(tmp_path / "data").quarantined("fills")[0].reason
