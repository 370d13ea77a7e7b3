"""The command line: what it prints, how it fails, and that it fits the terminal."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.cells import cell_len
from store_rows import at, frame

import kalshi_portfolio as kp
from kalshi_portfolio.cli import run
from kalshi_portfolio.schema import FILLS, MARKETS, SYNC_LOG
from kalshi_portfolio.store import Identity, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

T = "KXFED-26DEC-T3.75"
PROGRAM = Path(sys.executable).with_name("kalshi-portfolio")
COMMANDS = ("demo", "sync", "status", "positions", "trades", "pnl")
TABLES = ("positions", "trades", "pnl")


class Result:
    """What a command left: exit status and what it wrote."""

    def __init__(self, status: int, out: str, err: str) -> None:
        self.status, self.out, self.err = status, out, err


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run the command line in this process."""

    def call(*arguments: str | Path) -> Result:
        monkeypatch.setattr(sys, "argv", ["kalshi-portfolio", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            run.main()
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        assert isinstance(exit_.value.code, int)
        return Result(exit_.value.code, said.out, said.err)

    return call


@pytest.fixture(scope="module")
def root() -> Path:
    return kp.demo().root


@pytest.fixture(autouse=True)
def _nowhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run where there is neither data folder nor settings, piped, with no width asked for."""
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))
    monkeypatch.delenv("COLUMNS", raising=False)


def test_help_of_every_command_shows_examples(cli: Callable[..., Result]) -> None:
    whole = cli("--help")
    assert whole.status == 0
    for command in COMMANDS:
        assert command in whole.out
        text = cli(command, "--help")
        assert text.status == 0
        assert f"  kalshi-portfolio {command}" in text.out.partition("Examples:")[2]
        assert max(map(len, text.out.splitlines())) <= 100
    assert "..." not in whole.out.partition("Commands:")[2]


def test_version(cli: Callable[..., Result]) -> None:
    assert cli("--version").out.strip() == kp.__version__


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        ((), 2, "Usage"),
        (("nonsense",), 2, "nonsense"),
        (("positions", "--status", "bad"), 2, "settled"),
        (("positions", "--mark", "bad"), 2, "mid"),
        (("positions", "--nonsense"), 2, "--nonsense"),
        (("trades", "--limit", "-1"), 2, "--limit"),
        (("sync", "--only", "bad"), 2, "transfers"),
        *(((command, "--json", "--csv"), 2, "choose one") for command in TABLES),
        *(((command, "--since", "bad"), 2, "2026-01-31") for command in TABLES),
        *(((command, "--until", "2026-02-30"), 2, "2026-01-31") for command in TABLES),
        (("trades", "--since", "2026-02-01", "--until", "2026-01-01"), 2, "lies before"),
        (("pnl", "--by", "colour"), 2, "category"),
        (("pnl", "--freq", "monthly"), 2, "1mo"),
        (("pnl", "--tz", "Mars"), 2, "America/New_York"),
    ],
)
def test_a_command_that_means_nothing_ends_with_2(
    cli: Callable[..., Result], root: Path, monkeypatch: pytest.MonkeyPatch, arguments: Any, status: int, words: str
) -> None:
    monkeypatch.setenv("KALSHI_PORTFOLIO_DATA", str(root))
    result = cli(*arguments)
    assert result.status == status
    assert words in result.out + result.err


@pytest.mark.parametrize("command", ["status", *TABLES])
def test_without_data_the_path_tried_and_the_way_out_are_told(cli: Callable[..., Result], command: str) -> None:
    result = cli(command)
    assert (result.status, result.out) == (1, "")
    assert str(Path.cwd() / "data") in result.err
    assert "kalshi-portfolio sync" in result.err
    assert result.err.count("\n") == 1


def test_without_a_key_the_way_to_one_is_told(cli: Callable[..., Result], tmp_path: Path) -> None:
    result = cli("sync", "--root", tmp_path / "data")
    assert result.status == 1
    assert "KALSHI_API_KEY_ID" in result.err
    assert not (tmp_path / "data").exists()


def test_a_folder_that_cannot_be_written_to(cli: Callable[..., Result], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    result = cli("demo", "--root", tmp_path / "file" / "data")
    assert result.status == 1
    assert str(tmp_path / "file" / "data") in result.err


def test_a_damaged_file_is_named(cli: Callable[..., Result], tmp_path: Path) -> None:
    kp.sync(tmp_path, connection=kp.demo_connection(), only="balances", progress=False)
    file = next((tmp_path / "balances").rglob("*.parquet"))
    file.write_bytes(b"nonsense")
    result = cli("status", "--root", tmp_path)
    assert result.status == 0
    assert str(file) in result.out.replace("\n", "")


@pytest.mark.parametrize("columns", [76, 80, 100, 120, 200])
@pytest.mark.parametrize(
    "arguments",
    [
        ("positions",),
        ("positions", "--status", "all"),
        ("positions", "--status", "settled"),
        ("trades", "--limit", "200"),
        ("pnl",),
        ("pnl", "--by", "category", "--freq", "1q"),
        ("pnl", "--by", "event_title", "--by", "side"),
        ("status",),
    ],
)
def test_tables_fit_the_width(
    cli: Callable[..., Result], root: Path, monkeypatch: pytest.MonkeyPatch, columns: int, arguments: Any
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    result = cli(*arguments, "--root", root)
    assert result.status == 0
    assert "\x1b" not in result.out
    lines = [line for line in result.out.splitlines() if not line.startswith(("(", "data folder"))]
    assert max(map(cell_len, lines)) <= columns


def test_numbers_are_aligned_to_the_right(cli: Callable[..., Result], root: Path) -> None:
    head, *rows = cli("pnl", "--by", "category", "--root", root).out.splitlines()
    end = head.index("realised") + len("realised")
    assert len(rows) > 5
    assert all(row[end - 1].isdigit() and row[end] == " " for row in rows)


@pytest.mark.parametrize("command", TABLES)
def test_json_is_exact_and_whole(cli: Callable[..., Result], root: Path, command: str) -> None:
    options = ("--status", "all") if command == "positions" else ("--by", "ticker") if command == "pnl" else ()
    rows = json.loads(cli(command, *options, "--json", "--root", root).out)
    frame_ = getattr(kp.Portfolio(root), command)(**({"by": "ticker"} if command == "pnl" else {}))
    assert len(rows) == frame_.height > 50
    assert list(rows[0]) == frame_.columns
    for name, dtype in frame_.schema.items():
        if dtype.is_decimal():
            ours = [None if row[name] is None else Decimal(row[name]) for row in rows]
            assert all(value is None or isinstance(row[name], str) for row, value in zip(rows, ours, strict=True))
            expected = frame_[name].to_list()
            key = str
            assert sorted(ours, key=key) == sorted(expected, key=key)


@pytest.mark.parametrize("command", TABLES)
def test_csv_is_exact_and_negative_numbers_are_numbers(cli: Callable[..., Result], root: Path, command: str) -> None:
    options = ("--status", "all") if command == "positions" else ("--by", "ticker") if command == "pnl" else ()
    rows = list(csv.DictReader(io.StringIO(cli(command, *options, "--csv", "--root", root).out)))
    frame_ = getattr(kp.Portfolio(root), command)(**({"by": "ticker"} if command == "pnl" else {}))
    assert len(rows) == frame_.height
    amounts = [row["realized_pnl_cents"] for row in rows if row["realized_pnl_cents"]]
    assert sum(map(Decimal, amounts)) == frame_["realized_pnl_cents"].sum()
    assert any(amount.startswith("-") for amount in amounts)


def test_limit_holds_for_tables_and_data(cli: Callable[..., Result], root: Path) -> None:
    assert len(json.loads(cli("trades", "--json", "--limit", "3", "--root", root).out)) == 3
    table = cli("trades", "--limit", "3", "--root", root).out
    assert len(table.splitlines()) == 5
    assert "more rows: --limit 0" in table
    assert len(cli("positions", "--limit", "0", "--root", root).out.splitlines()) > 30


def test_no_rows_are_said(cli: Callable[..., Result], root: Path) -> None:
    for command in TABLES:
        assert "nothing here" in cli(command, "--ticker", "NONE", "--root", root).out
        assert json.loads(cli(command, "--ticker", "NONE", "--json", "--root", root).out) == []
        assert len(cli(command, "--ticker", "NONE", "--csv", "--root", root).out.splitlines()) == 1


def titled(folder: Path, title: str) -> Path:
    store = Store.open_for_sync(folder, Identity("example.com", "custom"))
    fill = {"kalshi_trade_id": "f", "ticker": T, "side": "yes", "executed_at": at(-1), "subaccount": 0}
    store.upsert(FILLS, frame(FILLS, fill))
    store.upsert(MARKETS, frame(MARKETS, {"ticker": T, "title": title, "yes_bid_cents": Decimal("0.25")}))
    window = {"window_from": datetime(1970, 1, 1, tzinfo=UTC), "window_to": at(1), "finished_at": at(1)}
    store.log(frame(SYNC_LOG, {"run_id": "r", "dataset": "fills", "tier": "live", "exchange_index": -1} | window))
    return folder


@pytest.mark.parametrize("title", ["=cmd()", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_a_title_cannot_be_a_formula_in_csv(cli: Callable[..., Result], tmp_path: Path, title: str) -> None:
    out = cli("positions", "--csv", "--root", titled(tmp_path / "data", title)).out
    row = next(csv.DictReader(io.StringIO(out, newline="")))
    assert row["title"] == "'" + title
    assert row["unrealized_pnl_cents"] == "-0.750000"
    data = json.loads(cli("positions", "--json", "--root", tmp_path / "data").out)
    assert data[0]["title"] == title


@pytest.mark.parametrize(
    "title",
    [
        "日本の首相は誰になりますか、そしていつ選ばれますか、長い題名" * 3,
        "🏈 Buffalo 🏈 at Kansas City 🏈 " * 4,
        "[red]markup[/red] [/] [bold",
        "\x1b[2J\x1b]0;owned\x07 line\nbreak \u202egnp.exe",
        "é" * 200,
    ],
)
@pytest.mark.parametrize("columns", [80, 120])
def test_a_wide_or_hostile_title_keeps_to_its_line(
    cli: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, title: str, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    titled(tmp_path / "data", title)
    out = cli("positions", "--status", "all", "--root", tmp_path / "data").out
    lines = [line for line in out.splitlines() if not line.startswith("(")]
    assert len(lines) == 2
    assert max(map(cell_len, lines)) <= columns
    assert not {"\x1b", "\x07", "\u202e"} & set(out)
    if columns == 120 and title.startswith("[red]"):
        assert "[red]markup" in out


def test_status_reads_as_prose(cli: Callable[..., Result], root: Path) -> None:
    out = cli("status", "--root", root).out
    assert "from the beginning to 2026-11-20 16:59" in out
    assert "syncing now   nobody" in out
    assert "quarantine    no rows" in out
    assert "1970" not in out
    for dataset in ("fills", "settlements", "positions", "markets", "transfers", "balances"):
        assert f"\n{dataset}" in out


def test_the_demo_shows_all_on_about_one_screen(
    cli: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = cli("demo", "--root", tmp_path / "data")
    assert result.status == 0
    for words in (
        "Synced to",
        "Open positions",
        "P&L by category",
        str(tmp_path / "data"),
        "Try next",
        "kalshi-portfolio sync",
    ):
        assert words in result.out
    assert len(result.out.splitlines()) < 50
    lines = [line for line in result.out.splitlines() if str(tmp_path) not in line]
    assert max(map(cell_len, lines)) <= 92
    assert (tmp_path / "data" / "markets" / "data.parquet").exists()


def test_an_unexpected_interrupt_ends_with_130(
    cli: Callable[..., Result], root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> pl.DataFrame:
        raise KeyboardInterrupt

    monkeypatch.setattr(kp.Portfolio, "trades", interrupted)
    result = cli("trades", "--root", root)
    assert result.status == 130
    assert result.err.startswith("Interrupted")


def started(*arguments: str | Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603
        [str(PROGRAM), *map(str, arguments)],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )


def test_a_reader_that_goes_away_is_no_error(root: Path) -> None:
    for option in ("--csv", "--json", "--limit=0"):
        process = started("trades", option, "--root", root)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) in {0, 1, 141}
        process.stderr.close()


def test_a_terminal_without_unicode_is_no_error(root: Path) -> None:
    process = started("positions", "--status", "all", "--root", root, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "market" in out


@pytest.mark.skipif(sys.platform == "win32", reason="a console sends its own kind of interrupt there")
def test_an_interrupted_sync_ends_with_130_and_leaves_no_lock(tmp_path: Path) -> None:
    process = started("demo", "--root", tmp_path / "data")
    until = time.monotonic() + 60
    while not (tmp_path / "data" / ".locks" / "sync.json").exists() and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert "Interrupted" in err
    assert "Traceback" not in err
    assert not (tmp_path / "data" / ".locks" / "sync.json").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals there")
@pytest.mark.parametrize("no_colour", ["", "1"])
def test_colour_is_for_terminals_that_want_it(root: Path, no_colour: str) -> None:
    import pty  # noqa: PLC0415  (not everywhere)

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "100"} | ({"NO_COLOR": "1"} if no_colour else {})
    process = subprocess.Popen(  # noqa: S603
        [str(PROGRAM), "positions", "--limit", "9", "--root", str(root)], env=environment, stdout=theirs
    )
    os.close(theirs)
    said = b""
    while chunk := _read(ours):
        said += chunk
    os.close(ours)
    assert process.wait(30) == 0
    assert (b"\x1b[31m" in said) is not bool(no_colour)


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # the other end is closed
        return b""


def test_times_are_utc(cli: Callable[..., Result], root: Path) -> None:
    rows = json.loads(cli("trades", "--json", "--limit", "1", "--root", root).out)
    assert datetime.fromisoformat(rows[0]["executed_at"]) == kp.Portfolio(root).trades()["executed_at"][-1]
    assert datetime.fromisoformat(rows[0]["executed_at"]).tzinfo == UTC


def test_reconcile_says_how_many_checks_agree_and_lists_them(cli: Callable[..., Result], root: Path) -> None:
    told = cli("reconcile", "--root", str(root))
    assert told.status == 0
    agree, _, there = told.out.partition(" of ")
    assert there.startswith(f"{agree} checks agree.")
    listed = cli("reconcile", "--root", str(root), "--all", "--limit", "0").out
    assert "$18.91651163" in listed  # exact to the last digit
    rows = json.loads(cli("reconcile", "--root", str(root), "--json").out)
    assert {row["unit"] for row in rows} == {"contracts", "cents"}


def test_the_method_can_be_chosen(cli: Callable[..., Result], root: Path) -> None:
    fifo = cli("positions", "--root", str(root), "--json").out
    average = cli("positions", "--root", str(root), "--json", "--method", "average").out
    assert fifo != average
    assert cli("pnl", "--root", str(root), "--method", "lifo").status == 2
