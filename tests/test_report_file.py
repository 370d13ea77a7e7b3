"""The report as a file and as a command: what is written where, what is refused; and the frames made for it."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from report_pages import read, table
from store_rows import at, frame

import kalshi_portfolio as kp
from kalshi_portfolio import pnl as profit
from kalshi_portfolio.cli import run
from kalshi_portfolio.errors import ArgumentError, StoreError
from kalshi_portfolio.portfolio import reporting
from kalshi_portfolio.schema import FILLS, MARKETS, POSITIONS
from kalshi_portfolio.store import Identity, Store

if TYPE_CHECKING:
    from collections.abc import Callable

NY = "America/New_York"


# The file


@pytest.fixture
def small(tmp_path: Path) -> kp.Portfolio:
    """Give a small account: its report is quick."""
    Store.open_for_sync(tmp_path / "small", Identity("example.com", "custom"))
    return kp.Portfolio(tmp_path / "small")


def test_a_report_replaces_a_report_and_nothing_else(small: kp.Portfolio, tmp_path: Path) -> None:
    place = tmp_path / "my report.html"
    assert small.report(str(place)) == place
    assert small.report(place) == place
    assert place.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []
    notes = tmp_path / "notes.html"
    notes.write_text("<p>mine")
    with pytest.raises(ArgumentError, match="is there already, and is no report"):
        small.report(notes)
    assert notes.read_text() == "<p>mine"


def test_a_place_that_cannot_be_written_is_refused_before_any_work(
    small: kp.Portfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporting, "written", None)
    with pytest.raises(ArgumentError, match="there is no folder"):
        small.report(tmp_path / "nowhere" / "report.html")
    with pytest.raises(ArgumentError, match="is a folder"):
        small.report(tmp_path)


def test_a_full_disk_leaves_the_older_report_and_no_rest(
    small: kp.Portfolio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = small.report(tmp_path / "report.html")
    before = place.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StoreError, match=r"report\.html: No space left on device"):
        small.report(place)
    assert place.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["report.html", "small"]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"tz": "Mars/Base"}, "tz='Mars/Base' is no time zone"),
        ({"method": "lifo"}, "method='lifo' is unknown"),
        ({"mark": "ask"}, "mark='ask' is not known"),
        ({"since": "yesterday"}, "since='yesterday' is no day"),
        ({"until": datetime(2026, 1, 1, tzinfo=UTC)}, "is no day. A report is of whole days"),
        ({"until": 5}, "until=5 is no day"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "lies before since"),
    ],
)
def test_a_choice_that_means_nothing_is_refused(
    small: kp.Portfolio, tmp_path: Path, choice: dict[str, Any], words: str
) -> None:
    with pytest.raises(ArgumentError, match=re.escape(words)):
        small.report(tmp_path / "report.html", **choice)
    assert not (tmp_path / "report.html").exists()


# The command


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    def call(*arguments: str | Path) -> int:
        monkeypatch.setattr("sys.argv", ["kalshi-portfolio", "report", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            run.main()
        assert isinstance(exit_.value.code, int)
        return exit_.value.code

    return call


def test_the_command_writes_a_file_and_says_where(
    small: kp.Portfolio,
    command: Callable[..., int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    opened: list[str] = []

    def no_browser(url: str) -> bool:
        opened.append(url)
        return False

    monkeypatch.setattr("webbrowser.open", no_browser)
    monkeypatch.chdir(tmp_path)
    assert command("--root", small.root, "--tz", NY, "--since", "2026-01-01", "--open") == 0
    said = capsys.readouterr()
    assert str(tmp_path / "report.html") in said.out
    assert opened == [(tmp_path / "report.html").as_uri()]
    assert "open that file yourself" in said.err
    assert "from 1 Jan 2026" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert command("-", "--root", small.root) == 0
    assert read(capsys.readouterr().out).all("h1")[0].text == "Kalshi portfolio report"
    assert command("r.html", "--json", "--root", small.root) == 0
    size = (tmp_path / "r.html").stat().st_size
    assert capsys.readouterr().out == json.dumps({"path": str(tmp_path / "r.html"), "bytes": size}) + "\n"
    assert command("-", "--json", "--root", small.root) == 2
    assert "choose one" in capsys.readouterr().err
    assert command(tmp_path / "no" / "r.html", "--root", small.root) == 2
    assert "there is no folder" in capsys.readouterr().err


# The frames


def test_sums_of_what_is_held_are_unknown_where_nothing_is_known() -> None:
    whole = {"position_id": "a", "status": "open", "complete": True, "cost_cents": Decimal(500)}
    rows = frame(POSITIONS, whole, {**whole, "position_id": "b", "complete": False, "cost_cents": Decimal(700)})
    sums = profit.held_sums(rows).row(0, named=True)
    assert sums == {
        "positions": 2,
        "cost_cents": Decimal(500),
        "unrealized_pnl_cents": None,
        "unknown_marks": 1,
        "incomplete_positions": 1,
    }
    assert profit.held_sums(rows.clear())["cost_cents"].item() == 0


def test_a_position_ends_in_the_time_in_which_it_was_closed() -> None:
    closed = {"status": "closed", "complete": True, "net_pnl_cents": Decimal(-5)}
    rows = frame(
        POSITIONS,
        {"position_id": "early", **closed, "closed_at": at(0)},
        {"position_id": "late", **closed, "closed_at": at(9), "net_pnl_cents": Decimal(7)},
        {"position_id": "even", **closed, "closed_at": at(5), "net_pnl_cents": Decimal(0)},
        {"position_id": "held", "status": "open", "complete": True, "net_pnl_cents": Decimal(99)},
    )

    def of(**bounds: datetime) -> list[str]:
        return sorted(profit.of_period(rows, **bounds)["position_id"])

    assert of() == ["early", "even", "held", "late"]
    assert of(since=at(5)) == ["even", "held", "late"]
    assert of(since=at(0), until=at(5)) == ["early", "held"]
    assert profit.best(rows, 5)["position_id"].to_list() == ["late"]
    assert profit.worst(rows, 5)["position_id"].to_list() == ["early"]


def test_a_market_without_a_title_is_named_by_its_ticker(tmp_path: Path) -> None:
    fill = {"kalshi_trade_id": "f", "ticker": "KXA-1", "side": "yes", "executed_at": at(-1), "subaccount": 0}
    store = Store.open_for_sync(tmp_path / "d", Identity("example.com", "custom"))
    store.upsert(FILLS, frame(FILLS, fill))
    store.upsert(MARKETS, frame(MARKETS, {"ticker": "KXA-1", "open_time": at(-5)}))
    page = read(kp.Portfolio(tmp_path / "d").report(None))
    assert table(page, "All that is held now")[0][0] == "KXA-1"
