"""Send requests: signed, paced, retried. One session is one HTTP client on one event loop."""

from __future__ import annotations

import asyncio
import functools
import importlib.metadata
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import httpx
import stamina

from kalshi_portfolio.client import answers
from kalshi_portfolio.client.answers import Answer, Transient
from kalshi_portfolio.client.pace import Pace, Stats
from kalshi_portfolio.display import clean
from kalshi_portfolio.errors import ArgumentError, ConnectionFailedError, SettingsError
from kalshi_portfolio.settings import check_url

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import aiolimiter

    from kalshi_portfolio.auth import Signer
    from kalshi_portfolio.client.endpoints import Endpoint, Value

# stamina logs each retry as a warning. Where nobody has set up logging, Python would print that bare line.
logging.getLogger("stamina").addHandler(logging.NullHandler())

T = TypeVar("T")

_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_WHOLE_TIMES = 10  # an answer that drips is never silent for long: as a whole it has ten times the time of a silence
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 30.0
_SKEW_SECONDS = 5.0
_TOLD_AT = 3  # of the attempts: one that fails once is nothing to speak of
_UNAUTHORIZED = 401
_PASSING = (httpx.TimeoutException, httpx.NetworkError, httpx.RemoteProtocolError, httpx.ProxyError)


class Session:
    """Sends GET requests and gives checked answers.

    Nothing of asyncio is made before :meth:`open`, so that a session may be made on one loop or none, and
    opened on another. ``trust_env`` of httpx stays on for https: it is how company proxies (``HTTPS_PROXY``)
    and their certificates (``SSL_CERT_FILE``) come in, httpx 0.28 reads no ``.netrc`` by itself, and through a
    proxy https stays sealed end to end. For plain http, to this computer alone, it is off.
    """

    def __init__(
        self,
        *,
        base_url: str,
        signer: Signer | None,
        transport: httpx.AsyncBaseTransport | None,
        clock: Callable[[], float],
        timeout: httpx.Timeout | float | None,
        max_concurrency: int,
        requests_per_second: float | None,
        attempts: int,
    ) -> None:
        if max_concurrency < 1 or attempts < 1 or (requests_per_second or 1) <= 0:
            raise ArgumentError(
                f"max_concurrency is {max_concurrency}, attempts {attempts}, requests_per_second "
                f"{requests_per_second}. Expected numbers above 0 (or None for an unlimited pace)."
            )
        check_url(base_url, "base_url")
        self.stats = Stats()
        self.clock_offset = 0.0
        self.server_time: datetime | None = None
        self.clock_error: float | None = None
        self.tell: Callable[[str], None] | None = None
        self._base_url = base_url.rstrip("/")
        self._signer = signer
        self._transport = transport
        self._clock = clock
        self._timeout = _TIMEOUT if timeout is None else httpx.Timeout(timeout)
        self._whole = None if self._timeout.read is None else _WHOLE_TIMES * self._timeout.read
        self._max_concurrency = max_concurrency
        self._attempts = attempts
        start = None if requests_per_second is None else Pace(requests_per_second, requests_per_second)
        # Public requests go unsigned and count per address; signed ones count against the account.
        self._paces: dict[bool, Pace | None] = {False: start, True: start}
        self._limiters: dict[bool, aiolimiter.AsyncLimiter] = {}
        self._slots = asyncio.Semaphore(max_concurrency)  # binds to a loop at its first wait: renewed in open()
        self._http: httpx.AsyncClient | None = None

    async def open(self) -> None:
        """Open the HTTP client on the running loop."""
        if self._http is not None:
            raise ArgumentError("This client is open already. Use one 'async with' at a time.")
        self._slots = asyncio.Semaphore(self._max_concurrency)
        self._limiters = {signed: pace.limiter() for signed, pace in self._paces.items() if pace}
        try:
            self._http = self._made()
        except (ImportError, ValueError, OSError, httpx.InvalidURL) as error:
            raise SettingsError(
                f"No connection can be made with the proxy or the certificates of the environment: {error}. Look at "
                "HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR: correct or unset them. A SOCKS proxy needs "
                "pip install 'httpx[socks]'."
            ) from None

    def _made(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers={
                "User-Agent": f"kalshi-portfolio/{_version()}",
                "Accept": "application/json",
                "Accept-Language": "en",  # or titles come back translated
            },
            timeout=self._timeout,
            transport=self._transport,
            follow_redirects=False,
            trust_env=self._base_url.startswith("https:"),
        )

    async def close(self) -> None:
        """Close the HTTP client; a second time does nothing."""
        http, self._http = self._http, None
        if http is not None:
            await http.aclose()

    @property
    def signed_pace(self) -> Pace | None:
        """The pace of signed requests, None for unlimited."""
        return self._paces[True]

    @signed_pace.setter
    def signed_pace(self, pace: Pace) -> None:
        self._paces[True] = pace
        if self._http is not None:
            self._limiters[True] = pace.limiter()

    async def get(self, endpoint: Endpoint, params: Mapping[str, Value], read: Callable[[Answer], T]) -> T:
        """Ask, as often as it takes.

        Args:
            endpoint: What to ask.
            params: The parameters of its path and query.
            read: Turns an answer into the result; what it raises as :class:`Transient` is retried.

        Returns:
            What ``read`` gives.

        Raises:
            ArgumentError: Outside ``async with``, without the key that the endpoint needs, or wrong parameters.
            ApiError: The exchange answered with an error.
            ConnectionFailedError: No answer came.
            ProtocolError: What came is not what the API documents.
        """
        if self._http is None:
            raise ArgumentError("This client is not open. Use it inside 'async with'.")
        if endpoint.signed and self._signer is None:
            raise ArgumentError(f"{endpoint.label} needs an API key. Use KalshiClient, which has a signer.")
        try:
            path, query = endpoint.locate(params)
            request = functools.partial(self._http.build_request, "GET", self._base_url + path, params=query or None)
            request()
        except (httpx.InvalidURL, UnicodeError) as error:
            raise ArgumentError(
                f"{endpoint.label} cannot be asked: {error}. Expected parameters that fit an address: text of Unicode, "
                "64,000 characters in all at most."
            ) from None
        try:
            return await self._retried(endpoint, request, read)
        except Transient as last:
            last.error.add_note(f"This was the last of {self._attempts} attempts.")
            raise last.error from last.__cause__

    async def _retried(
        self, endpoint: Endpoint, request: Callable[[], httpx.Request], read: Callable[[Answer], T]
    ) -> T:
        # No limit on the time, only on the attempts: after an hour's sleep of the computer there is a next one.
        attempts = stamina.retry_context(
            on=_wait_before_retry,
            attempts=self._attempts,
            timeout=None,
            wait_initial=_FIRST_WAIT_SECONDS,
            wait_max=_LONGEST_WAIT_SECONDS,
            wait_jitter=1.0,
        )
        trouble = ""
        async for attempt in attempts:
            with attempt:
                self.stats.retries += attempt.num > 1
                if attempt.num == _TOLD_AT:
                    self._tell_of(trouble)
                try:
                    return self._judged(await self._answer(endpoint, request), read)
                except Transient as error:
                    trouble = str(error.error)
                    raise
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _tell_of(self, trouble: str) -> None:
        """Tell, once, that it takes longer, and why: else there would be silence for a minute."""
        tell, self.tell = self.tell, None
        if tell is not None:
            tell(f"{trouble.partition('. ')[0].rstrip('.')}. Trying again, up to {self._attempts} times in all.")

    def _judged(self, answer: Answer, read: Callable[[Answer], T]) -> T:
        problem = answers.failure(answer, datetime.fromtimestamp(self._clock(), UTC))
        if problem is None:
            return read(answer)
        if answer.endpoint.answers_when_down and isinstance(problem, Transient):
            try:
                return read(answer)
            except Transient:
                raise problem from None
        raise problem

    async def _answer(self, endpoint: Endpoint, request: Callable[[], httpx.Request]) -> Answer:
        answer, skew = await self._send(endpoint, request)
        if not (endpoint.signed and answer.status == _UNAUTHORIZED):
            return answer
        expired = answers.error_code(answer) == answers.EXPIRED_TIMESTAMP
        if not expired and abs(skew) <= _SKEW_SECONDS:
            return answer
        # Our clock is off (or the computer slept between signing and sending): sign again, by the exchange's. What
        # is set is the whole offset, because several requests may be refused for one and the same error.
        if answer.clock_error is not None:
            self.clock_offset = answer.clock_error
        self.stats.retries += 1
        return (await self._send(endpoint, request))[0]

    async def _send(self, endpoint: Endpoint, request: Callable[[], httpx.Request]) -> tuple[Answer, float]:
        """Send one request; give the answer, and by how many seconds our time differs from the exchange's."""
        async with self._slots:
            if limiter := self._limiters.get(endpoint.signed):
                await limiter.acquire()
            outgoing, offset = request(), self.clock_offset
            sent = self._clock() + offset
            if endpoint.signed and self._signer:
                # The path as it goes over the wire, so that what is signed is what is sent.
                path = outgoing.url.raw_path.partition(b"?")[0].decode("ascii")
                outgoing.headers.update(self._signer.headers("GET", path, int(sent * 1000)))
            response = await self._transfer(endpoint, outgoing)
        received = self._clock() + offset
        server_time = answers.http_date(response.headers.get("date"))
        skew = 0.0
        if server_time is not None:
            self.server_time = server_time
            server = server_time.timestamp() + 0.5  # the header is cut to whole seconds
            # An answer may lie for an hour in a sleeping computer: any time since the sending is no skew.
            skew = server - min(max(server, sent), received)
        hidden = self._signer.key_id if self._signer else ""
        error = self.clock_error = None if server_time is None else skew + offset
        return Answer(endpoint, response.status_code, response.headers, response.content, error, hidden), skew

    async def _transfer(self, endpoint: Endpoint, outgoing: httpx.Request) -> httpx.Response:
        assert self._http is not None  # noqa: S101  (get() has seen to it)
        self.stats.requests += 1
        try:
            async with asyncio.timeout(self._whole):
                response = await self._http.send(outgoing)
        except TimeoutError as error:
            _bare(error)
            raise Transient(_connection_failed(endpoint, _too_slow(outgoing, self._whole))) from error
        except (*_PASSING, httpx.DecodingError) as error:
            _bare(error)
            failed = _connection_failed(endpoint, error)
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                failed.add_note("A company proxy may need its own certificates: set SSL_CERT_FILE.")
                raise failed from error
            raise Transient(failed) from error
        except httpx.RequestError as error:
            _bare(error)
            raise _connection_failed(endpoint, error) from error
        self.stats.received_bytes += len(response.content)
        return response


def _bare(error: BaseException) -> None:
    """Drop the frames inside httpx and what it uses, of whatever led to an error: they hold the signed headers."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        link = waiting.pop()
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            link.__traceback__ = None
            waiting += [link.__cause__, link.__context__]


def _too_slow(request: httpx.Request, seconds: float | None) -> httpx.ReadTimeout:
    return httpx.ReadTimeout(f"it was not whole after {seconds:g} s", request=request)


def _connection_failed(endpoint: Endpoint, error: httpx.RequestError) -> ConnectionFailedError:
    # A LocalProtocolError quotes the header that it refuses.
    said = "" if isinstance(error, httpx.LocalProtocolError) else f" ({clean(str(error))})" if str(error) else ""
    return ConnectionFailedError(
        f"{endpoint.label} got no whole answer: {type(error).__name__}{said}. Expected one from "
        f"{error.request.url.host}: check the network, or try again later."
    )


def _wait_before_retry(error: Exception) -> bool | float:
    """Tell stamina whether to retry, and how long to wait where the exchange asked for it."""
    if not isinstance(error, Transient):
        return False
    return True if error.wait is None else error.wait


@functools.cache
def _version() -> str:
    try:
        return importlib.metadata.version("kalshi-portfolio")
    except importlib.metadata.PackageNotFoundError:
        return "0"  # run from a source tree that is not installed
