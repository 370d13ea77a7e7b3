"""The client against answers of every kind: right, wrong, cut off, late, and in another shape."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest
import respx
import stamina
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kalshi_portfolio.auth import Signer
from kalshi_portfolio.client import ENDPOINTS, KalshiClient, KalshiPublicClient, Page
from kalshi_portfolio.client.answers import retry_after
from kalshi_portfolio.errors import (
    ApiError,
    ArgumentError,
    AuthenticationError,
    BadRequestError,
    ConnectionFailedError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

T = TypeVar("T")

BASE = "https://external-api.kalshi.com/trade-api/v2"
KEY_ID = "a1b2c3d4-0000-4000-8000-000000000000"
KEY = Ed25519PrivateKey.generate()
SIGNER = Signer.from_pem(KEY_ID, KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
NOW = datetime(2026, 11, 22, 18, 5, tzinfo=UTC)
NO_FILLS = {"fills": [], "cursor": ""}


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=BASE, assert_all_called=False) as router:
        yield router


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


class Clock:
    """A clock that goes on by a second with each look, so that no two requests have the same time."""

    def __init__(self, start: datetime = NOW) -> None:
        self.now = start.timestamp()

    def __call__(self) -> float:
        self.now += 1
        return self.now


def client(**options: Any) -> KalshiClient:
    return KalshiClient(signer=SIGNER, requests_per_second=None, **{"clock": Clock(), **options})


def ask(call: Callable[[KalshiClient], Awaitable[T]], made: KalshiClient | None = None) -> T:
    async def session() -> T:
        async with made or client() as opened:
            return await call(opened)

    with asyncio.Runner() as runner:
        return runner.run(session())


def collect(name: str, **params: Any) -> list[Page]:
    async def pages(opened: KalshiClient) -> list[Page]:
        return [page async for page in opened.pages(name, **params)]

    return ask(pages)


def queries(route: respx.Route) -> list[dict[str, str]]:
    return [dict(call.request.url.params) for call in route.calls]


def dated(when: datetime) -> dict[str, str]:
    return {"Date": format_datetime(when, usegmt=True)}


def verify(request: httpx.Request) -> int:
    """Check a request's signature against what was sent; give its time in ms."""
    stamp = request.headers["KALSHI-ACCESS-TIMESTAMP"]
    path = request.url.raw_path.partition(b"?")[0]
    signature = base64.b64decode(request.headers["KALSHI-ACCESS-SIGNATURE"])
    KEY.public_key().verify(signature, stamp.encode() + b"GET" + path)
    return int(stamp)


# What is sent


def test_fills_are_asked_for_with_exactly_the_given_parameters(api: respx.MockRouter) -> None:
    route = api.get("/portfolio/fills").respond(json=NO_FILLS)
    ask(lambda c: c.get_fills("A-1", 10, 20, 500, "next", subaccount=0, exchange_index=2, order_id="o"))
    ask(lambda c: c.get_fills())
    assert queries(route) == [
        {
            "ticker": "A-1",
            "min_ts": "10",
            "max_ts": "20",
            "limit": "500",
            "cursor": "next",
            "subaccount": "0",
            "exchange_index": "2",
            "order_id": "o",
        },
        {"limit": "100"},
    ]


def test_sequences_become_comma_lists_and_booleans_lower_case(api: respx.MockRouter) -> None:
    route = api.get("/events").respond(json={"events": [], "cursor": None})
    ask(lambda c: c.get_events(["A", "B"], with_nested_markets=False))
    assert queries(route) == [{"tickers": "A,B", "with_nested_markets": "false", "limit": "100"}]


def test_a_request_says_who_asks_and_wants_english(api: respx.MockRouter) -> None:
    route = api.get("/portfolio/fills").respond(json=NO_FILLS)
    ask(lambda c: c.get_fills())
    headers = route.calls.last.request.headers
    assert headers["User-Agent"].startswith("kalshi-portfolio/")
    assert (headers["Accept"], headers["Accept-Language"]) == ("application/json", "en")


def test_a_signature_verifies_for_the_path_as_sent(api: respx.MockRouter) -> None:
    route = api.get("/portfolio/fills").respond(json=NO_FILLS)
    ask(lambda c: c.get_fills("A B/C?"))
    assert verify(route.calls.last.request) == int((NOW.timestamp() + 1) * 1000)
    assert route.calls.last.request.headers["KALSHI-ACCESS-KEY"] == KEY_ID


def test_public_requests_are_unsigned_in_both_clients(api: respx.MockRouter) -> None:
    route = api.get("/historical/cutoff").respond(json={"trades_created_ts": "2026-09-01T00:00:00Z"})
    ask(lambda c: c.get_historical_cutoff())
    assert not any("kalshi-access" in name for name in route.calls.last.request.headers)


def test_a_ticker_cannot_walk_to_another_path(api: respx.MockRouter) -> None:
    route = api.get(url__startswith=BASE).respond(json={"market": {}})
    ask(lambda c: c.get_market("../portfolio/fills?a=1#b"))
    assert route.calls.last.request.url.raw_path == b"/trade-api/v2/markets/..%2Fportfolio%2Ffills%3Fa%3D1%23b"
    for ticker in ("", ".", ".."):
        with pytest.raises(ArgumentError, match="ticker is"):
            ask(lambda c, ticker=ticker: c.get_market(ticker))  # type: ignore[misc]


def test_every_named_method_has_its_endpoint(api: respx.MockRouter) -> None:
    bodies: dict[str, Any] = {"market": {}, "event": {}, "series": {}, "read": {}}
    bodies |= {endpoint.rows or endpoint.keys[0]: [] for endpoint in ENDPOINTS.values() if endpoint.rows}
    bodies |= {"balance": 1, "trades_created_ts": "", "as_of_time": "", "exchange_active": True}
    api.get(url__startswith=BASE).respond(json=bodies)
    needs = {"market": ["M"], "historical_market": ["M"], "event": ["E"], "series": ["S"]}
    without_method = {"historical_orders", "trades"}

    async def everything(opened: KalshiClient) -> None:
        for name in ENDPOINTS.keys() - without_method:
            await getattr(opened, f"get_{name}")(*needs.get(name, []))

    ask(everything)
    called = {call.request.url.path.removeprefix("/trade-api/v2") for call in api.calls}
    expected = {ENDPOINTS[name].path for name in ENDPOINTS.keys() - without_method}
    filled = {
        p.replace("{ticker}", "M").replace("{event_ticker}", "E").replace("{series_ticker}", "S") for p in expected
    }
    assert called == filled


@pytest.mark.parametrize(
    ("name", "params", "message"),
    [
        ("fills", {"tickr": "A"}, "has no parameter tickr"),
        ("fills", {"limit": 1001}, "1 to 1000"),
        ("deposits", {"limit": 0}, "1 to 500"),
        ("nothing", {}, "no endpoint 'nothing'"),
    ],
)
def test_a_call_that_cannot_be_right_is_refused_before_it_is_sent(
    api: respx.MockRouter, name: str, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        ask(lambda c: c.get(name, **params))
    assert not api.calls


def test_a_signed_endpoint_needs_a_signer() -> None:
    async def session() -> None:
        async with KalshiPublicClient() as opened:
            await opened.get("fills")

    with asyncio.Runner() as runner, pytest.raises(ArgumentError, match="needs an API key"):
        runner.run(session())


def test_a_client_works_inside_async_with_alone() -> None:
    made = client()

    async def closed() -> None:
        await made.get_fills()

    async def twice() -> None:
        async with made, made:
            pass

    with asyncio.Runner() as runner:
        with pytest.raises(ArgumentError, match="not open"):
            runner.run(closed())
        with pytest.raises(ArgumentError, match="open already"):
            runner.run(twice())


def test_a_client_can_be_opened_again_on_another_loop(api: respx.MockRouter) -> None:
    api.get("/portfolio/fills").respond(json=NO_FILLS)
    made = KalshiClient(signer=SIGNER, max_concurrency=1)

    async def several(opened: KalshiClient) -> None:
        await asyncio.gather(*(opened.get_fills() for _ in range(3)))

    for _ in range(2):
        ask(several, made)
    assert made.stats.requests == 6


# What comes back


def test_fractions_are_decimals_and_null_lists_are_empty(api: respx.MockRouter) -> None:
    api.get("/portfolio/fills").respond(text='{"fills": null, "cursor": null, "x": 0.1}')
    answer = ask(lambda c: c.get_fills())
    assert answer == {"fills": [], "cursor": None, "x": Decimal("0.1")}
    assert isinstance(answer["x"], Decimal)


def test_pages_are_followed_by_cursor_with_filters_resent_and_the_largest_limit(api: respx.MockRouter) -> None:
    bodies = [
        {"fills": [{}, {}], "cursor": "b"},
        {"fills": None, "cursor": "c"},
        {"fills": [{}]},
    ]
    route = api.get("/portfolio/fills").mock(
        side_effect=[httpx.Response(200, json=body, headers=dated(NOW)) for body in bodies]
    )
    pages = collect("fills", ticker="A", subaccount=3)
    assert [(page.count, page.cursor) for page in pages] == [(2, "b"), (0, "c"), (1, "")]
    assert pages[0].server_time == NOW
    assert pages[0].rows_key == "fills"
    first = {"ticker": "A", "subaccount": "3", "limit": "1000"}
    assert queries(route) == [first, first | {"cursor": "b"}, first | {"cursor": "c"}]


@pytest.mark.parametrize("last", [{}, {"cursor": None}, {"cursor": ""}])
def test_a_missing_null_or_empty_cursor_ends_a_list(api: respx.MockRouter, last: dict[str, Any]) -> None:
    api.get("/portfolio/deposits").respond(json={"deposits": [], **last})
    assert len(collect("deposits")) == 1


def test_a_page_keeps_the_body_as_it_came(api: respx.MockRouter) -> None:
    body = b'{ "market_positions": [ {"position_fp": "1.10"} ],\n "event_positions": [], "cursor": "" }'
    api.get("/portfolio/positions").respond(content=body)
    assert [page.body for page in collect("positions")] == [body]


def test_a_cursor_that_comes_again_is_an_error_even_pages_later(api: respx.MockRouter) -> None:
    cursors = ["a", "b", "a"]
    api.get("/portfolio/fills").mock(
        side_effect=[httpx.Response(200, json={"fills": [], "cursor": cursor}) for cursor in cursors]
    )
    with pytest.raises(ProtocolError, match="cursor of page 3 a second time"):
        collect("fills")


def test_an_endpoint_without_pages_is_refused() -> None:
    with pytest.raises(ArgumentError, match="no endpoint 'page'"):
        collect("page")
    with pytest.raises(ArgumentError, match="has no pages"):
        collect("balance")


WRONG = {
    "html": (b"<html>Just a moment...</html>", "text/html"),
    "truncated": (b'{"fills": [{"fill_id": "1"', "application/json"),
    "empty": (b"", "application/json"),
    "array": (b"[1]", "application/json"),
    "keyless": (b'{"error": "none", "cursor": ""}', "application/json"),
    "no list": (b'{"fills": {"a": 1}}', "application/json"),
    "number cursor": (b'{"fills": [], "cursor": ', "application/json"),
    "not utf-8": (b'{"fills": [], "\xff": 1', "application/json"),
    "deep": (b"[" * 100_000, "application/json"),
}


@pytest.mark.parametrize("kind", WRONG)
@pytest.mark.parametrize("how", ["get", "pages"])
def test_a_200_that_is_no_answer_is_retried_and_then_quoted(api: respx.MockRouter, kind: str, how: str) -> None:
    content, content_type = WRONG[kind]
    route = api.get("/portfolio/fills").respond(content=content, headers={"Content-Type": content_type})
    with pytest.raises(ProtocolError) as caught:
        ask(lambda c: c.get_fills()) if how == "get" else collect("fills")
    assert route.call_count == 3
    message = str(caught.value)
    assert all(part in message for part in ("GET /portfolio/fills", "HTTP 200", content_type, f"{len(content)} bytes"))
    assert len(message) < 700


def test_a_wrong_answer_that_comes_right_is_no_error(api: respx.MockRouter) -> None:
    wrong = [httpx.Response(200, content=WRONG[kind][0]) for kind in ("html", "truncated")]
    api.get("/portfolio/fills").mock(side_effect=[*wrong, httpx.Response(200, json=NO_FILLS)])
    made = client()
    assert ask(lambda c: c.get_fills(), made) == NO_FILLS
    assert (made.stats.requests, made.stats.retries) == (3, 2)
    assert made.stats.received_bytes > 0


def test_an_exchange_that_is_down_still_gives_its_status(api: respx.MockRouter) -> None:
    route = api.get("/exchange/status").respond(503, json={"exchange_active": False})
    assert ask(lambda c: c.get_exchange_status()) == {"exchange_active": False}
    route.respond(503, html="<h1>down</h1>")
    with pytest.raises(ServerError, match="HTTP 503"):
        ask(lambda c: c.get_exchange_status())


# Errors


@pytest.mark.parametrize(
    "body",
    [
        {"code": "bad_thing", "message": "it is bad", "details": "very"},
        {"error": {"code": "bad_thing", "message": "it is bad", "details": "very"}},
    ],
)
def test_code_and_text_are_found_flat_and_nested(api: respx.MockRouter, body: dict[str, Any]) -> None:
    api.get("/portfolio/fills").respond(400, json=body)
    with pytest.raises(BadRequestError, match="HTTP 400: bad_thing: it is bad; very") as caught:
        ask(lambda c: c.get_fills(cursor="secret-cursor"))
    assert (caught.value.status, caught.value.code) == (400, "bad_thing")
    assert caught.value.endpoint == "GET /portfolio/fills"
    assert "secret-cursor" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": "no such thing"}', "no such thing"),
        (b"<html>\n<b>Forbidden</b></html>", r"Forbidden\."),
        (b"", "an empty answer"),
        (b"[1, 2]", r"\[1, 2\]"),
        (b'{"error": null}', "null"),
    ],
)
def test_other_shapes_of_errors_are_shown_as_text(api: respx.MockRouter, body: bytes, said: str) -> None:
    api.get("/portfolio/fills").respond(404, content=body)
    with pytest.raises(NotFoundError, match=f"HTTP 404: .*{said}"):
        ask(lambda c: c.get_fills())


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequestError),
        (401, AuthenticationError),
        (403, PermissionDeniedError),
        (404, NotFoundError),
        (409, BadRequestError),
        (422, BadRequestError),
        (501, ServerError),
    ],
)
def test_final_statuses_are_not_retried(api: respx.MockRouter, status: int, kind: type[ApiError]) -> None:
    route = api.get("/portfolio/fills").respond(status, json={"error": "no"})
    with pytest.raises(kind):
        ask(lambda c: c.get_fills())
    assert route.call_count == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524])
def test_passing_statuses_are_retried(api: respx.MockRouter, status: int) -> None:
    bad = httpx.Response(status, json={"error": "too many requests"})
    route = api.get("/portfolio/fills").mock(side_effect=[bad, bad, httpx.Response(200, json=NO_FILLS)])
    assert ask(lambda c: c.get_fills()) == NO_FILLS
    assert route.call_count == 3


@pytest.mark.parametrize(("status", "kind"), [(429, RateLimitError), (502, ServerError), (408, BadRequestError)])
def test_retries_end_with_the_error_of_the_last(api: respx.MockRouter, status: int, kind: type[ApiError]) -> None:
    api.get("/portfolio/fills").respond(status, html="<h1>bad</h1>")
    with pytest.raises(kind, match=f"HTTP {status}"):
        ask(lambda c: c.get_fills())


FAILURES = [
    httpx.ConnectTimeout("slow"),
    httpx.ReadTimeout(""),
    httpx.ConnectError("no route"),
    httpx.ReadError("reset"),
    httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    httpx.DecodingError("bad gzip"),
    httpx.ProxyError("502"),
]


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
def test_broken_connections_are_retried(api: respx.MockRouter, error: httpx.RequestError) -> None:
    route = api.get("/portfolio/fills").mock(side_effect=[error, error, httpx.Response(200, json=NO_FILLS)])
    assert ask(lambda c: c.get_fills()) == NO_FILLS
    route.mock(side_effect=error)
    with pytest.raises(ConnectionFailedError, match=type(error).__name__) as caught:
        ask(lambda c: c.get_fills())
    assert caught.value.__cause__ is error


def test_a_certificate_that_is_not_trusted_is_not_tried_again(api: respx.MockRouter) -> None:
    error = httpx.ConnectError("[SSL: CERTIFICATE_VERIFY_FAILED] self-signed certificate")
    route = api.get("/portfolio/fills").mock(side_effect=error)
    with pytest.raises(ConnectionFailedError) as caught:
        ask(lambda c: c.get_fills())
    assert route.call_count == 1
    assert "SSL_CERT_FILE" in "".join(caught.value.__notes__)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_an_error_and_is_not_followed(api: respx.MockRouter, status: int) -> None:
    api.get("/portfolio/fills").respond(status, headers={"Location": "https://evil.example/steal?token=1"})
    evil = api.get("https://evil.example/steal").respond(json=NO_FILLS)
    with pytest.raises(ProtocolError, match=rf"HTTP {status}.*evil\.example/steal.*not followed") as caught:
        ask(lambda c: c.get_fills())
    assert not evil.called
    assert "token" not in str(caught.value)


def test_a_dead_key_is_explained_with_all_its_causes_and_never_shown(api: respx.MockRouter) -> None:
    api.get("/portfolio/balance").respond(401, json={"error": f"unknown key {KEY_ID}"}, headers=dated(NOW))
    with pytest.raises(AuthenticationError) as caught:
        ask(lambda c: c.get_balance())
    message = str(caught.value)
    causes = ("key id no longer exists", "other environment", "belongs to another key id", "clock", "which is fine")
    assert all(cause in message for cause in causes)
    assert KEY_ID not in message
    assert api.calls.call_count == 1


def test_an_error_that_quotes_the_key_id_in_its_answer_is_censored(api: respx.MockRouter) -> None:
    api.get("/portfolio/fills").respond(200, html=f"<p>{KEY_ID}</p>")
    with pytest.raises(ProtocolError, match=r"\[key id\]") as caught:
        ask(lambda c: c.get_fills())
    assert KEY_ID not in str(caught.value)


# Retrying, the clock, the pace


def test_each_attempt_is_signed_afresh(api: respx.MockRouter) -> None:
    route = api.get("/portfolio/fills").mock(
        side_effect=[httpx.Response(500), httpx.ReadTimeout("slow"), httpx.Response(200, json=NO_FILLS)]
    )
    ask(lambda c: c.get_fills())
    stamps = [verify(call.request) for call in route.calls]
    signatures = {call.request.headers["KALSHI-ACCESS-SIGNATURE"] for call in route.calls}
    assert stamps == sorted(set(stamps))
    assert len(signatures) == 3


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_off_is_corrected_once_and_for_all(api: respx.MockRouter, hours: int) -> None:
    server = NOW + timedelta(hours=hours)
    expired = httpx.Response(401, json={"error": {"code": "header_timestamp_expired"}}, headers=dated(server))
    fine = httpx.Response(200, json=NO_FILLS, headers=dated(server))
    route = api.get("/portfolio/fills").mock(side_effect=[expired, fine, fine])
    made = client()

    async def twice(opened: KalshiClient) -> None:
        await opened.get_fills()
        await opened.get_fills()

    ask(twice, made)
    stamps = [verify(call.request) / 1000 for call in route.calls]
    assert abs(stamps[0] - NOW.timestamp()) < 10
    assert all(abs(stamp - server.timestamp()) < 10 for stamp in stamps[1:])
    assert abs(made.clock_offset - hours * 3600) < 10
    assert made.server_time() == server


def test_a_401_is_signed_again_only_once(api: respx.MockRouter) -> None:
    answer = httpx.Response(401, json={"code": "header_timestamp_expired"}, headers=dated(NOW + timedelta(days=1)))
    route = api.get("/portfolio/fills").mock(return_value=answer)
    with pytest.raises(AuthenticationError, match=r"86\d\d\d s off, which may be the cause"):
        ask(lambda c: c.get_fills())
    assert route.call_count == 2


def test_an_answer_that_lay_in_a_sleeping_computer_is_no_skew(api: respx.MockRouter) -> None:
    clock = Clock()

    def sleep(request: httpx.Request) -> httpx.Response:
        when = datetime.fromtimestamp(clock.now, UTC)
        clock.now += 3600
        return httpx.Response(401, json={"code": "header_timestamp_expired"}, headers=dated(when))

    def answer(request: httpx.Request) -> httpx.Response:
        return sleep(request) if api.calls.call_count == 0 else httpx.Response(200, json=NO_FILLS)

    made = client(clock=clock)
    api.get("/portfolio/fills").mock(side_effect=answer)
    assert ask(lambda c: c.get_fills(), made) == NO_FILLS
    assert abs(made.clock_offset) < 2
    assert api.calls.call_count == 2


def test_waits_grow_with_jitter_and_follow_retry_after(api: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    busy = httpx.Response(429, json={"error": "too many requests"})
    told = httpx.Response(503, headers={"Retry-After": "7"})
    dated_wait = httpx.Response(
        503, headers={"Retry-After": format_datetime(NOW + timedelta(seconds=20), True), **dated(NOW)}
    )
    patient = httpx.Response(503, headers={"Retry-After": "86400"})
    answers = [busy, busy, busy, busy, busy, told, dated_wait, patient]
    api.get("/portfolio/fills").mock(side_effect=[*answers, httpx.Response(200, json=NO_FILLS)])
    with stamina.set_testing(False):
        ask(lambda c: c.get_fills(), client(attempts=9))
    for wait, least in zip(slept[:5], [0.5, 1, 2, 4, 8], strict=True):
        assert least <= wait <= least + 1
    assert slept[5:] == [7, 20, 60]


@pytest.mark.parametrize("text", [None, "", "soon", "-5", "0", "Sun, 22 Nov 2026 18:00:00 GMT", "1e9", "Nov", "٣"])
def test_a_senseless_retry_after_is_ignored(text: str | None) -> None:
    assert retry_after(text, NOW) is None


def test_the_number_of_attempts_can_be_set(api: respx.MockRouter) -> None:
    route = api.get("/portfolio/fills").respond(500)
    with pytest.raises(ServerError) as caught:
        ask(lambda c: c.get_fills(), client(attempts=2))
    assert route.call_count == 2
    assert caught.value.__notes__ == ["This was the last of 2 attempts."]


def test_no_more_requests_run_at_once_than_allowed(api: respx.MockRouter) -> None:
    running, most = 0, 0

    async def slow(request: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return httpx.Response(200, json=NO_FILLS)

    api.get("/portfolio/fills").mock(side_effect=slow)

    async def many(opened: KalshiClient) -> None:
        await asyncio.gather(*(opened.get_fills() for _ in range(12)))

    ask(many, client(max_concurrency=3))
    assert most == 3


def test_requests_are_paced(api: respx.MockRouter) -> None:
    api.get("/portfolio/fills").respond(json=NO_FILLS)

    async def many(opened: KalshiClient) -> float:
        loop = asyncio.get_running_loop()
        start = loop.time()
        for _ in range(6):
            await opened.get_fills()
        return loop.time() - start

    made = KalshiClient(signer=SIGNER, requests_per_second=5)
    made.set_read_limit(400, 40)
    # 20 a second with a burst of 2: the last 4 of 6 wait for 50 ms each.
    assert 0.19 < ask(many, made) < 2


def test_the_pace_follows_the_accounts_limits(api: respx.MockRouter) -> None:
    limits = {"usage_tier": "basic", "read": {"refill_rate": 200, "bucket_capacity": 600}}
    route = api.get("/account/limits").respond(json=limits)
    made = KalshiClient(signer=SIGNER)
    assert ask(lambda c: c.pace_to_account_limits(), made) == 10
    assert ask(lambda c: c.pace_to_account_limits(0.25), made) == 5
    route.respond(json={"read": {"refill_rate": "many"}})
    assert ask(lambda c: c.pace_to_account_limits(), made) == 5
    route.respond(json={"read": {"refill_rate": 0, "bucket_capacity": 0}})
    assert ask(lambda c: c.pace_to_account_limits(), made) == 5
    route.respond(json={"read": {"refill_rate": 60.5, "bucket_capacity": 60.5}})
    assert ask(lambda c: c.pace_to_account_limits(1), made) == pytest.approx(6.05)
    assert ask(lambda c: c.pace_to_account_limits(), client()) is None


@pytest.mark.parametrize("share", [0, -1, 1.5])
def test_an_impossible_share_is_refused(share: float) -> None:
    with pytest.raises(ArgumentError, match="share"):
        client().set_read_limit(200, 600, share=share)


@pytest.mark.parametrize("options", [{"max_concurrency": 0}, {"attempts": 0}, {"requests_per_second": -1.0}])
def test_impossible_numbers_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="above 0"):
        KalshiPublicClient(**options)


def test_a_transport_stands_in_for_the_network() -> None:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=NO_FILLS))
    assert ask(lambda c: c.get_fills(), client(transport=transport)) == NO_FILLS


def test_proxies_of_the_environment_are_not_used_for_this_computer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")

    async def trusted(opened: KalshiClient) -> bool:
        assert opened._session._http is not None
        return opened._session._http.trust_env

    assert not ask(trusted, client(base_url="http://127.0.0.1:8000/trade-api/v2"))
    assert ask(trusted, client())
