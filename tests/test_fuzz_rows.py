"""Whatever the exchange sends: a row is parsed or set aside, an answer read or refused by an error of ours, soon."""

from __future__ import annotations

import copy
import functools
import json
import random
import time
import tracemalloc
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_api import everything, get
from sync_world import Unruly, connect, sync

import kalshi_portfolio as kp
from kalshi_portfolio.client import ENDPOINTS
from kalshi_portfolio.client.answers import Answer, Transient, failure, read_object, read_page
from kalshi_portfolio.errors import KalshiPortfolioError, ProtocolError
from kalshi_portfolio.parse import (
    KINDS,
    Source,
    parse_balances,
    parse_events,
    parse_fills,
    parse_markets,
    parse_positions,
    parse_settlements,
    parse_transfers,
)
from kalshi_portfolio.simulation import SimulatedExchange

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kalshi_portfolio.parse import Parsed

T = TypeVar("T")

NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
SOURCE = Source(NOW)
OLD = Source(NOW, tier="historical", subaccount=0)
PARSERS: dict[str, tuple[str, Callable[[list[bytes]], Parsed]]] = {
    "fills": ("fills", lambda pages: parse_fills(pages, SOURCE)),
    "old fills": ("fills", lambda pages: parse_fills(pages, OLD)),
    "settlements": ("settlements", lambda pages: parse_settlements(pages, SOURCE)),
    "positions": ("market_positions", lambda pages: parse_positions(pages, SOURCE)),
    "balances": ("subaccount_balances", lambda pages: parse_balances(pages, SOURCE)),
    "markets": ("markets", lambda pages: parse_markets(pages, SOURCE)),
    "old markets": ("markets", lambda pages: parse_markets(pages, OLD)),
    "events": ("events", lambda pages: parse_events(pages, SOURCE)),
    **{
        kind: (name, lambda pages, kind=kind: parse_transfers(pages, SOURCE, kind=kind))  # type: ignore[misc]
        for kind, name in KINDS.items()
    },
}
ODD_NUMBERS = (
    "0.123456",
    "0.1234567",
    "1e-7",
    "1E400",
    "-0.00",
    "NaN",
    "Infinity",
    "9" * 40,
    "0." + "1" * 40,
    "",
    " ",
    "0x10",
    "1_000",
    "1,5",
    "١٢٣",
    "+5",
    "--5",
    "5.",
    ".5",
    ".",
    "1000000000.00",
    "99999999999999.99",
    10**9,
    2**63,
    -(2**63) - 1,
    10**4000,
    0.1,
    -1,
    1e308,
)
ODD_TIMES = (
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-12:00",
    "+12345-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "2026-12-31T23:59:60Z",
    "2026-02-30T00:00:00Z",
    0,
    -1,
    2**31,
    2**63,
    253402300800,
    1e18,
    "2026-07-24T13:00:00.123456789Z",
    "2026-07-24T13:00:00",
)


def nested(depth: int, *, lists: bool) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value] if lists else {"a": value}
    return value


odd_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.sampled_from(ODD_NUMBERS),
    st.sampled_from(ODD_TIMES),
    st.sampled_from(
        [
            "yes",
            "NO",
            "bid",
            "applied",
            "x" * 100_000,
            "\x00",
            "\x1b[2J",
            "=cmd()",
            "../..",
            [],
            {},
            [[]],
            {"a": [None]},
        ]
    ),
    st.builds(nested, st.integers(1, 200), lists=st.booleans()),
)


@functools.cache
def samples() -> dict[str, list[dict[str, Any]]]:
    """Give rows of every list as the simulated exchange sends them, of today's shape and the older ones."""
    exchange = SimulatedExchange(fills=60)
    lists = {
        "fills": ("/portfolio/fills", "fills"),
        "old fills": ("/historical/fills", "fills"),
        "settlements": ("/portfolio/settlements", "settlements"),
        "positions": ("/portfolio/positions", "market_positions"),
        "markets": ("/markets", "markets"),
        "old markets": ("/historical/markets", "markets"),
        "events": ("/events", "events"),
        "deposit": ("/portfolio/deposits", "deposits"),
        "withdrawal": ("/portfolio/withdrawals", "withdrawals"),
        "subaccount": ("/portfolio/subaccounts/transfers", "transfers"),
        "margined": ("/portfolio/intra_exchange_instance_transfers", "transfers"),
    }
    found = {name: everything(exchange, path, key)[:12] for name, (path, key) in lists.items()}
    found["balances"] = get(exchange, "/portfolio/subaccounts/balances")["subaccount_balances"]
    bare = SimulatedExchange(fills=60, bare_legacy_rows=True)
    found["old fills"] += everything(bare, "/historical/fills", "fills")[:12]
    assert all(found.values())
    return found


@st.composite
def rows(draw: st.DrawFn, name: str) -> list[Any]:
    """Give rows of a list, some of them damaged in some fields, some of them no rows at all."""
    known = samples()[name]
    fields = sorted({key for row in known for key in row})
    page: list[Any] = []
    for row in draw(st.lists(st.sampled_from(known), max_size=4)):
        changed = copy.deepcopy(row)
        for field in draw(st.lists(st.sampled_from(fields), max_size=3)):
            if draw(st.booleans()):
                changed.pop(field, None)
            else:
                changed[field] = draw(odd_values)
        page.append(changed)
    for _ in range(draw(st.integers(0, 1))):
        page.insert(draw(st.integers(0, len(page))), draw(odd_values))
    return page


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=30)
@given(data=st.data())
def test_every_row_is_parsed_or_set_aside(name: str, data: st.DataObject) -> None:
    key, parse = PARSERS[name]
    page = data.draw(rows(name))
    whole = parse([json.dumps({key: samples()[name]}).encode()])
    assert (whole.frame.height, whole.set_aside) == (len(samples()[name]), [])
    parsed = parse([json.dumps({key: page}).encode()])
    assert parsed.frame.height + len(parsed.set_aside) == len(page)
    assert parsed.frame.schema == whole.frame.schema
    assert len(parsed.frame.to_dicts()) == parsed.frame.height  # every value is one that Python knows, too
    for aside in parsed.set_aside:
        assert json.loads(aside.raw) in page
        assert aside.reason
        assert aside.reason.isprintable()
        assert len(aside.reason) < 500


@st.composite
def damaged(draw: st.DrawFn, text: bytes) -> bytes:
    """Give JSON with bytes cut, put in or swapped."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(text)))
        put = draw(
            st.sampled_from(
                [
                    b"",
                    b"\xff",
                    b"\xc3\x28",
                    b"\\ud800",
                    b"\\u0000",
                    b"\xef\xbb\xbf",
                    b"NaN",
                    b"-Infinity",
                    b"1e999",
                    b'"',
                    b"{",
                    b"[",
                    b"]}",
                    b",",
                    b'"a":1,"a":2,',
                    b"9" * 5000,
                    b"[" * 2000,
                    b"\x00",
                    b"\n",
                    b"null",
                    b"<html>",
                ]
            )
        )
        cut = draw(st.sampled_from([0, 0, 1, 7, len(text)]))
        text = text[:at] + put + text[at + cut :]
    return text


def read_or_refused(read: Callable[[Answer], T], answer: Answer) -> T | None:
    """Read an answer; None where it is refused, as it must be."""
    try:
        return read(answer)
    except Transient as refused:
        fitting = isinstance(refused.error, ProtocolError) and str(refused).isprintable()
        if not fitting:
            raise
        return None


def counted(body: bytes, key: str) -> int | None:
    """Count the rows as Python's own reader of JSON does; None where there is no list, or it cannot read it."""
    try:
        found = json.loads(body.decode(), parse_constant=str, parse_int=str)
    except (ValueError, RecursionError):
        return None
    rows = found.get(key) if isinstance(found, dict) else None
    return len(rows) if isinstance(rows, list) else None


@pytest.mark.parametrize("name", ["fills", "settlements", "positions", "markets", "deposit"])
@settings(max_examples=30)
@given(data=st.data())
def test_damaged_bytes_are_read_as_they_are_or_refused(name: str, data: st.DataObject) -> None:
    key, parse = PARSERS[name]
    body = data.draw(damaged(json.dumps({key: samples()[name][:2]}).encode()))
    endpoint = next(e for e in ENDPOINTS.values() if e.rows == key)
    page = read_or_refused(read_page, Answer(endpoint, 200, {}, body))
    if page is None:
        return
    try:
        parsed = parse([body])
    except ProtocolError:
        return
    assert parsed.frame.height + len(parsed.set_aside) == page.count == (counted(body, key) or 0)
    parsed.frame.to_dicts()


headers = st.dictionaries(
    st.sampled_from(["date", "retry-after", "location", "content-type", "content-encoding"]),
    st.text(st.characters(max_codepoint=255), max_size=40)
    | st.sampled_from(
        [
            "http://[",
            "//[::",
            "Fri, 31 Dec 9999 23:59:59 -1200",
            "Sun, 22 Nov 99999999999 1:1:1 GMT",
            "9" * 400,
            "-1",
            "1e9",
        ]
    ),
)


@settings(max_examples=200)
@given(
    status=st.integers(100, 999),
    head=headers,
    name=st.sampled_from(sorted(ENDPOINTS)),
    body=st.binary(max_size=40)
    | st.builds(
        lambda v: json.dumps(v).encode(),
        st.dictionaries(st.sampled_from(["error", "code", "message", "balance", "fills"]), odd_values),
    )
    | damaged(b'{"error": {"code": "x", "message": "y", "details": [1.5]}}')
    | damaged(b'{"balance": 1.5, "fills": [], "cursor": "x", "as_of_time": 1}'),
)
def test_an_answer_is_read_or_refused_by_an_error_of_ours(
    status: int, head: dict[str, str], name: str, body: bytes
) -> None:
    answer = Answer(
        ENDPOINTS[name], status, httpx.Headers({k.encode(): v.encode("latin-1") for k, v in head.items()}), body
    )
    problem = failure(answer, NOW)
    error = problem.error if isinstance(problem, Transient) else problem
    assert (error is None) == (200 <= status < 300)
    assert str(error).isprintable()
    for read in (read_object, read_page):
        read_or_refused(read, answer)


BOMBS: dict[str, bytes] = {
    "a long text": b'{"ticker": "%s"}' % (b"x" * 5_000_000),
    "a deep list": b'{"ticker": %s}' % (b"[" * 900 + b"]" * 900),
    "a deep object": b'{"order_id": %s}' % (b'{"a":' * 900 + b"1" + b"}" * 900),
    "deep where nobody looks": b'{"else": %s}' % (b"[" * 900 + b"]" * 900),
    "many empty rows": b",".join([b"{}"] * 50_000),
    "a key many times": b'{%s"ticker":"x"}' % (b'"ticker":"x",' * 50_000),
    "long numbers": b",".join([b'{"count_fp": %s, "yes_price": 0.%s}' % (b"9" * 4000, b"1" * 4000)] * 300),
    "large exponents": b",".join([b'{"count_fp": "1e999999999", "fee_cost": 1e-999999999}'] * 2_000),
    "a wide list": b'{"ticker": [%s]}' % b",".join([b"1"] * 300_000),
    "many keys": b"{%s}" % b",".join(b'"%d":1' % n for n in range(100_000)),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_no_row_takes_long_or_much_memory(bomb: bytes) -> None:
    body = b'{"fills": [%s]}' % bomb
    page = read_page(Answer(ENDPOINTS["fills"], 200, {}, body))
    tracemalloc.start()
    began = time.process_time()
    parsed = parse_fills([body], SOURCE)
    took, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert parsed.frame.height == 0
    assert len(parsed.set_aside) == page.count
    assert took < 20
    assert peak < 50_000_000 + 40 * len(body)


@pytest.mark.parametrize(
    "text", ["9" * 5000, "[" * 900 + "]" * 900, f'"{"x" * 100_000}"'], ids=["many digits", "deep", "long"]
)
def test_a_row_in_quarantine_never_stands_in_the_way_of_the_next_sync(tmp_path: Path, text: str) -> None:
    exchange = SimulatedExchange.tiny()
    inner = Unruly(exchange)

    class Spoiled(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await inner.handle_async_request(request)
            if not request.url.path.endswith("/portfolio/fills"):
                return response
            body = (await response.aread()).replace(b'"ticker":', b'"ticker":%s,"was":' % text.encode(), 1)
            return httpx.Response(200, content=body, headers={"Date": response.headers["Date"]}, request=request)

    first = sync(tmp_path / "data", connect(exchange, Spoiled()))
    assert (first["fills"].new, first["fills"].set_aside) == (9, 1)
    assert sync(tmp_path / "data", connect(exchange, Spoiled())).in_quarantine == 1
    last = sync(tmp_path / "data", connect(exchange))
    assert (last["fills"].new, last.in_quarantine) == (1, 0)


POOL: tuple[Any, ...] = (
    None,
    True,
    False,
    5,
    "text",
    *ODD_NUMBERS,
    *ODD_TIMES,
    "yes",
    "NO",
    "bid",
    "applied",
    "x" * 100_000,
    "\x00",
    "\x1b[2J",
    "../..",
    [],
    {},
    [[]],
    {"a": [None]},
    nested(100, lists=True),
    nested(50, lists=False),
)


@pytest.mark.parametrize("seed", range(5))
def test_a_sync_of_damaged_rows_ends_well_or_with_an_error_of_ours(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311  (no secret)
    exchange = SimulatedExchange.tiny()

    def spoil(_: str, body: dict[str, Any]) -> None:
        for value in list(body.values()):
            for row in value if isinstance(value, list) else [body]:
                if isinstance(row, dict) and row and chance.random() < 0.06:
                    row[chance.choice(sorted(row))] = chance.choice(POOL)

    try:
        report = sync(tmp_path / "data", connect(exchange, Unruly(exchange, edit=spoil)))
    except KalshiPortfolioError as error:
        assert str(error).isprintable()  # noqa: PT017  (either is right; nothing else is)
    else:
        assert repr(report).replace("\n", "").isprintable()
        pf = kp.Portfolio(tmp_path / "data")
        assert pf._repr_html_().startswith("<style>")
        for frame in (pf.trades(), pf.positions(), pf.pnl(by="category", freq="1d"), pf.equity(), pf.reconcile()):
            frame.to_dicts()
    sync(tmp_path / "data", connect(exchange))  # the damage is not for ever: the next good answers are read
