"""The kinds of faults: what an exchange, and the line to it, can do to an answer."""

from __future__ import annotations

import asyncio
import json
import random
from email.utils import format_datetime, parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from fault_exchange import FOREVER, Asked, Fault, FaultExchange, Reply

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

LISTS = {
    "/portfolio/fills": "fills",
    "/historical/fills": "fills",
    "/portfolio/settlements": "settlements",
    "/portfolio/positions": "market_positions",
    "/portfolio/deposits": "deposits",
    "/portfolio/withdrawals": "withdrawals",
    "/portfolio/subaccounts/transfers": "transfers",
    "/portfolio/intra_exchange_instance_transfers": "transfers",
    "/portfolio/subaccounts/balances": "subaccount_balances",
    "/markets": "markets",
    "/historical/markets": "markets",
    "/events": "events",
}
PAGED = "|".join(path for path in LISTS if path != "/portfolio/subaccounts/balances")
_HTML = b"<!DOCTYPE html><html><head><title>%d</title></head><body><h1>Bad gateway</h1></body></html>"
_LONG = 30.0


# Answers in place of the exchange's


def refused(name: str, status: int, body: bytes, kind: str = "application/json", **where: Any) -> Fault:
    """Answer with a status and a body of our own."""

    async def instead(world: FaultExchange, asked: Asked) -> Reply:
        return Reply(status, {"Content-Type": kind}, body)

    return Fault(name, instead=instead, **where)


def storm(**where: Any) -> Fault:
    """429, as an empty bucket gives it: without Retry-After."""
    return refused("429 storm", 429, b'{"error":"too many requests"}', **where)


def broken(status: int, **where: Any) -> Fault:
    """A 5xx with the HTML of whatever stands in front of the exchange."""
    return refused(f"{status} with HTML", status, _HTML % status, "text/html", **where)


def page_of_html(**where: Any) -> Fault:
    """A 200 with HTML: a login page, a captcha."""
    return refused("200 with HTML", 200, _HTML % 200, "text/html", **where)


def unauthorized(**where: Any) -> Fault:
    """401, without saying why."""
    return refused("401 once", 401, b'{"error":{"code":"unauthorized","message":"no"}}', **where)


def forbidden(path: str, **where: Any) -> Fault:
    """403 for some lists."""
    return refused("403", 403, b'{"error":{"code":"forbidden","message":"no"}}', path=path, **where)


def missing(path: str, **where: Any) -> Fault:
    """404 for some lists."""
    return refused("404", 404, b"404 page not found", "text/plain", path=path, **where)


def expired(**where: Any) -> Fault:
    """A cursor that is not accepted any more."""
    body = b'{"error":{"code":"bad_request","message":"invalid cursor"}}'
    return refused("cursor expires", 400, body, cursor=True, **where)


# Bytes


def truncated(**where: Any) -> Fault:
    """JSON that stops in the middle, under a length that is right."""

    def reply(answer: Reply) -> None:
        answer.body = answer.body[: len(answer.body) * 2 // 3]

    return Fault("truncated JSON", reply=reply, **where)


def malformed(seed: int = 0, **where: Any) -> Fault:
    """JSON with bytes in it that cannot be."""
    chance = random.Random(seed)  # noqa: S311

    def reply(answer: Reply) -> None:
        place = chance.randrange(1, len(answer.body))
        junk = chance.choice([b"\xff\xfe", b"\x00", b'"'])  # wrong inside a text as well as outside
        answer.body = answer.body[:place] + junk + answer.body[place:]

    return Fault("malformed JSON", reply=reply, **where)


def timed(offset: timedelta, **where: Any) -> Fault:
    """A Date header that is off."""

    def reply(answer: Reply) -> None:
        if "date" in answer.headers:
            shown = parsedate_to_datetime(answer.headers["date"]) + offset
            answer.headers["date"] = format_datetime(shown, usegmt=True)

    return Fault(f"Date off by {offset.total_seconds():+.0f} s", reply=reply, **{"times": FOREVER} | where)


# The line


def reset(**where: Any) -> Fault:
    """A reset in the middle of the body."""

    async def wire(writer: asyncio.StreamWriter, raw: bytes) -> None:
        writer.write(raw[: len(raw) - 20])
        await writer.drain()
        writer.transport.abort()
        raise ConnectionResetError

    return Fault("reset mid-body", wire=wire, **where)


def silence(seconds: float = _LONG, **where: Any) -> Fault:
    """No answer at all."""

    async def wire(writer: asyncio.StreamWriter, raw: bytes) -> None:
        await asyncio.sleep(seconds)
        raise ConnectionResetError

    return Fault("silence", wire=wire, **where)


def drip(pause: float, **where: Any) -> Fault:
    """A byte now and then: never silent long enough for a time limit on silence."""

    async def wire(writer: asyncio.StreamWriter, raw: bytes) -> None:
        for n in range(len(raw)):
            writer.write(raw[n : n + 1])
            await writer.drain()
            await asyncio.sleep(pause)

    return Fault("slow drip", wire=wire, **where)


# Pages and rows


def small_pages(most: int, **where: Any) -> Fault:
    """Pages smaller than what was asked for."""

    def before(asked: Asked) -> None:
        if "limit" in asked.query:
            asked.query["limit"] = str(min(most, int(asked.query["limit"])))

    return Fault("small pages", before=before, **{"times": FOREVER} | where)


def same_cursor(**where: Any) -> Fault:
    """The cursor of the page before comes again."""
    last: dict[str, str] = {}

    def rows(asked: Asked, body: dict[str, Any]) -> None:
        if body.get("cursor"):
            body["cursor"] = last.setdefault(asked.path, asked.query.get("cursor") or body["cursor"])

    return Fault("cursor repeats", rows=rows, **{"times": FOREVER} | where)


def repeated(seed: int = 0, **where: Any) -> Fault:
    """Rows twice: within a page, across pages, and those of one tier in the other."""
    chance = random.Random(seed)  # noqa: S311
    served: dict[str, list[Any]] = {}

    def rows(asked: Asked, body: dict[str, Any]) -> None:
        key = LISTS.get(asked.path)
        if key is None or not body.get(key) or asked.path == "/portfolio/subaccounts/balances":
            return
        # Only what answers the same question may come again.
        about = str({n: v for n, v in asked.query.items() if n in {"subaccount", "ticker", "tickers"}})
        before = served.setdefault(key + about if key != "transfers" else asked.path, [])
        again = [row for row in [*before, *body[key]] if chance.random() < 0.3]
        before.extend(body[key])
        body[key] = chance.sample([*body[key], *again], len(body[key]) + len(again))

    return Fault("duplicated rows", rows=rows, **{"times": FOREVER} | where)


def reordered(seed: int = 0, page: int = 7, **where: Any) -> Fault:
    """The rows of a whole listing in any order, over pages of our own."""

    async def instead(world: FaultExchange, asked: Asked) -> Reply:
        key, start = LISTS[asked.path], int(asked.query.pop("cursor", 0))
        rows: list[Any] = []
        query, cursor = dict(asked.query), ""
        while True:
            reply = await world.ask(Asked(asked.path, query | ({"cursor": cursor} if cursor else {}), asked.headers))
            if reply.status != 200:
                return reply
            body = json.loads(reply.body)
            rows += body[key] or []
            cursor = body.get("cursor") or ""
            if not cursor:
                break
        random.Random(f"{seed}{sorted(query.items())}").shuffle(rows)  # noqa: S311
        end = start + page
        reply.body = json.dumps({key: rows[start:end], "cursor": str(end) if end < len(rows) else ""}).encode()
        return reply

    return Fault("reordered pages", path=PAGED, instead=instead, **{"times": FOREVER} | where)


def changed(name: str, change: Callable[[dict[str, Any]], Any], *, nth: int = 0, **where: Any) -> Fault:
    """Change one row of each list that is struck; what the change gives takes the row's place, unless it is None."""

    def rows(asked: Asked, body: dict[str, Any]) -> None:
        key = LISTS.get(asked.path)
        if key is not None and body.get(key):
            at = nth % len(body[key])
            given = change(body[key][at])
            if given is not None:
                body[key][at] = given

    return Fault(name, rows=rows, **where)


def field_set(name: str, field: str, value: Any, **where: Any) -> Fault:
    """Put a value into a field of one row, if the row has that field."""

    def change(row: dict[str, Any]) -> None:
        if field in row:
            row[field] = value

    return changed(name, change, **where)


def unknown_fields(**where: Any) -> Fault:
    """Fields that nobody has heard of, in every row and beside the list."""

    def rows(asked: Asked, body: dict[str, Any]) -> None:
        body["server_region"] = {"name": "moon", "hops": [1, None, 2.5]}
        for row in body.get(LISTS.get(asked.path, "")) or []:
            row |= {"vibe_fp": "1.00", "nested": {"a": [1.5, None, {"b": True}]}, "fills": None}

    return Fault("unknown fields", rows=rows, **{"times": FOREVER} | where)


def happening(name: str, what: Callable[[], object], **where: Any) -> Fault:
    """Let something happen at the exchange just before it answers."""
    return Fault(name, before=lambda asked: (what(), None)[1], **where)
