"""Tell answers from errors: pure functions from what came over the wire to a body, a page or an error."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from kalshi_portfolio.display import clean
from kalshi_portfolio.errors import (
    ApiError,
    AuthenticationError,
    BadRequestError,
    KalshiPortfolioError,
    NotFoundError,
    PermissionDeniedError,
    ProtocolError,
    RateLimitError,
    ServerError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kalshi_portfolio.client.endpoints import Endpoint

T = TypeVar("T")

EXPIRED_TIMESTAMP = "header_timestamp_expired"
"""The error code of a signature whose time is too far from the exchange's clock."""

_RETRIED_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
_LONGEST_WAIT_SECONDS = 60.0
_EXCERPT = 200
_TAG = re.compile(r"<[!/a-zA-Z][^>]*>")
_CLOCK_TOLERANCE_SECONDS = 5.0
_ERRORS: dict[int, type[ApiError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    429: RateLimitError,
}
_ADVICE = {
    403: "The key may not read this: it lacks the scope 'read', or is locked to one subaccount.",
    404: "There is no such thing here; an archived market lives under /historical.",
    429: "Another program may be using up the account's read limit; wait, or lower requests_per_second.",
}
_NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list, as it came.

    Attributes:
        body: The whole JSON body. It has been checked to be JSON with the list in it; the rows have not.
        rows_key: The key of the list in the body. The list may be null, which means empty.
        count: How many rows the list has.
        cursor: The cursor of the next page; empty at the end.
        server_time: The exchange's clock when it answered (UTC, whole seconds), or None.
    """

    body: bytes = field(repr=False)
    rows_key: str
    count: int
    cursor: str
    server_time: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came over the wire in answer to one request.

    Attributes:
        endpoint: What was asked.
        status: The HTTP status.
        headers: The response's headers; names are found in any case.
        body: The decoded body.
        clock_error: By how many seconds the exchange's clock is ahead of ours, or None.
        hidden: Text that no message may show (the key id), or empty.
    """

    endpoint: Endpoint
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    clock_error: float | None = None
    hidden: str = field(default="", repr=False)

    @property
    def excerpt(self) -> str:
        """The start of the body on one line, for messages."""
        return self.censored(self.body[: 4 * _EXCERPT].decode("utf-8", "replace"))[:_EXCERPT]

    def censored(self, text: str) -> str:
        """Give the text on one line, without what may not be shown and what would steer a terminal."""
        line = clean(" ".join(text.split()))
        return line.replace(self.hidden, "[key id]") if self.hidden else line


class Transient(Exception):  # noqa: N818  (it never leaves the client: the error inside it does)
    """A failure that may be over at the next attempt.

    Attributes:
        error: What to raise when there is no next attempt.
        wait: How many seconds the exchange asked to wait, or None.
    """

    def __init__(self, error: KalshiPortfolioError, wait: float | None = None) -> None:
        super().__init__(str(error))
        self.error = error
        self.wait = wait


def _exact(text: str) -> Decimal:
    """Read a number with a fraction or an exponent."""
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text[:_EXCERPT]} is beyond what a decimal can hold") from None


_OBJECT = msgspec.json.Decoder(dict[str, Any], float_hook=_exact)


_ROWS = list[msgspec.Raw] | msgspec.UnsetType | None


@functools.cache
def _envelope(rows_key: str) -> msgspec.json.Decoder[Any]:
    """Make the decoder of a list with its cursor; the rows stay undecoded, and a missing list is told from null."""
    fields = [("rows", _ROWS, msgspec.UNSET), ("cursor", str | None, None)]
    return msgspec.json.Decoder(msgspec.defstruct("Envelope", fields, rename={"rows": rows_key}))


def read_page(answer: Answer) -> Page:
    """Read an answer as a page of its endpoint's list.

    Raises:
        Transient: It is no JSON object, or the list is not in it.
    """
    key = answer.endpoint.rows
    try:
        envelope = _envelope(key).decode(answer.body.decode())  # the rows stay undecoded, but must be UTF-8
    except _NOT_JSON as error:
        raise _unreadable(answer, str(error)) from None
    if isinstance(envelope.rows, msgspec.UnsetType):
        raise _unreadable(answer, f"the key {key!r} is missing")
    server_time = http_date(answer.headers.get("date"))
    return Page(answer.body, key, len(envelope.rows or ()), envelope.cursor or "", server_time)


def read_object(answer: Answer) -> dict[str, Any]:
    """Read an answer as a dictionary: numbers with a fraction as ``Decimal``, a null list as an empty one.

    Raises:
        Transient: It is no JSON object, or none of the keys that its endpoint has is in it.
    """
    endpoint = answer.endpoint
    try:
        body = _OBJECT.decode(answer.body)
    except _NOT_JSON as error:
        raise _unreadable(answer, str(error)) from None
    if not any(key in body for key in endpoint.keys):
        raise _unreadable(answer, f"the key {' or '.join(map(repr, endpoint.keys))} is missing")
    if endpoint.rows:
        rows = body[endpoint.rows]
        if not isinstance(rows, list | None):
            raise _unreadable(answer, f"{endpoint.rows!r} is no list")
        body[endpoint.rows] = rows or []
    return body


def _unreadable(answer: Answer, why: str) -> Transient:
    kind = answer.censored(answer.headers.get("content-type", "none"))[:_EXCERPT]
    return Transient(
        ProtocolError(
            f"{answer.endpoint.label} gave an answer that is not what the API documents: {why}. HTTP "
            f"{answer.status}, content type {kind}, {len(answer.body)} bytes, beginning: {answer.excerpt!r}. "
            "Something between here and the exchange may have answered in its place; try again later."
        )
    )


def failure(answer: Answer, now: datetime) -> KalshiPortfolioError | Transient | None:
    """Tell why an answer is an error, if it is one.

    Args:
        answer: What came.
        now: The time now, for a ``Retry-After`` that is a date.

    Returns:
        None for a 2xx, else the error, wrapped in :class:`Transient` where another attempt may help.
    """
    if 200 <= answer.status < 300:  # noqa: PLR2004  (the class of HTTP statuses)
        return None
    if answer.status < 400:  # noqa: PLR2004
        return _redirect(answer)
    error = _api_error(answer)
    if answer.status not in _RETRIED_STATUSES:
        return error
    sent = http_date(answer.headers.get("date")) or now
    return Transient(error, retry_after(answer.headers.get("retry-after"), sent))


def error_code(answer: Answer) -> str:
    """Give the exchange's error code, or an empty string."""
    return _code_and_text(answer)[0]


def _redirect(answer: Answer) -> ProtocolError:
    try:
        target = urlsplit(answer.headers.get("location", ""))
        where = answer.censored(f"{target.hostname or ''}{target.path}")[:_EXCERPT] or "nowhere"
    except ValueError:
        where = "an impossible address"
    return ProtocolError(
        f"{answer.endpoint.label} was redirected (HTTP {answer.status}) to {where!r}. Redirects are not "
        "followed, because a signed request must go nowhere else. Check KALSHI_API_BASE_URL."
    )


def _api_error(answer: Answer) -> ApiError:
    code, text = _code_and_text(answer)
    said = f"{code}: {text}" if code and text else code or text or "an empty answer"
    advice = _unauthorized(answer) if answer.status == 401 else _ADVICE.get(answer.status, "")  # noqa: PLR2004
    kind = _ERRORS.get(answer.status, ServerError if answer.status >= 500 else BadRequestError)  # noqa: PLR2004
    message = f"{answer.endpoint.label} failed with HTTP {answer.status}: {said}. {advice}".rstrip()
    return kind(message, status=answer.status, code=code, endpoint=answer.endpoint.label)


def _unauthorized(answer: Answer) -> str:
    if answer.clock_error is None:
        clock = "this computer's clock is wrong (the answer gave no time to compare it with)"
    else:
        seconds = abs(answer.clock_error)
        wrong = "which may be the cause" if seconds > _CLOCK_TOLERANCE_SECONDS else "which is fine"
        clock = f"this computer's clock is wrong (it is {seconds:.0f} s off, {wrong})"
    return (
        "The exchange does not say which part is wrong. Any of these: the key id no longer exists; the key is for "
        "the other environment (prod, demo); the private key belongs to another key id; " + clock + "."
    )


def _code_and_text(answer: Answer) -> tuple[str, str]:
    """Find code and text in the three shapes that errors have: flat, nested, and a text alone."""
    try:
        body = msgspec.json.decode(answer.body)
    except _NOT_JSON:
        return "", _without_tags(answer.excerpt)
    inner = body.get("error", body) if isinstance(body, dict) else body
    if not isinstance(inner, dict):
        text = inner if isinstance(inner, str) else answer.excerpt
        return "", answer.censored(text)[:_EXCERPT]
    code = inner.get("code")
    parts = [str(inner[key]) for key in ("message", "details") if inner.get(key)]
    shown_code = answer.censored(code)[:_EXCERPT] if isinstance(code, str) else ""
    return shown_code, answer.censored("; ".join(parts))[:_EXCERPT]


def _without_tags(text: str) -> str:
    """Give what a page of HTML says, as whatever stands in front of the exchange sends it; other text as it is.

    Examples:
        >>> _without_tags("<html><h1>502</h1><p>Bad gateway</p></html>"), _without_tags("1 < 2")
        ('502 Bad gateway', '1 < 2')
    """
    return " ".join(_TAG.sub(" ", text).split()) or text


def http_date(text: str | None) -> datetime | None:
    """Read the date of an HTTP header as UTC, or None where there is none.

    Examples:
        >>> http_date("Sun, 22 Nov 2026 18:05:00 GMT")
        datetime.datetime(2026, 11, 22, 18, 5, tzinfo=datetime.timezone.utc)
        >>> http_date("yesterday") is None
        True
    """
    try:
        date = parsedate_to_datetime(text or "")
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # the latter: a year of many digits
        return None


def retry_after(text: str | None, now: datetime) -> float | None:
    """Read a ``Retry-After`` header as seconds to wait.

    Args:
        text: Seconds, or an HTTP date.
        now: The time that a date is compared with.

    Returns:
        Seconds above 0, at most 60; None where nothing sensible was asked for.

    Examples:
        >>> retry_after("7", datetime(2026, 1, 1, tzinfo=UTC))
        7.0
    """
    plain = (text or "").strip()
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", plain):
        seconds = float(plain)
    elif date := http_date(text):
        seconds = (date - now).total_seconds()
    else:
        return None
    return min(seconds, _LONGEST_WAIT_SECONDS) if seconds > 0 else None
