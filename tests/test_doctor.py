"""The check-up: it works with nothing there, shows no secret, names what is damaged, and mends exactly that."""

from __future__ import annotations

import json
import os
import shutil
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sync_world import Unruly, connect, contents, everything, read

import kalshi_portfolio as kp
from kalshi_portfolio.demo import _exchange, demo_connection
from kalshi_portfolio.doctor import AREAS, Checkup, Finding
from kalshi_portfolio.doctor.folder import file_system
from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.schema import FILLS
from kalshi_portfolio.simulation import NOW, SimulatedExchange, SimulatedTransport
from kalshi_portfolio.store import Identity, Store

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from kalshi_portfolio.sync import Connection

SECRET = "5ec2e7-key-id-that-nobody-may-see"
PEM = rsa.generate_private_key(65537, 2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)


@pytest.fixture(scope="module")
def healthy() -> Path:
    return kp.demo().root


@pytest.fixture
def root(healthy: Path, tmp_path: Path) -> Path:
    """Give a copy of the demo account's folder, to be damaged."""
    shutil.copytree(healthy, tmp_path / "data", ignore=shutil.ignore_patterns(".damaged", ".locks"))
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def _nowhere(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path_factory.mktemp("nowhere"))


def link_over(transport: httpx.AsyncBaseTransport) -> Connection:
    """Connect to the demo account over a transport of the test's own."""
    return connect(_exchange(), transport, host=demo_connection().identity.host)


def flip(path: Path, at: float = 0.5) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[int(len(data) * at)] ^= 4
    path.write_bytes(data)


def file_of(root: Path, dataset: str, number: int) -> Path:
    return sorted((root / dataset).rglob("*.parquet"))[number]


def row(checkup: Checkup, name: str) -> Finding:
    found = [finding for finding in checkup.findings if finding.name == name]
    assert len(found) == 1, (name, str(checkup))
    return found[0]


def named(checkup: Checkup, state: str) -> list[str]:
    return [finding.name for finding in checkup.findings if finding.state == state]


def test_nothing_is_wrong_with_the_demo(healthy: Path) -> None:
    checkup = kp.doctor(healthy)
    assert checkup.ok
    assert {finding.area for finding in checkup.findings} == set(AREAS) - {"repair"}
    for name in ("reachable", "clock", "key", "permissions", "read limit", "account", "schema", "free space", "files"):
        assert row(checkup, name).state == "ok"
    assert row(checkup, "usage tier").finding == "basic"


def test_looking_changes_nothing(root: Path) -> None:
    flip(file_of(root, "fills", 3))
    before = everything(root)
    kp.doctor(root)
    kp.doctor(root, offline=True)
    assert everything(root) == before


def test_it_works_with_neither_key_nor_network_nor_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_API_BASE_URL", "http://127.0.0.1:9/trade-api/v2")  # where nobody listens
    checkup = kp.doctor(tmp_path / "none")
    assert named(checkup, "fail") == ["private key", "reachable"]
    assert named(checkup, "warn") == ["address", "data folder"]
    assert "KALSHI_API_KEY_ID" in row(checkup, "private key").advice
    assert not (tmp_path / "none").exists()


def test_a_folder_that_no_sync_writes_into_fails_and_a_harmless_one_does_not(tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    assert "sync" in row(kp.doctor(tmp_path, offline=True), "data folder").advice
    (tmp_path / "thesis.txt").touch()
    for path in (tmp_path, tmp_path / "thesis.txt"):
        found = row(kp.doctor(path, offline=True), "data folder")
        assert found.state == "fail"
        assert "thesis.txt" in found.finding
        assert "new folder" in found.advice
        assert "kalshi-portfolio sync" not in found.finding + found.advice


def test_an_option_that_is_none_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"doctor\(\) has no option 'ofline' \(near: offline\)"):
        kp.doctor(ofline=True)


def test_offline_asks_nobody(root: Path) -> None:
    transport = Unruly(_exchange())
    checkup = kp.doctor(root, offline=True, connection=link_over(transport))
    assert transport.asked == []
    assert "exchange" not in {finding.area for finding in checkup.findings}


def test_settings_that_contradict_each_other_are_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KALSHI_ENVIRONMENT", "mars")
    checkup = kp.doctor(tmp_path, offline=True)
    assert "mars" in row(checkup, "settings").finding
    assert named(checkup, "fail") == ["settings"]


def test_where_each_setting_comes_from_is_told_and_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"KALSHI_ENVIRONMENT=demo\nKALSHI_API_KEY_ID={SECRET}\n")
    (tmp_path / ".env").chmod(0o600)
    monkeypatch.setenv("KALSHI_PRIVATE_KEY", PEM.decode())
    monkeypatch.setenv("KALSHI_PRIVATE_KEY_PASSWORD", SECRET)
    checkup = kp.doctor(offline=True, data=tmp_path / "data")
    assert row(checkup, "KALSHI_ENVIRONMENT").finding == f"demo, from {tmp_path / '.env'}"
    assert row(checkup, "KALSHI_API_KEY_ID").finding == f"set, from {tmp_path / '.env'}"
    assert row(checkup, "KALSHI_PRIVATE_KEY").finding == "set, from the environment"
    assert row(checkup, "KALSHI_PORTFOLIO_DATA").finding == f"{tmp_path / 'data'}, from an argument"
    assert row(checkup, "private key").finding == "readable, RSA, 2048 bits"
    shown = str(checkup) + checkup._repr_html_()
    assert SECRET not in shown
    assert PEM.decode().splitlines()[1] not in shown


@pytest.mark.skipif(os.name != "posix", reason="files have no such permissions there")
def test_a_key_file_that_others_can_read_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(PEM)
    (tmp_path / "key").chmod(0o644)
    checkup = kp.doctor(tmp_path / "data", offline=True, api_key_id="a", private_key_path=tmp_path / "key")
    assert row(checkup, "private key").state == "warn"
    assert f"chmod 600 {tmp_path / 'key'}" in row(checkup, "private key").advice


@pytest.mark.skipif(os.name != "posix", reason="files have no such permissions there")
@pytest.mark.parametrize(("mode", "state"), [(0o600, "ok"), (0o644, "warn")])
def test_an_env_file_with_a_secret_must_be_private(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, state: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("KALSHI_PRIVATE_KEY_PASSWORD=x\n")
    (tmp_path / ".env").chmod(mode)
    assert row(kp.doctor(offline=True), ".env").state == state


def test_a_key_without_its_id_is_told_apart(tmp_path: Path) -> None:
    checkup = kp.doctor(tmp_path, offline=True, private_key=PEM.decode())
    assert row(checkup, "private key").finding.endswith("but KALSHI_API_KEY_ID is not set")


def test_an_unreadable_key_is_a_row(tmp_path: Path) -> None:
    checkup = kp.doctor(tmp_path, offline=True, api_key_id="a", private_key="no key at all")
    assert row(checkup, "private key").state == "fail"


class Off(SimulatedTransport):
    """An exchange whose clock is ahead."""

    def __init__(self, seconds: int) -> None:
        super().__init__(_exchange())
        self.seconds = seconds

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        stamp = _exchange().now + timedelta(seconds=self.seconds)
        response.headers["Date"] = f"{stamp.astimezone(UTC):%a, %d %b %Y %H:%M:%S} GMT"
        return response


@pytest.mark.parametrize(
    ("seconds", "state", "words"),
    [(0, "ok", "to a second"), (4, "ok", "behind"), (40, "warn", "s behind"), (-40, "warn", "s ahead of")],
)
def test_the_clock_is_compared_with_the_servers_date(healthy: Path, seconds: int, state: str, words: str) -> None:
    found = row(kp.doctor(healthy, connection=link_over(Off(seconds))), "clock")
    assert (found.state, words in found.finding) == (state, True)
    if seconds == 40:
        assert found.finding.startswith(("39 s", "40 s", "41 s"))


def test_a_key_that_may_trade_is_more_than_is_needed(healthy: Path) -> None:
    def trading(path: str, body: dict[str, Any]) -> None:
        for key in body.get("api_keys", []) if path == "/api_keys" else []:
            key["scopes"] = ["read", "write::trade"]

    found = row(kp.doctor(healthy, connection=link_over(Unruly(_exchange(), edit=trading))), "permissions")
    assert found.state == "warn"
    assert "write::trade" in found.finding


@pytest.mark.parametrize(
    ("refuse", "failed"),
    [
        ({"/account/limits": 403, "/api_keys": 403}, []),
        ({"/account/limits": 401}, ["key"]),
        ({"/portfolio/fills": 403}, ["key"]),
        ({"/exchange/status": 404}, ["reachable"]),
        ({"/exchange/user_data_timestamp": 404}, []),
    ],
)
def test_what_the_exchange_refuses_is_a_row(healthy: Path, refuse: dict[str, int], failed: list[str]) -> None:
    checkup = kp.doctor(healthy, connection=link_over(Unruly(_exchange(), refuse=refuse)))
    assert named(checkup, "fail") == failed


def test_a_folder_of_another_account_fails(root: Path) -> None:
    link = demo_connection()
    other = replace(link, identity=Identity("elsewhere.example", "prod"))
    assert "elsewhere.example" in row(kp.doctor(root, connection=other), "account").finding
    assert not kp.doctor(root, connection=other).ok


def test_a_gap_is_a_warning(root: Path) -> None:
    file_of(root, "fills", 5).unlink()
    checkup = kp.doctor(root, offline=True)
    assert "fills of subaccount" in next(f.finding for f in checkup.findings if f.name == "gap")
    assert checkup.ok


def test_the_kind_of_file_system_is_that_of_the_nearest_mount(tmp_path: Path) -> None:
    mounts = tmp_path / "mountinfo"
    lines = [
        "22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw",
        f"30 22 0:40 / {tmp_path} rw - nfs4 server:/x rw",
        f"31 22 0:41 / {tmp_path}-other rw - tmpfs tmpfs rw",
    ]
    mounts.write_text("\n".join(lines))
    assert file_system(tmp_path / "data", mounts) == "nfs4"
    assert file_system(tmp_path.parent, mounts) == "ext4"
    assert file_system(tmp_path, tmp_path / "none") is None


def test_a_network_file_system_is_warned_about(healthy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[file_system.__module__], "file_system", lambda _: "nfs4")
    assert row(kp.doctor(healthy, offline=True), "file system").state == "warn"


def test_little_space_is_warned_about(healthy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1_000_000))
    found = row(kp.doctor(healthy, offline=True), "free space")
    assert (found.state, found.finding) == ("warn", "1.0 MB")


# --- repair


def test_a_flipped_bit_is_named_and_its_day_alone_is_fetched(root: Path) -> None:
    before = contents(root)
    damaged = file_of(root, "fills", -3)
    flip(damaged)
    day = date.fromisoformat(damaged.parent.name.removeprefix("date="))
    assert str(damaged) in row(kp.doctor(root, offline=True), "damaged file").finding

    transport = Unruly(_exchange())
    checkup = kp.doctor(root, repair=True, connection=link_over(transport))

    assert checkup.ok
    assert row(checkup, damaged.relative_to(root).as_posix()).finding.startswith("fetched anew")
    assert contents(root) == before
    start = int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())
    asked = [q for q in transport.queries("/portfolio/fills") if q.get("limit") != "1"]
    assert asked
    for query in asked:
        assert int(query["min_ts"]) >= start - 1
        assert int(query["max_ts"]) <= start + 86_400 + 2
    others = ("/portfolio/settlements", "/portfolio/positions", "/portfolio/deposits", "/markets")
    assert not set(transport.paths) & set(others)


def test_an_archived_days_fills_are_fetched_from_the_archive(root: Path) -> None:
    before = contents(root)
    flip(file_of(root, "fills", 10))
    transport = Unruly(_exchange())
    assert kp.doctor(root, repair=True, connection=link_over(transport)).ok
    assert contents(root) == before
    for query in transport.queries("/historical/fills"):
        assert int(query["max_ts"]) - int(query["min_ts"]) <= 86_400 + 3


def test_nothing_new_is_fetched_by_a_repair(tmp_path: Path) -> None:
    exchange = SimulatedExchange(fills=300)
    kp.sync(tmp_path, connection=demo_connection(exchange), progress=False)
    before = read(tmp_path, FILLS)
    flip(file_of(tmp_path, "fills", -3))
    exchange.advance(NOW + timedelta(days=2))
    transport = Unruly(exchange)
    link = connect(exchange, transport, host=demo_connection(exchange).identity.host)
    assert kp.doctor(tmp_path, repair=True, connection=link).ok
    assert read(tmp_path, FILLS).drop("synced_at").equals(before.drop("synced_at"))
    fetched = [query for query in transport.queries("/portfolio/fills") if query["limit"] != "1"]
    assert fetched
    assert all(int(query["max_ts"]) < NOW.timestamp() for query in fetched)


def test_the_damaged_file_is_kept_where_no_glob_sees_it(root: Path) -> None:
    damaged = file_of(root, "fills", 7)
    flip(damaged)
    content = damaged.read_bytes()
    kp.doctor(root, repair=True)
    kept = [path for path in (root / ".damaged").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [content]
    assert kept[0].suffix == ".damaged"
    assert not [path for path in (root / ".damaged").rglob("*.parquet") if path.is_file()]


@pytest.mark.parametrize("dataset", ["settlements", "transfers", "markets", "positions", "balances", "sync_log"])
def test_the_newest_file_of_every_dataset_can_be_mended(root: Path, dataset: str) -> None:
    before = contents(root)
    flip(file_of(root, dataset, -1))
    assert not kp.doctor(root, offline=True).ok
    checkup = kp.doctor(root, repair=True)
    assert checkup.ok, str(checkup)
    after = contents(root)
    if dataset == "markets":  # its quotes are those of now
        assert len(after.pop("markets")) == len(before.pop("markets"))
    assert after == before
    assert kp.Portfolio(root).trades().height > 3000


def test_a_snapshot_of_a_past_day_is_lost_and_that_is_said(root: Path) -> None:
    store = Store.open(root)
    newest = store.partitions(kp.schema.SNAPSHOTS)[-1]
    old = root / "positions" / f"date={newest - timedelta(days=30)}" / "data.parquet"
    old.parent.mkdir()
    old.write_bytes(b"what was seen then")
    transport = Unruly(_exchange())
    checkup = kp.doctor(root, repair=True, connection=link_over(transport))
    found = row(checkup, old.relative_to(root).as_posix())
    assert (found.state, "cannot be fetched" in found.finding) == ("warn", True)
    assert "/portfolio/positions" not in transport.paths


def test_rows_that_do_not_come_back_are_counted(root: Path) -> None:
    damaged = file_of(root, "fills", -3)
    rows = read(root, FILLS)
    there = rows.filter(rows["executed_at"].dt.date() == date.fromisoformat(damaged.parent.name[5:])).height
    flip(damaged)

    def forgetful(path: str, body: dict[str, Any]) -> None:
        if path in {"/portfolio/fills", "/historical/fills"}:
            body["fills"] = (body["fills"] or [])[:1]
            body["cursor"] = None

    checkup = kp.doctor(root, repair=True, connection=link_over(Unruly(_exchange(), edit=forgetful)))
    found = row(checkup, damaged.relative_to(root).as_posix())
    assert found.state == "warn"
    assert found.finding.endswith("1 came back") or found.finding.endswith("0 came back")
    assert f"{there:,} row" in found.finding


def test_a_settlement_that_is_archived_is_rebuilt_and_that_is_said(root: Path) -> None:
    damaged = file_of(root, "settlements", 0)
    pnl = kp.Portfolio(root).pnl()
    flip(damaged)

    def archived(path: str, body: dict[str, Any]) -> None:
        if path == "/portfolio/settlements":
            body["settlements"] = []

    checkup = kp.doctor(root, repair=True, connection=link_over(Unruly(_exchange(), edit=archived)))
    found = row(checkup, damaged.relative_to(root).as_posix())
    assert found.state == "warn"
    assert "settled from their fills" in found.advice
    assert kp.Portfolio(root).pnl().equals(pnl)


def test_a_damaged_quarantine_has_all_its_dataset_read_again(root: Path) -> None:
    before = contents(root)
    (root / "quarantine").mkdir(exist_ok=True)
    (root / "quarantine" / "fills.json").write_text("[{")
    assert not kp.doctor(root, offline=True).ok
    transport = Unruly(_exchange())
    checkup = kp.doctor(root, repair=True, connection=link_over(transport))
    assert row(checkup, "quarantine/fills.json").state == "warn"
    assert checkup.ok
    assert contents(root) == before
    assert any("min_ts" not in query for query in transport.queries("/historical/fills"))


@pytest.mark.parametrize("lost", [True, False])
def test_a_marker_is_written_anew(root: Path, lost: bool) -> None:
    before = contents(root)
    marker = root / "kalshi-portfolio.json"
    mark = json.loads(marker.read_bytes())
    if lost:
        marker.unlink()
    else:
        marker.write_text('{"host"')
    assert row(kp.doctor(root, offline=True, connection=demo_connection()), "marker").state == "fail"
    checkup = kp.doctor(root, repair=True, connection=demo_connection())
    assert checkup.ok, str(checkup)
    assert json.loads(marker.read_bytes())["host"] == mark["host"]
    assert contents(root) == before


def test_a_marker_is_not_written_anew_for_another_account(root: Path) -> None:
    marker = root / "kalshi-portfolio.json"
    marker.write_text("{")

    def nothing(path: str, body: dict[str, Any]) -> None:  # the key of another account finds none of our fills
        for rows in ("fills", "deposits", "withdrawals", "transfers"):
            if rows in body:
                body[rows] = []

    link = link_over(Unruly(_exchange(), edit=nothing))
    link = replace(link, identity=replace(link.identity, key_fingerprint="another"))
    checkup = kp.doctor(root, repair=True, connection=link)
    assert "another account" in row(checkup, "repair").finding
    assert not checkup.ok
    assert marker.read_text() == "{"


def test_a_repair_is_not_begun_without_the_exchange(root: Path) -> None:
    flip(file_of(root, "fills", 5))
    before = everything(root)
    broken = link_over(Unruly(_exchange(), fail_at=1))
    checkup = kp.doctor(root, repair=True, connection=broken)
    assert row(checkup, "repair").finding == "not begun, because of: reachable"
    assert everything(root) == before


def test_a_repair_that_breaks_off_leaves_an_open_window(root: Path) -> None:
    before = contents(root)
    flip(file_of(root, "fills", -3))
    checked = Unruly(_exchange())
    kp.doctor(root, connection=link_over(checked))
    broken = link_over(Unruly(_exchange(), fail_at=len(checked.asked) + 3))
    checkup = kp.doctor(root, repair=True, connection=broken)
    assert any("could not be fetched" in finding.finding for finding in checkup.findings)
    assert "gap" in {finding.name for finding in checkup.findings}
    kp.sync(root, connection=demo_connection(), progress=False)
    assert contents(root) == before


def test_repairing_a_whole_folder_fetches_nothing(root: Path) -> None:
    transport = Unruly(_exchange())
    checkup = kp.doctor(root, repair=True, connection=link_over(transport))
    assert row(checkup, "repair").finding == "no file is damaged"
    assert not (root / ".damaged").exists()
    assert "/historical/cutoff" not in transport.paths


def test_a_repair_without_the_exchange_means_nothing(root: Path) -> None:
    with pytest.raises(ArgumentError, match="Choose one"):
        kp.doctor(root, repair=True, offline=True)


def test_a_checkup_shows_itself() -> None:
    rows = (Finding("data", "a", "<b>\x1b[2J", "fail", "do & go"), Finding("program", "b", "c"))
    checkup = Checkup(rows)
    assert str(checkup).splitlines()[0] == "program"
    assert "\x1b" not in str(checkup) + checkup._repr_html_()
    assert "<b>\x1b" not in checkup._repr_html_()
    assert "do &amp; go" in checkup._repr_html_()
    assert checkup.verdict() == "1 failed"
    assert (Checkup(rows[1:]).verdict(), Checkup(rows[1:]).ok) == ("nothing is wrong", True)


def test_the_mended_account_reconciles(root: Path, recwarn: pytest.WarningsRecorder) -> None:
    for number in (2, 50, 200, -2):
        flip(file_of(root, "fills", number))
    assert kp.doctor(root, repair=True).ok
    assert kp.Portfolio(root).reconcile()["ok"].all()
    assert not recwarn.list


def test_an_env_file_above_is_not_read_and_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("KALSHI_ENVIRONMENT=demo\n")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    checkup = kp.doctor(offline=True)
    assert f"{tmp_path / '.env'} is not read" in row(checkup, ".env").finding
    assert row(checkup, "KALSHI_ENVIRONMENT").finding.startswith("prod")
