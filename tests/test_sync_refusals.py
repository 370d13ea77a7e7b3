"""What cannot be synced: each time one clear error, and nothing on disk is changed or lost."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx
import stamina
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat
from sync_world import Unruly, connect, contents, everything, read, sync

import kalshi_portfolio as kp
from kalshi_portfolio.auth import Signer
from kalshi_portfolio.client import KalshiClient
from kalshi_portfolio.errors import (
    ArgumentError,
    AuthenticationError,
    ConnectionFailedError,
    DamagedFileError,
    KalshiPortfolioError,
    RootMismatchError,
    SettingsError,
    StoreError,
)
from kalshi_portfolio.schema import FILLS, SNAPSHOTS
from kalshi_portfolio.simulation import BASE_URL, NOW, ScriptedExchange, SimulatedExchange, SimulatedTransport
from kalshi_portfolio.store import Identity
from kalshi_portfolio.sync import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

T = "KXA-1-T1"
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture
def exchange() -> ScriptedExchange:
    return SimulatedExchange.tiny()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "d"


def refused(root: Path, kind: type[KalshiPortfolioError], link: Connection | None = None, **options: Any) -> str:
    """Try to sync; give the message, after making sure that nothing has changed."""
    before = everything(root) if root.is_dir() else None
    with pytest.raises(kind) as caught:
        kp.sync(root, connection=link, progress=False, **options)
    assert (everything(root) if root.is_dir() else None) == before
    return str(caught.value)


# Keys


def test_the_way_to_a_simulated_account_is_told_where_the_settings_do_not_lead_there(
    root: Path, exchange: ScriptedExchange
) -> None:
    sync(root, kp.demo_connection(exchange))
    key: dict[str, Any] = {"api_key_id": "a1b2", "private_key": exchange.credentials().private_key_pem}
    for settings in ({}, key):
        message = refused(root, RootMismatchError, **settings)
        assert f"kp.demo({str(root)!r})" in message
        assert f"kalshi-portfolio demo --root {root}" in message


def test_an_option_that_is_none_is_refused_with_near_ones(root: Path) -> None:
    message = refused(root, ArgumentError, roots="x")
    assert message.startswith("sync() has no option 'roots' (near: root). Expected its options, root, only, since")
    assert "api_key_id" in message
    assert "near: private_key" in refused(root, ArgumentError, private_kee="x")
    assert "near" not in refused(root, ArgumentError, colour="x")
    assert not root.exists()


def test_without_a_key_the_settings_are_named(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    message = refused(root, SettingsError)
    assert "KALSHI_API_KEY_ID" in message
    assert not root.exists()


@pytest.mark.parametrize("content", [b"no key at all", b"", b"\xff\xfe\x00"])
def test_a_key_file_that_is_none_is_named_and_not_quoted(root: Path, tmp_path: Path, content: bytes) -> None:
    key = tmp_path / "key.pem"
    key.write_bytes(content)
    key.chmod(0o600)
    message = refused(root, SettingsError, api_key_id="id", private_key_path=key)
    assert str(key) in message
    assert "no key at all" not in message
    assert not root.exists()


def test_a_key_file_that_is_not_there_is_named(root: Path, tmp_path: Path) -> None:
    assert "gone.pem" in refused(root, SettingsError, api_key_id="id", private_key_path=tmp_path / "gone.pem")


def test_an_encrypted_key_without_its_pass_phrase_says_so(root: Path, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    secret = Ed25519PrivateKey.generate()
    key.write_bytes(secret.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"pass")))
    key.chmod(0o600)
    message = refused(root, SettingsError, api_key_id="id", private_key_path=key)
    assert "KALSHI_PRIVATE_KEY_PASSWORD" in message


def test_a_wrong_key_names_every_possible_reason_and_no_id(root: Path, exchange: ScriptedExchange) -> None:
    sync(root, connect(exchange))
    stranger = SimulatedExchange.empty(seed=9).credentials()
    message = refused(root, AuthenticationError, connect(exchange, key=stranger))
    assert all(word in message for word in ("key id", "environment", "clock"))
    assert stranger.key_id not in message


def test_a_clock_that_jumped_is_set_by_the_exchange(root: Path, exchange: ScriptedExchange) -> None:
    key = exchange.credentials()

    def client() -> KalshiClient:
        return KalshiClient(
            base_url=BASE_URL,
            transport=SimulatedTransport(exchange),
            signer=Signer.from_pem(key.key_id, key.private_key_pem.encode()),
            clock=lambda: exchange.now.timestamp() - 3600,
            requests_per_second=None,
        )

    report = sync(root, Connection(client, Identity("simulated", "simulated"), paced=False))
    assert report["fills"].new == 10
    assert report.retries == 1


def test_a_new_key_of_the_same_account_is_accepted_once(root: Path, exchange: ScriptedExchange) -> None:
    sync(root, connect(exchange, fingerprint="one"))
    transport = Unruly(exchange)
    new = exchange.credentials("rsa")
    sync(root, connect(exchange, transport, key=new, fingerprint="two"))
    assert any(query.get("ticker") for query in transport.queries("/portfolio/fills"))
    transport = Unruly(exchange)
    sync(root, connect(exchange, transport, key=new, fingerprint="two"))
    assert not any(query.get("ticker") for query in transport.queries("/portfolio/fills"))


def test_a_new_key_is_accepted_by_an_archived_fill(root: Path) -> None:
    exchange = SimulatedExchange.empty()
    exchange.add_market(T, opens=NOW - 200 * DAY)
    exchange.trade(T, "yes", 1, "0.40", at=NOW - 150 * DAY)
    sync(root, connect(exchange, fingerprint="one"))
    assert sync(root, connect(exchange, fingerprint="two")).warnings == ()


def test_another_accounts_folder_is_refused_and_not_touched(root: Path, exchange: ScriptedExchange) -> None:
    sync(root, connect(exchange, fingerprint="one"))
    other = SimulatedExchange(fills=50)
    transport = Unruly(other)
    message = refused(root, RootMismatchError, connect(other, transport, fingerprint="two"))
    assert "another account" in message
    assert str(root) in message
    assert set(transport.paths) <= {"/exchange/user_data_timestamp", "/portfolio/fills", "/historical/fills"}


def test_another_account_without_fills_is_known_by_its_transfers(root: Path) -> None:
    first, second = SimulatedExchange.empty(), SimulatedExchange.empty(seed=2)
    for exchange in (first, second):
        exchange.deposit("100", at=NOW - DAY)
    sync(root, connect(first, fingerprint="one"))
    assert "another account" in refused(root, RootMismatchError, connect(second, fingerprint="two"))
    assert sync(root, connect(first, fingerprint="three")).warnings == ()


def test_a_folder_of_another_environment_is_refused_before_any_request(root: Path, exchange: ScriptedExchange) -> None:
    sync(root, connect(exchange))
    transport = Unruly(exchange)
    message = refused(root, RootMismatchError, connect(exchange, transport, host="elsewhere"))
    assert "elsewhere" in message
    assert transport.asked == []


# The line


def test_no_network_says_so_and_changes_nothing(root: Path, exchange: ScriptedExchange) -> None:
    sync(root, connect(exchange))
    with respx.mock(base_url="https://external-api.kalshi.com") as api:
        api.get(url__regex=".*").mock(side_effect=httpx.ConnectError("no route to host"))
        key = exchange.credentials()
        link = Connection(
            lambda: KalshiClient(signer=Signer.from_pem(key.key_id, key.private_key_pem.encode())),
            connect(exchange).identity,
        )
        message = refused(root, ConnectionFailedError, link)
    assert "check the network" in message


def test_a_refused_archive_is_said_and_asked_for_again(root: Path) -> None:
    exchange = SimulatedExchange.empty()
    exchange.add_market(T, opens=NOW - 200 * DAY)
    for day in (150, 2):
        exchange.trade(T, "yes", 1, "0.40", at=NOW - day * DAY)
    report = sync(root, connect(exchange, Unruly(exchange, refuse={"/historical/fills": 404})))
    assert any("archive of fills" in text for text in report.warnings)
    assert report.missing["fills"]
    assert read(root, FILLS).height == 1
    assert kp.Portfolio(root).positions()["complete"].to_list() == [False]
    report = sync(root, connect(exchange))
    assert (report["fills"].new, report.warnings) == (1, ())
    assert report.missing["fills"] == ()


def test_an_exchange_without_an_archive_is_read_live_and_complete(root: Path, exchange: ScriptedExchange) -> None:
    refuse = {"/historical/cutoff": 404, "/historical/fills": 404}
    report = sync(root, connect(exchange, Unruly(exchange, refuse=refuse)))
    assert any("no archive cutoff" in text for text in report.warnings)
    assert (report["fills"].new, report.missing["fills"]) == (10, ())


def test_a_cutoff_that_is_no_longer_told_leaves_the_windows_open(root: Path, exchange: ScriptedExchange) -> None:
    sync(root, connect(exchange))
    exchange.advance(NOW + 90 * DAY)
    report = sync(root, connect(exchange, Unruly(exchange, refuse={"/historical/cutoff": 404})))
    assert any("reads it again" in text for text in report.warnings)
    assert report.missing["fills"]
    assert sync(root, connect(exchange)).missing["fills"] == ()


@pytest.mark.parametrize("status", [403, 404])
def test_lists_that_the_key_may_not_read_are_passed_over_and_said(
    root: Path, exchange: ScriptedExchange, status: int
) -> None:
    refuse = {"/portfolio/deposits": status, "/portfolio/balance": status}
    report = sync(root, connect(exchange, Unruly(exchange, refuse=refuse)))
    assert any("'deposit'" in text for text in report.warnings)
    assert any("balance could not be read" in text for text in report.warnings)
    assert report["fills"].new == 10
    assert report["transfers"].new == 1


def test_an_account_whose_subaccounts_cannot_be_listed_is_the_primary_one(
    root: Path, exchange: ScriptedExchange
) -> None:
    sync(root, connect(exchange, Unruly(exchange, refuse={"/portfolio/subaccounts/balances": 404})))
    sync(root.with_name("e"), connect(exchange))
    ours, theirs = contents(root), contents(root.with_name("e"))
    assert {name: rows for name, rows in ours.items() if name != "balances"} == {
        name: rows for name, rows in theirs.items() if name != "balances"
    }
    assert [row[:3] for row in ours["balances"]] == [row[:3] for row in theirs["balances"]]


def test_an_exchange_that_does_not_tell_its_time_is_taken_by_its_date_header(
    root: Path, exchange: ScriptedExchange
) -> None:
    report = sync(root, connect(exchange, Unruly(exchange, refuse={"/exchange/user_data_timestamp": 500})))
    assert report["fills"].new == 10


# Restricted keys


@pytest.fixture
def two() -> ScriptedExchange:
    exchange = SimulatedExchange.empty(subaccounts=3)
    exchange.add_market(T)
    exchange.trade(T, "yes", 5, "0.40", at=NOW - 2 * DAY)
    exchange.trade(T, "no", 3, "0.40", subaccount=2, at=NOW - DAY)
    return exchange


def test_a_key_locked_to_a_subaccount_reads_it_under_its_own_number(root: Path, two: ScriptedExchange) -> None:
    report = sync(root, connect(two, key=two.credentials(subaccount=2)))
    assert read(root, FILLS).select("subaccount", "side").rows() == [(2, "no")]
    assert read(root, SNAPSHOTS)["subaccount"].to_list() == [2]
    assert any("could not be read" in text for text in report.warnings)
    assert report.missing["fills"] == ()
    assert sync(root, connect(two))["fills"].new == 1
    assert kp.Portfolio(root).positions()["complete"].to_list() == [True, True]


def test_a_locked_key_closes_no_position_of_other_subaccounts(root: Path, two: ScriptedExchange) -> None:
    sync(root, connect(two, host="one"))
    two.advance(NOW + DAY)
    sync(root, connect(two, key=two.credentials(subaccount=2), host="one"))
    latest = read(root, SNAPSHOTS).sort("last_synced").unique(SNAPSHOTS.key, keep="last")
    assert sorted(latest.select("subaccount", "closed_at").rows()) == [(0, None), (2, None)]


def test_a_locked_key_of_which_nothing_tells_the_number_completes_and_closes_nothing(
    root: Path, two: ScriptedExchange
) -> None:
    sync(root, connect(two, host="one"))
    two.advance(NOW + DAY)
    report = sync(root, connect(two, key=two.credentials(subaccount=1), host="one"))
    assert any("restricted" in text for text in report.warnings)
    latest = read(root, SNAPSHOTS).sort("last_synced").unique(SNAPSHOTS.key, keep="last")
    assert latest["closed_at"].null_count() == latest.height == 2


# The folder


def test_a_file_in_place_of_the_folder_is_named(root: Path, exchange: ScriptedExchange) -> None:
    root.write_text("a file")
    transport = Unruly(exchange)
    with pytest.raises(StoreError, match="d cannot be"):
        sync(root, connect(exchange, transport))
    assert root.read_text() == "a file"
    assert transport.asked == []


def test_a_folder_of_something_else_is_refused(root: Path, exchange: ScriptedExchange) -> None:
    root.mkdir()
    (root / "thesis.docx").write_text("dear")
    assert "thesis.docx" in refused(root, StoreError, connect(exchange))


def test_a_damaged_file_is_named_and_left_as_it_is(root: Path, exchange: ScriptedExchange) -> None:
    sync(root, connect(exchange, host="one"))
    victim = max((root / "fills").rglob("*.parquet"))
    victim.write_bytes(victim.read_bytes()[:-20])
    lost = victim.read_bytes()
    exchange.trade("KXFED-26DEC-T3.75", "no", 1, "0.60")
    exchange.advance(NOW + timedelta(hours=1))
    with pytest.raises(DamagedFileError, match="move it away and sync again") as caught:
        sync(root, connect(exchange, host="one"))
    assert str(victim) in str(caught.value)
    assert victim.read_bytes() == lost
    victim.unlink()
    assert sync(root, connect(exchange, host="one")).missing["fills"] == ()
    assert read(root, FILLS).height == 11


def test_arguments_without_a_meaning_are_refused_before_a_folder_is_made(
    root: Path, exchange: ScriptedExchange
) -> None:
    wrong: list[dict[str, Any]] = [{"only": "trades"}, {"only": []}, {"since": "soon"}]
    for options in wrong:
        refused(root, ArgumentError, connect(exchange), **options)
    assert not root.exists()


# Rows that do not fit


def test_a_row_that_does_not_fit_is_set_aside_and_released_once_it_does(root: Path, exchange: ScriptedExchange) -> None:
    bad = exchange.fills[-1]

    def spoil(path: str, body: dict[str, Any]) -> None:
        for row in body.get("fills", []):
            if row["fill_id"] == bad.fill_id:
                row["count_fp"] = "1.005"

    for _ in range(2):
        report = sync(root, connect(exchange, Unruly(exchange, edit=spoil)))
        assert report.in_quarantine == 1
        assert "1 row in quarantine" in str(report)
    assert read(root, FILLS).height == 9
    positions = kp.Portfolio(root).positions()
    assert positions.filter(ticker=bad.ticker)["complete"].to_list() == [False]
    assert positions.filter(ticker=bad.ticker)["net_pnl_cents"].to_list() == [None]
    report = sync(root, connect(exchange))
    assert (report.in_quarantine, report["fills"].new) == (0, 1)
    assert kp.Portfolio(root).positions()["complete"].all()


def test_an_old_row_in_quarantine_is_read_again_by_its_ticker(root: Path, exchange: ScriptedExchange) -> None:
    old = exchange.fills[0]

    def spoil(path: str, body: dict[str, Any]) -> None:
        for row in body.get("fills", []):
            if row["fill_id"] == old.fill_id:
                row["yes_price_dollars"] = "cheap"

    assert sync(root, connect(exchange, Unruly(exchange, edit=spoil)))["fills"].set_aside == 1
    assert sync(root, connect(exchange)).in_quarantine == 0
    assert read(root, FILLS).height == 10


@pytest.mark.parametrize(
    ("key", "name"), [("settlements", "revenue"), ("deposits", "amount_cents"), ("subaccount_balances", "balance")]
)
def test_one_bad_row_of_any_list_leaves_the_others(root: Path, exchange: ScriptedExchange, key: str, name: str) -> None:
    exchange.deposit("7")

    def spoil(path: str, body: dict[str, Any]) -> None:
        if key in body and path != "/portfolio/balance":
            body[key][0][name] = "lots"

    report = sync(root, connect(exchange, Unruly(exchange, edit=spoil)))
    dataset = {"deposits": "transfers", "subaccount_balances": "balances"}.get(key, key)
    assert report[dataset].set_aside == 1
    assert report[dataset].new == report[dataset].received - 1 > 0
    assert sync(root, connect(exchange)).in_quarantine == 0
    sync(root.with_name("e"), connect(exchange))
    assert contents(root) == contents(root.with_name("e"))


def test_a_start_in_the_future_of_the_exchanges_clock_is_refused(root: Path) -> None:
    message = refused(root, ArgumentError, kp.demo_connection(SimulatedExchange.tiny()), since="2126-01-01")
    assert "2126-01-01 00:00 UTC lies in the future: the exchange's clock says 2026-" in message
    assert not root.exists()
