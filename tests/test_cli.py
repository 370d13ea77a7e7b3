"""The command line: what it prints, how it fails, and that it fits the terminal."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
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
from kalshi_portfolio.cli import run, tables
from kalshi_portfolio.schema import FILLS, MARKETS, SYNC_LOG
from kalshi_portfolio.store import Identity, Store

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

T = "KXFED-26DEC-T3.75"
PROGRAM = Path(sys.executable).with_name("kalshi-portfolio")
DATED = ("positions", "trades", "lots", "pnl", "fills", "settlements")
TABLES = (*DATED, "equity", "transfers", "balances", "markets", "coverage")
COMMANDS = ("demo", "sync", "status", "doctor", "summary", "reconcile", "report", *TABLES)
LINKED = ("positions", "trades", "lots", "pnl")


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
        *(((command, "--since", "bad"), 2, "2026-01-31") for command in DATED),
        *(((command, "--until", "2026-02-30"), 2, "2026-01-31") for command in DATED),
        (("status", "--json", "--csv"), 2, "choose one"),
        (("doctor", "--json", "--csv"), 2, "choose one"),
        (("doctor", "--offline", "--repair"), 2, "Choose one"),
        (("equity", "--freq", "monthly"), 2, "1mo"),
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


@pytest.mark.parametrize("command", ["status", "summary", "reconcile", *TABLES])
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
    assert "`kalshi-portfolio demo`" in result.err
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", ["status", "positions"])
def test_without_data_the_option_that_names_another_folder_is_told(cli: Callable[..., Result], command: str) -> None:
    assert "KALSHI_PORTFOLIO_DATA, --root or" in cli(command).err


def test_to_sync_the_demo_without_a_key_shows_the_way_to_it(cli: Callable[..., Result], root: Path) -> None:
    result = cli("sync", "--root", root)
    assert result.status == 1
    assert f"`kalshi-portfolio demo --root {root}`" in result.err
    assert "There is no API key" not in result.err


@pytest.mark.parametrize(
    ("command", "option", "value"),
    [("positions", "--status", "foo"), ("pnl", "--method", "lifo"), ("summary", "--mark", "ask")],
)
def test_a_choice_that_is_none_is_refused_in_our_own_words(
    cli: Callable[..., Result], command: str, option: str, value: str
) -> None:
    result = cli(command, option, value)
    assert result.status == 2
    assert f"Invalid value for '{option}': '{value}' is not one of " in result.err
    assert "Value error" not in result.err


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


@pytest.mark.parametrize("columns", [60, 80, 120, 200])
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
        *((command, "--limit", "200") for command in TABLES[3:]),
        ("lots", "--limit", "200"),
        ("summary",),
        ("reconcile", "--all"),
        ("status",),
        ("doctor", "--offline"),
    ],
)
def test_tables_fit_the_width(
    cli: Callable[..., Result], root: Path, monkeypatch: pytest.MonkeyPatch, columns: int, arguments: Any
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    result = cli(*arguments, "--root", root)
    assert result.status == 0
    assert "\x1b" not in result.out
    lines = [line for line in result.out.splitlines() if str(root) not in line]  # a path is not broken up
    assert max(map(cell_len, lines)) <= columns


@pytest.mark.parametrize("columns", [60, 80])  # where no title, which may have figures in it, has room
@pytest.mark.parametrize("command", ["positions", "trades", "lots", "fills", "transfers"])
def test_a_number_is_shown_whole_or_not_at_all(
    cli: Callable[..., Result], root: Path, monkeypatch: pytest.MonkeyPatch, columns: int, command: str
) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    wide = cli(command, "--limit", "0", "--root", root).out.split()
    monkeypatch.setenv("COLUMNS", str(columns))
    narrow = cli(command, "--limit", "0", "--root", root).out.split()
    numbers = {word for word in narrow if re.fullmatch(r"-?\$?[\d,.]+¢?…?", word)}
    assert len(numbers) > 5
    assert numbers - set(wide) <= {"(3,", "…"}


def test_no_columns_at_all_is_no_width(cli: Callable[..., Result], root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unset = cli("positions", "--root", root).out
    monkeypatch.setenv("COLUMNS", "0")
    assert cli("positions", "--root", root).out == unset


def test_the_width_of_a_terminal_counts_where_no_columns_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdout", Terminal())
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: os.terminal_size((93, 20)))
    monkeypatch.setenv("COLUMNS", "0")
    assert tables.console().width == 93
    monkeypatch.setenv("COLUMNS", "71")
    assert tables.console().width == 71


def test_a_market_is_cut_in_its_middle(cli: Callable[..., Result], root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    shown = [line.split()[0] for line in cli("positions", "--limit", "0", "--root", root).out.splitlines()[1:-2]]
    tickers = kp.Portfolio(root).positions(status="open")["ticker"].to_list()
    cut = [text for text in shown if "…" in text]
    assert cut
    for text in cut:
        start, _, end = text.partition("…")
        assert [t for t in tickers if t.startswith(start) and t.endswith(end)]
    assert len({*shown}) > len({ticker[: len(cut[0])] for ticker in tickers})


def test_numbers_are_aligned_to_the_right(cli: Callable[..., Result], root: Path) -> None:
    head, *rows = cli("pnl", "--by", "category", "--root", root).out.splitlines()
    end = head.index("realised") + len("realised")
    assert len(rows) > 5
    assert all(row[end - 1].isdigit() and row[end] == " " for row in rows)


@pytest.mark.parametrize("command", LINKED)
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


@pytest.mark.parametrize("command", LINKED)
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


def test_a_limit_keeps_the_latest_periods_in_their_order(cli: Callable[..., Result], root: Path) -> None:
    months = [str(month) for month in kp.Portfolio(root).pnl(freq="1mo")["period"]]
    rows = json.loads(cli("pnl", "--freq", "1mo", "--limit", "2", "--json", "--root", root).out)
    assert [row["period"] for row in rows] == months[-2:]
    shown = cli("pnl", "--freq", "1mo", "--limit", "2", "--root", root).out.splitlines()
    assert [line.split()[0] for line in shown[1:-1]] == months[-2:]
    assert shown[-1] == f"({len(months) - 2} more rows: --limit 0 shows all)"
    groups = kp.Portfolio(root).pnl(by="category")["category"].to_list()
    rows = json.loads(cli("pnl", "--by", "category", "--limit", "2", "--json", "--root", root).out)
    assert [row["category"] for row in rows] == groups[:2]


def test_what_is_held_without_a_mark_is_said_to_count_at_cost(cli: Callable[..., Result], root: Path) -> None:
    marks = kp.Portfolio(root).positions(status="open")["current_price_cents"]
    last = cli("summary", "--root", root).out.splitlines()[-1]
    assert last == f"without a mark, counted at cost, not in unrealised: {marks.null_count()}"


def test_lots_are_asked_for_by_their_closing(cli: Callable[..., Result], root: Path) -> None:
    text = " ".join(cli("lots", "--help").out.split())
    assert "Closed on this day or time (UTC) or later; leaves out open lots." in text
    rows = json.loads(cli("lots", "--since", "2026-11-01", "--json", "--root", root).out)
    assert rows
    assert all(row["closed_at"] and row["closed_at"] >= "2026-11-01" for row in rows)


@pytest.mark.parametrize("command", ["pnl", "equity", "trades"])
def test_the_zone_of_bounds_is_told(cli: Callable[..., Result], command: str) -> None:
    text = " ".join(cli(command, "--help").out.split())
    assert text.count("(in --tz where there is one, else UTC)") == 2


def test_no_rows_are_said(cli: Callable[..., Result], root: Path) -> None:
    for command in DATED:
        assert "nothing here" in cli(command, "--ticker", "NONE", "--root", root).out
        nothing = cli(command, "--ticker", "NONE", "--json", "--root", root)
        assert json.loads(nothing.out) == []
        assert nothing.err.startswith("warning: ")
        assert len(cli(command, "--ticker", "NONE", "--csv", "--root", root).out.splitlines()) == 1


def titled(folder: Path, title: str) -> Path:
    store = Store.open_for_sync(folder, Identity("example.com", "custom"))
    fill = {"kalshi_trade_id": "f", "ticker": T, "side": "yes", "executed_at": at(-1), "subaccount": 0}
    store.upsert(FILLS, frame(FILLS, fill))
    store.upsert(MARKETS, frame(MARKETS, {"ticker": T, "title": title, "yes_bid_cents": Decimal("0.25")}))
    window = {"window_from": datetime(1970, 1, 1, tzinfo=UTC), "window_to": at(1), "finished_at": at(1)}
    store.log(frame(SYNC_LOG, {"run_id": "r", "dataset": "fills", "tier": "live", "exchange_index": -1} | window))
    return folder


@pytest.mark.parametrize("title", ["=cmd()", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", " =1", "\n=1", "\uff1d1"])
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
    assert f'pf = kp.demo("{tmp_path / "data"}"); print(pf)' in result.out
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
    assert (result.status, result.err) == (130, "Interrupted.\n")


@pytest.mark.parametrize(
    ("only", "words"), [((), "Nothing was synced yet."), (("balances",), "What was synced stays;")]
)
def test_an_interruption_says_what_stays_where_anything_does(
    cli: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, only: tuple[str, ...], words: str
) -> None:
    if only:
        kp.sync(tmp_path / "data", connection=kp.demo_connection(), only=only, progress=False)

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["kalshi_portfolio.demo"], "sync", interrupted)
    for arguments in ((), ("--json",)):
        result = cli("demo", "--root", tmp_path / "data", *arguments)
        assert result.status == 130
        assert result.err.startswith(f"Interrupted. {words}")


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
    for arguments in (("trades", "--csv"), ("trades", "--json"), ("trades", "--limit=0"), ("status",), ("doctor",)):
        process = started(*arguments, "--root", root)
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(30) == 0
        process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no full device")
@pytest.mark.parametrize("arguments", [("trades",), ("trades", "--json"), ("trades", "--csv"), ("status",)])
def test_a_full_disk_where_the_output_goes_is_one_line(root: Path, arguments: tuple[str, ...]) -> None:
    command = [str(PROGRAM), *arguments, "--root", str(root)]
    with Path("/dev/full").open("w") as full:
        told = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)  # noqa: S603
        assert (told.returncode, told.stderr.count("\n")) == (1, 1), told.stderr
        assert "could not be written: No space left on device" in told.stderr
        assert subprocess.run(command, stdout=full, stderr=full, check=False).returncode == 1  # noqa: S603


def test_another_error_of_the_system_is_not_taken_for_a_full_disk(monkeypatch: pytest.MonkeyPatch, root: Path) -> None:
    def broken(*_: object, **__: object) -> pl.DataFrame:
        raise PermissionError(13, "no")

    monkeypatch.setattr(kp.Portfolio, "trades", broken)
    monkeypatch.setattr(sys, "argv", ["kalshi-portfolio", "trades", "--root", str(root)])
    with pytest.raises(PermissionError):
        run.main()


def test_a_terminal_without_unicode_is_no_error(root: Path) -> None:
    process = started("positions", "--status", "all", "--root", root, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "market" in out
    assert out.isascii()
    assert re.search(r"\d+c ", out)


def test_an_ascii_terminal_changes_no_data(tmp_path: Path) -> None:
    folder = titled(tmp_path / "data", "¿Dónde? 日本…")
    for option in ("--json", "--csv"):
        process = started("positions", option, "--root", folder, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
        assert "¿Dónde? 日本…" in process.communicate(timeout=60)[0]


def test_letters_that_a_terminal_lacks_keep_their_width() -> None:
    error = UnicodeEncodeError("ascii", "a…¢日é", 1, 5, "no")
    assert run._plain(error) == ("~c???", 5)


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


def test_programs_get_every_check(cli: Callable[..., Result], root: Path) -> None:
    assert "--json and --csv always give all" in " ".join(cli("reconcile", "--help").out.split())
    assert json.loads(cli("reconcile", "--root", root, "--json").out) == json.loads(
        cli("reconcile", "--root", root, "--json", "--all").out
    )


def test_where_there_are_no_checks_nothing_is_said_to_agree(
    cli: Callable[..., Result], root: Path, tmp_path: Path
) -> None:
    Store.open_for_sync(tmp_path / "data", Identity("example.com", "custom"))
    never = cli("reconcile", "--root", tmp_path / "data")
    assert (never.status, never.out) == (0, "Nothing to compare.\n")
    assert never.err.startswith("warning: fills: not synced yet")
    for more in ((), ("--all",)):
        assert cli("reconcile", "--root", root, "--ticker", "zz", *more).out == "Nothing to compare.\n"


def test_the_method_can_be_chosen(cli: Callable[..., Result], root: Path) -> None:
    fifo = cli("positions", "--root", str(root), "--json").out
    average = cli("positions", "--root", str(root), "--json", "--method", "average").out
    assert fifo != average
    assert cli("pnl", "--root", str(root), "--method", "lifo").status == 2


@pytest.mark.parametrize("command", ["summary", *TABLES])
def test_every_table_is_given_to_programs_as_well(cli: Callable[..., Result], root: Path, command: str) -> None:
    rows = json.loads(cli(command, "--json", "--root", root).out)
    cells = list(csv.DictReader(io.StringIO(cli(command, "--csv", "--root", root).out)))
    assert len(rows) == len(cells) > 0
    assert list(rows[0]) == list(cells[0])


def test_status_is_given_to_programs_as_well(cli: Callable[..., Result], root: Path) -> None:
    data = json.loads(cli("status", "--json", "--root", root).out)
    assert (data["environment"], data["root"], data["problems"]) == ("simulated", str(root), [])
    assert {d["name"]: d["rows"] for d in data["datasets"]}["fills"] == kp.Portfolio(root).fills().height
    assert datetime.fromisoformat(data["complete_to"]).tzinfo == UTC
    rows = list(csv.DictReader(io.StringIO(cli("status", "--csv", "--root", root).out)))
    assert [row["dataset"] for row in rows] == [d["name"] for d in data["datasets"]]


def test_the_demo_is_given_to_programs_as_well(cli: Callable[..., Result], tmp_path: Path) -> None:
    data = json.loads(cli("demo", "--json", "--root", tmp_path / "data").out)
    assert data["root"] == str(tmp_path / "data")
    assert data["sync"]["datasets"]["fills"]["new"] == kp.Portfolio(tmp_path / "data").fills().height


def test_the_doctor_says_what_is_wrong_and_ends_with_1(cli: Callable[..., Result], root: Path, tmp_path: Path) -> None:
    assert cli("doctor", "--root", root).out.splitlines()[-1] == "nothing is wrong"
    assert cli("doctor", "--root", root).status == 0
    nothing = cli("doctor", "--offline", "--root", tmp_path / "none")
    assert nothing.status == 1
    assert "KALSHI_API_KEY_ID" in nothing.out
    data = json.loads(cli("doctor", "--offline", "--json", "--root", tmp_path / "none").out)
    assert data["ok"] is False
    assert {row["state"] for row in data["findings"]} == {"ok", "warn", "fail"}
    rows = list(csv.DictReader(io.StringIO(cli("doctor", "--offline", "--csv", "--root", tmp_path / "none").out)))
    assert [row["check"] for row in rows] == [row["check"] for row in data["findings"]]


def test_the_doctor_repairs(cli: Callable[..., Result], root: Path, tmp_path: Path) -> None:
    shutil.copytree(root, tmp_path / "data")
    file = max((tmp_path / "data" / "fills").rglob("*.parquet"))
    file.write_bytes(file.read_bytes()[:-9])
    assert cli("doctor", "--root", tmp_path / "data").status == 1
    mended = cli("doctor", "--repair", "--root", tmp_path / "data")
    assert (mended.status, "fetched anew" in mended.out) == (0, True)
    assert kp.Portfolio(tmp_path / "data").fills().height == kp.Portfolio(root).fills().height


def completed(*words: str, shell: str = "bash") -> list[str]:
    """Press the Tab key after some words."""
    asked = {"_KALSHI_PORTFOLIO_COMPLETE": f"complete_{shell}", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
    line = " ".join(["kalshi-portfolio", *words])
    given = {"COMP_WORDS": line, "COMP_CWORD": str(len(words)), "_TYPER_COMPLETE_ARGS": line}
    out, err = started(**asked, **given).communicate(timeout=60)
    assert err == ""
    return out.split()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_tab_key_completes_commands_and_what_the_folder_has(root: Path, shell: str) -> None:
    assert "settlements" in " ".join(completed("se", shell=shell))
    assert "KXFED-" in " ".join(completed("trades", "--root", str(root), "--ticker", "KXFED", shell=shell))
    assert "category" in " ".join(completed("pnl", "--by", "ca", shell=shell))
    assert "America/New_York" in " ".join(completed("pnl", "--tz", "America/New", shell=shell))


def test_the_tab_key_is_silent_without_data_and_offers_no_code(tmp_path: Path) -> None:
    assert completed("trades", "--root", str(tmp_path / "none"), "--ticker", "K") == []
    store = Store.open_for_sync(tmp_path / "data", Identity("example.com", "custom"))
    store.upsert(MARKETS, frame(MARKETS, {"ticker": "K$(reboot)"}, {"ticker": T}))
    assert completed("trades", "--root", str(tmp_path / "data"), "--ticker", "K") == [T]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_for_completion_can_be_had(shell: str) -> None:
    out, err = started(_KALSHI_PORTFOLIO_COMPLETE=f"source_{shell}").communicate(timeout=60)
    assert "kalshi-portfolio" in out
    assert err == ""
