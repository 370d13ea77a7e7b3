"""Signed requests go to the exchange that was configured, over TLS that is verified, and nowhere else."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import ssl
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, unquote_to_bytes, urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from fault_exchange import FOREVER, Asked, Fault, FaultExchange, Reply

import kalshi_portfolio as kp
from kalshi_portfolio.auth import Signer
from kalshi_portfolio.client.answers import http_date, retry_after
from kalshi_portfolio.errors import ArgumentError, ConnectionFailedError, ProtocolError, SettingsError
from kalshi_portfolio.loops import run
from kalshi_portfolio.simulation import SimulatedExchange

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASE = "https://external-api.kalshi.com/trade-api/v2"


@pytest.fixture(scope="module")
def exchange() -> SimulatedExchange:
    return SimulatedExchange.tiny()  # type: ignore[return-value]


@pytest.fixture(scope="module")
def signer(exchange: SimulatedExchange) -> Signer:
    key = exchange.credentials()
    return Signer.from_pem(key.key_id, key.private_key_pem.encode())


@pytest.fixture
def own(exchange: SimulatedExchange) -> Iterator[FaultExchange]:
    with FaultExchange(exchange) as served:
        yield served


@pytest.fixture
def other(exchange: SimulatedExchange) -> Iterator[FaultExchange]:
    with FaultExchange(exchange) as served:
        yield served


def fills(signer: Signer, base_url: str, **options: Any) -> list[Any]:
    """Ask for all pages of fills."""
    given: dict[str, Any] = {"signer": signer, "base_url": base_url, "attempts": 2} | options
    client = kp.KalshiClient(**given)

    async def ask() -> list[Any]:
        async with client:
            return [page async for page in client.pages("fills")]

    return run(ask())


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("kind", ["other", "plain other", "same", "protocol-relative", "https"])
def test_no_redirect_is_followed_over_a_real_socket(
    own: FaultExchange, other: FaultExchange, signer: Signer, status: int, kind: str
) -> None:
    there = urlsplit(other.base_url)
    target = {
        "other": f"{other.base_url}/portfolio/fills",
        "plain other": f"http://localhost:{there.port}/trade-api/v2/portfolio/fills",
        "same": f"{own.base_url}/portfolio/balance",
        "protocol-relative": f"//{there.netloc}/trade-api/v2/portfolio/fills",
        "https": f"https://{there.netloc}/trade-api/v2/portfolio/fills",
    }[kind]

    def redirect(reply: Reply) -> None:
        reply.status, reply.headers["Location"], reply.body = status, target, b""

    own.faults = [Fault("redirect", times=FOREVER, reply=redirect)]
    with pytest.raises(ProtocolError, match="not followed"):
        fills(signer, own.base_url)
    assert other.asked == []
    assert [asked.path for asked in own.asked] == ["/portfolio/fills"]


@pytest.mark.parametrize("location", ["http://[::1", "//[", "http://a:99999999/", "\x01", "https://evil/\x1b[2J", ""])
def test_a_redirect_to_no_address_is_our_error_and_steers_no_terminal(location: str, signer: Signer) -> None:
    answer = httpx.MockTransport(lambda _: httpx.Response(302, headers={"Location": location}))
    with pytest.raises((ProtocolError, ConnectionFailedError)) as caught:
        fills(signer, BASE, transport=answer)
    assert str(caught.value).isprintable()


def test_an_address_as_a_cursor_is_a_parameter_and_no_destination(
    own: FaultExchange, other: FaultExchange, signer: Signer
) -> None:
    came: list[str] = []

    def note(asked: Asked) -> None:
        came.append(asked.query.pop("cursor"))  # the exchange knows no such cursor: it gives its first page again

    for cursor in (f"{other.base_url}/portfolio/fills", "//evil.example", "../../x", "a&cursor=b#c\r\nHost: evil"):

        def give(_: Asked, body: dict[str, Any], cursor: str = cursor) -> None:
            body["cursor"] = "" if cursor in came else cursor

        own.faults = [
            Fault("note", times=FOREVER, cursor=True, before=note),
            Fault("cursor", times=FOREVER, rows=give),
        ]
        fills(signer, own.base_url)
    assert other.asked == []
    assert {asked.path for asked in own.asked} == {"/portfolio/fills"}
    assert came[1:] == ["//evil.example", "../../x", "a&cursor=b#c\r\nHost: evil"]


# Addresses

HOSTILE = (
    "../../portfolio/balance", "a/../../b", "%2e%2e%2f", "%2E%2E", "..%00", "a?b=c", "a#b", "a&limit=1",
    "a\r\nHost: evil.example", "\x00", "a b", "é日本🏈", "\u202egnp", ";rm", "\\\\evil\\x", "//evil.example/x",
    "https://evil.example/x", "@evil.example", "x" * 8000,
)  # fmt: skip


@pytest.mark.parametrize("ticker", HOSTILE, ids=lambda ticker: repr(ticker[:20]))
def test_a_ticker_is_one_part_of_the_path_or_one_value_of_the_query(ticker: str, signer: Signer) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"market": {}, "event": {}, "series": {}, "markets": [], "fills": []})

    client = kp.KalshiClient(signer=signer, transport=httpx.MockTransport(answer), requests_per_second=None)

    async def ask() -> None:
        async with client:
            await client.get_market(ticker)
            await client.get_event(ticker)
            await client.get_series(ticker)
            await client.get_fills(ticker)
            await client.get_markets([ticker])

    run(ask())
    for request, path in zip(seen, ("markets", "events", "series"), strict=False):
        raw, _, query = request.url.raw_path.partition(b"?")
        *before, last = raw.split(b"/")
        assert before == [b"", b"trade-api", b"v2", path.encode()]
        assert unquote_to_bytes(last) == ticker.encode()
        assert query == b""
    for request in seen:
        assert (request.url.scheme, request.url.host) == ("https", "external-api.kalshi.com")
        assert all(32 < byte < 127 for byte in request.url.raw_path)
    assert seen[3].url.params["ticker"] == seen[4].url.params["tickers"] == ticker
    assert len(seen[3].url.params) == 2  # and the limit


@pytest.mark.parametrize("ticker", ["x" * 70_000, "\ud800", ".", "..", ""])
def test_a_ticker_that_no_address_can_hold_is_our_error(ticker: str) -> None:
    client = kp.KalshiPublicClient(transport=httpx.MockTransport(lambda _: httpx.Response(500)))

    async def ask() -> None:
        async with client:
            await client.get_market(ticker)

    with pytest.raises(ArgumentError):
        run(ask())


@pytest.mark.parametrize(
    "url",
    [
        "http://evil.example/trade-api/v2", "http://127.0.0.1.evil.example", "http://localhost.evil.example",
        "ftp://localhost", "https://user:hunter2@evil.example", "https://hunter2@evil.example",
        "https://evil.example/?x=hunter2", "file:///etc/passwd", "https://", "https://[::1", "//evil.example", "http://2130706434/x",
    ],
)  # fmt: skip
def test_a_client_refuses_an_address_that_is_not_safe_as_the_settings_do(url: str, signer: Signer) -> None:
    with pytest.raises(SettingsError, match="base_url") as signed:
        kp.KalshiClient(signer=signer, base_url=url)
    with pytest.raises(SettingsError, match="base_url") as public:
        kp.KalshiPublicClient(base_url=url)
    assert "hunter2" not in f"{signed.value}{public.value}"
    with pytest.raises(SettingsError):
        kp.Settings(api_base_url=url)


def test_a_host_is_taken_from_the_address_and_not_from_what_looks_like_one() -> None:
    settings = kp.Settings(api_base_url="https://external-api.kalshi.com.evil.example")
    assert settings.environment_name == "custom"
    assert unquote(settings.base_url) == "https://external-api.kalshi.com.evil.example/trade-api/v2"


# TLS


def certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """Make a self-signed certificate for some names and addresses."""
    key: EllipticCurvePrivateKey = generate_private_key(SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    alternatives: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(n)) if n[0].isdigit() else x509.DNSName(n) for n in names
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "cert.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(Encoding.PEM))
    paths[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths


@contextlib.contextmanager
def tls_server(cert: Path, key: Path) -> Iterator[tuple[str, list[bytes]]]:
    """Serve one empty page of fills to whoever trusts the certificate; give the address and what was heard."""
    heard: list[bytes] = []
    body = b'{"fills": [], "cursor": ""}'

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    def serve() -> None:
        with contextlib.suppress(OSError):  # a refused handshake, and the end of the test
            while True:
                plain, _ = listening.accept()
                with contextlib.suppress(OSError), plain, context.wrap_socket(plain, server_side=True) as sealed:
                    heard.extend(filter(None, [sealed.recv(65_536)]))
                    sealed.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listening.getsockname()[1]}", heard
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


@pytest.mark.parametrize(
    ("names", "trusted"), [(["127.0.0.1"], False), (["localhost", "10.0.0.1"], True)], ids=["self-signed", "other name"]
)
def test_a_certificate_that_is_not_good_ends_the_talk_before_a_byte_of_it(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch, names: list[str], trusted: bool
) -> None:
    cert, key = certificate(tmp_path, *names)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    with tls_server(cert, key) as (url, heard):
        with pytest.raises(ConnectionFailedError, match="CERTIFICATE_VERIFY_FAILED"):
            fills(signer, url)
        assert heard == []


def test_a_certificate_that_the_user_trusts_is_taken(
    tmp_path: Path, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    cert, key = certificate(tmp_path, "127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    with tls_server(cert, key) as (url, heard):
        fills(signer, url)
        assert len(heard) == 1
        assert b"KALSHI-ACCESS-SIGNATURE" in heard[0].upper()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HTTPS_PROXY", "xx://user:hunter2@proxy.example:1"),
        ("HTTPS_PROXY", "http://user:hunter2@proxy.example:port"),
        ("SSL_CERT_FILE", "/nowhere/to/be/found.pem"),
        ("SSL_CERT_FILE", __file__),
    ],
)
def test_a_proxy_or_certificates_that_cannot_be_used_are_named_without_their_password(
    monkeypatch: pytest.MonkeyPatch, signer: Signer, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name) as caught:
        fills(signer, BASE)
    assert "hunter2" not in str(caught.value)


# Headers of the exchange that no exchange sends


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 22 Nov 99999999999 18:05:00 GMT", "Sun, 22 Nov 2026 99999999999999999999:05:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 -1200", "Sun, 22 Nov 2026 18:05:00 +99999999999", "\x00", "x" * 10_000, ", ,", "",
    ],
)  # fmt: skip
def test_a_date_that_is_none_is_unknown(text: str) -> None:
    assert http_date(text) is None
    assert retry_after(text, datetime(2026, 1, 1, tzinfo=UTC)) is None
