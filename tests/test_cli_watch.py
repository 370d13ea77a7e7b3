"""`sync` in the terminal: round after round, what it says, how it ends, and what it hands to other programs."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import kalshi_portfolio as kp
from kalshi_portfolio.cli import run, syncing, watch
from kalshi_portfolio.cli.rounds import Rounds
from kalshi_portfolio.demo import _exchange
from kalshi_portfolio.errors import (
    AuthenticationError,
    ConnectionFailedError,
    DamagedFileError,
    LockedError,
    ServerError,
    SettingsError,
)
from kalshi_portfolio.sync import SyncReport, Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
REPORT = SyncReport({"fills": Tally(9, 2, 1), "positions": Tally(5, 5, 0)}, NOW, 12, 0, 0.5)
QUIET = SyncReport({"fills": Tally(9)}, NOW, 12, 0, 0.5)


class Hands:
    """Both clocks, moved by sleeping and by hand."""

    def __init__(self) -> None:
        self.steady, self.wall, self.slept = 0.0, 0.0, 0.0

    def sleep(self, seconds: float) -> None:
        self.slept += seconds
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.steady += seconds
        self.wall += seconds

    def clock(self, sleep: Callable[[float], None] | None = None) -> watch.Clock:
        return watch.Clock(lambda: self.steady, lambda: self.wall, sleep or self.sleep)


@pytest.fixture
def hands() -> Hands:
    return Hands()


def rounds(hands: Hands, *outcomes: Any, every: float = 60, takes: float = 1) -> tuple[list[float], list[Any]]:
    """Watch until the outcomes are used up; give when each round began, and what was shown."""
    began: list[float] = []
    shown: list[Any] = []
    left: Iterator[Any] = iter(outcomes)

    def one() -> SyncReport:
        began.append(hands.wall)
        hands.advance(takes)
        outcome = next(left, KeyboardInterrupt())
        if isinstance(outcome, BaseException):
            raise outcome
        assert isinstance(outcome, SyncReport)
        return outcome

    with pytest.raises(KeyboardInterrupt):
        watch.watch(one, shown.append, every=every, clock=hands.clock())
    return began, shown


def test_rounds_begin_at_the_interval_however_long_they_take(hands: Hands) -> None:
    assert rounds(hands, REPORT, REPORT, takes=7)[0] == [0, 60, 120]


def test_a_round_longer_than_the_interval_is_followed_at_once_and_by_one_alone(hands: Hands) -> None:
    assert rounds(hands, REPORT, REPORT, takes=200)[0] == [0, 200, 400]
    assert hands.slept == 0


@pytest.mark.parametrize("steady_stands_still", [True, False])
def test_after_a_night_with_the_lid_closed_one_round_is_due_not_five_hundred(
    hands: Hands, steady_stands_still: bool
) -> None:
    asleep = [False]

    def sleep(seconds: float) -> None:
        hands.sleep(seconds)
        if not asleep[0]:
            asleep[0] = True
            hands.wall += 30_000
            hands.steady += 0 if steady_stands_still else 30_000

    began: list[float] = []

    def one() -> SyncReport:
        began.append(hands.wall)
        if len(began) == 4:
            raise KeyboardInterrupt
        return QUIET

    with pytest.raises(KeyboardInterrupt):
        watch.watch(one, lambda _: None, every=60, clock=hands.clock(sleep))
    assert began == [0, 30_005, 30_065, 30_125]


def test_a_clock_that_is_set_back_delays_nothing(hands: Hands) -> None:
    def back(seconds: float) -> None:
        hands.sleep(seconds)
        hands.wall -= 3600 if hands.slept == seconds else 0

    began: list[float] = []

    def one() -> SyncReport:
        began.append(hands.steady)
        if len(began) == 2:
            raise KeyboardInterrupt
        return QUIET

    with pytest.raises(KeyboardInterrupt):
        watch.watch(one, lambda _: None, every=60, clock=hands.clock(back))
    assert began == [0, 60]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionFailedError("no network"),
        ServerError("down", status=503),
        LockedError("somebody syncs", path=None),  # type: ignore[arg-type]
    ],
)
def test_what_may_pass_is_shown_and_the_next_round_comes(hands: Hands, error: Exception) -> None:
    began, shown = rounds(hands, error, REPORT)
    assert shown == [error, REPORT]
    assert began == [0, 60, 120]


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationError("no such key", status=401),
        SettingsError("no key"),
        DamagedFileError("a file", path=None),  # type: ignore[arg-type]
    ],
)
def test_what_will_not_pass_ends_it(hands: Hands, error: Exception) -> None:
    with pytest.raises(type(error)):
        rounds(hands, REPORT, error)


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[..., Any]:
    """Run `sync` in this process, on the demo's exchange."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(kp.Connection, "from_settings", lambda _: kp.demo_connection())

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["kalshi-portfolio", *arguments])
        with pytest.raises(SystemExit) as exit_:
            run.main()
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        assert isinstance(exit_.value.code, int)
        return exit_.value.code, said.out, said.err

    return call


def outcomes(monkeypatch: pytest.MonkeyPatch, *found: SyncReport | BaseException) -> list[dict[str, Any]]:
    """Let each sync give the next of these, without waiting in between; give how each was called."""
    calls: list[dict[str, Any]] = []
    left = iter([*found, KeyboardInterrupt()])

    def one(_root: object, **options: Any) -> SyncReport:
        calls.append(options)
        outcome = next(left)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    monkeypatch.setattr(syncing, "run_sync", one)
    monkeypatch.setattr(syncing, "watch", partial(watch.watch, clock=Hands().clock()))
    return calls


def test_a_line_is_printed_for_each_round(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = outcomes(monkeypatch, REPORT, ConnectionFailedError("no network"), QUIET)
    status, out, err = cli("sync", "--watch", "60", "--only", "fills")
    assert status == 130
    assert [line[25:] for line in out.splitlines()] == ["2 fills new, 1 fill changed", "nothing new"]
    assert "no network" in err
    assert "every 60 s" in err
    assert err.splitlines()[-1] == "Interrupted. Nothing was synced yet."  # these rounds wrote no file
    assert [call["only"] for call in calls] == [["fills"]] * 4


def test_quiet_watching_prints_what_is_wrong_alone(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes(monkeypatch, REPORT, ConnectionFailedError("no network"))
    _, out, err = cli("sync", "--watch", "60", "--quiet")
    assert out == ""
    assert [line.partition("  ")[2] for line in err.splitlines()[:-1]] == ["failed, next try follows: no network"]


def test_a_line_of_json_is_printed_for_each_round(cli: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    outcomes(monkeypatch, REPORT, ConnectionFailedError("no\nnetwork"), QUIET)
    _, out, _ = cli("sync", "--watch", "60", "--json")
    first, second, third = map(json.loads, out.splitlines())
    assert (first["ok"], first["datasets"]["fills"]["new"], first["changed"]) == (True, 2, True)
    assert (second["ok"], second["error"], second["message"]) == (False, "ConnectionFailedError", "no\nnetwork")
    assert third["changed"] is False


def test_a_remark_is_made_once_while_it_holds(capsys: pytest.CaptureFixture[str]) -> None:
    odd = SyncReport({}, NOW, 1, 0, 0.1, warnings=("odd",))
    shown = Rounds(60)
    for report in (odd, odd, QUIET, odd):
        shown.show(report)
    assert capsys.readouterr().err == "warning: odd\n" * 2


@pytest.mark.parametrize("error", [AuthenticationError("no such key", status=401), SettingsError("no key")])
def test_a_key_that_is_not_accepted_ends_the_watch_with_1(
    cli: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    calls = outcomes(monkeypatch, error)
    status, _, err = cli("sync", "--watch", "60")
    assert (status, len(calls)) == (1, 1)
    assert str(error) in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--watch", "4"), "--watch"),
        (("--watch", "60", "--csv"), "--csv"),
        (("--json", "--csv"), "choose one"),
        (("--since", "2999-01-01"), "lies in the future"),
        (("--since", f"{datetime.now(UTC) + timedelta(hours=2):%Y-%m-%dT%H:%M}"), "lies in the future"),
        (("--since", "soon"), "2026-01-31"),
    ],
)
def test_a_sync_that_means_nothing_ends_with_2(cli: Any, arguments: tuple[str, ...], words: str) -> None:
    status, out, err = cli("sync", *arguments)
    assert (status, out) == (2, "")
    assert words in err


def test_a_sync_gives_its_report_as_json_and_csv(cli: Any, tmp_path: Path) -> None:
    status, out, err = cli("sync", "--only", "balances", "--json")
    data = json.loads(out)
    assert (status, data["datasets"]["balances"]["new"] > 0, data["changed"]) == (0, True, False)
    assert datetime.fromisoformat(data["as_of"]).tzinfo == UTC
    assert err.startswith("Made a new data folder")
    _, out, _ = cli("sync", "--only", "balances", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["dataset"] for row in rows] == ["balances"]
    assert str(tmp_path) not in out


def test_which_env_file_was_read_is_said_on_stderr(cli: Any, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("KALSHI_PORTFOLIO_DATA=here\n")
    _, out, err = cli("sync", "--only", "balances", "--json")
    assert err.splitlines()[0] == f"Settings were read from {tmp_path / '.env'}"
    assert json.loads(out)
    assert (tmp_path / "here").is_dir()
    assert cli("sync", "--only", "balances", "--quiet") == (0, "", "")


@pytest.mark.skipif(os.name != "posix", reason="files have no such permissions there")
def test_an_exposed_key_file_is_a_plain_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text(_exchange().credentials().private_key_pem)
    key.chmod(0o644)
    monkeypatch.chdir(tmp_path)
    for name, value in {"KEY_ID": "a", "PRIVATE_KEY_PATH": str(key)}.items():
        monkeypatch.setenv(f"KALSHI_{'API_' if name == 'KEY_ID' else ''}{name}", value)
    outcomes(monkeypatch, QUIET)
    monkeypatch.setattr(sys, "argv", ["kalshi-portfolio", "sync"])
    with pytest.raises(SystemExit):
        run.main()
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("warning: Other users")
    assert not [line for line in lines if ".py" in line]


SCRIPT = """
import sys
import kalshi_portfolio as kp
from kalshi_portfolio.cli import run
kp.Connection.from_settings = lambda _: kp.demo_connection()
sys.argv = ["kalshi-portfolio", "sync", "--watch", "3600", "--only", "balances", "--root", sys.argv[1]]
run.main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals there")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
@pytest.mark.parametrize("when", ["between rounds", "in a round"])
def test_a_watch_ends_cleanly(tmp_path: Path, number: signal.Signals, status: int, when: str) -> None:
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", SCRIPT, str(tmp_path / "data")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lock = tmp_path / "data" / ".locks" / "sync.json"
    if when == "between rounds":
        assert "new" in process.stdout.readline()
    else:
        until = time.monotonic() + 60
        while not lock.exists() and time.monotonic() < until:
            time.sleep(0.005)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == status, err
    assert "Traceback" not in err
    assert not lock.exists()
