"""What the tests of syncing share: connections, a transport that misbehaves, datasets as rows."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx

import kalshi_portfolio as kp
from kalshi_portfolio.auth import Signer
from kalshi_portfolio.client import KalshiClient
from kalshi_portfolio.demo import demo_connection
from kalshi_portfolio.schema import BALANCES, DATASETS, FILLS, MARKETS, SETTLEMENTS, SNAPSHOTS, TRANSFERS
from kalshi_portfolio.simulation import BASE_URL, SimulatedTransport
from kalshi_portfolio.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import polars as pl

    from kalshi_portfolio.simulation import BareExchange, Credentials
    from kalshi_portfolio.sync import Connection, SyncReport

LISTS = {
    "/portfolio/fills": "fills",
    "/historical/fills": "fills",
    "/portfolio/settlements": "settlements",
    "/portfolio/positions": "market_positions",
    "/portfolio/deposits": "deposits",
    "/portfolio/withdrawals": "withdrawals",
    "/portfolio/subaccounts/transfers": "transfers",
    "/portfolio/intra_exchange_instance_transfers": "transfers",
    "/markets": "markets",
    "/historical/markets": "markets",
    "/events": "events",
}
SYNCED = (FILLS, SETTLEMENTS, SNAPSHOTS, TRANSFERS, BALANCES, MARKETS)
_ROOT = "/trade-api/v2"


class Unruly(httpx.AsyncBaseTransport):
    """The simulated exchange behind a bad line: rows in any order, twice, in small pages; refusals; a break.

    Args:
        exchange: The exchange.
        seed: Of the disorder; None leaves rows as they are.
        page: The most rows of a page, where there is a seed.
        fail_at: Which request breaks, counted from 1.
        error: What it breaks with.
        refuse: Paths that are answered with a status.
        edit: Changes the body of an answer: path, body → body.
        before: Called with each path before it is answered.
    """

    def __init__(
        self,
        exchange: BareExchange,
        *,
        seed: int | None = None,
        page: int = 1000,
        fail_at: int | None = None,
        error: BaseException | None = None,
        refuse: dict[str, int] | None = None,
        edit: Callable[[str, dict[str, Any]], None] | None = None,
        before: Callable[[str], None] | None = None,
    ) -> None:
        self.inner = SimulatedTransport(exchange, strict=True)
        self.seed, self.page, self.fail_at, self.error = seed, page, fail_at, error
        self.refuse, self.edit, self.before = refuse or {}, edit, before
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def paths(self) -> list[str]:
        """The paths that were asked for."""
        return [path for path, _ in self.asked]

    def queries(self, path: str) -> list[dict[str, str]]:
        """Give the queries of one path."""
        return [query for asked, query in self.asked if asked == path]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix(_ROOT)
        self.asked.append((path, dict(request.url.params)))
        if self.before is not None:
            self.before(path)
        if self.fail_at is not None and len(self.asked) >= self.fail_at:
            raise self.error or httpx.ConnectError("the line broke")
        if path in self.refuse:
            return httpx.Response(self.refuse[path], json={"error": {"code": "no", "message": "no"}}, request=request)
        if self.seed is not None and path in LISTS:
            return await self._disordered(request, LISTS[path])
        response = await self.inner.handle_async_request(request)
        return await self._edited(path, response, request)

    async def _edited(self, path: str, response: httpx.Response, request: httpx.Request) -> httpx.Response:
        if self.edit is None or response.status_code != 200:
            return response
        body = json.loads(await response.aread())
        self.edit(path, body)
        return httpx.Response(200, json=body, headers={"Date": response.headers["Date"]}, request=request)

    async def _disordered(self, request: httpx.Request, key: str) -> httpx.Response:
        """Serve all rows of a question shuffled, some of them twice, in pages of our own."""
        start = int(request.url.params.get("cursor", 0))
        rows: list[Any] = []
        cursor = ""
        while True:
            params = request.url.params.remove("cursor")
            params = params.set("cursor", cursor) if cursor else params
            again = httpx.Request("GET", request.url.copy_with(params=params), headers=request.headers)
            response = await self.inner.handle_async_request(again)
            body = json.loads(await response.aread())
            rows.extend(body[key])
            cursor = body.get("cursor") or ""
            if not cursor:
                break
        chance = random.Random(f"{self.seed}/{sorted(request.url.params.remove('cursor').items())}")  # noqa: S311
        rows += [row for row in rows if chance.random() < 0.2]
        chance.shuffle(rows)
        end = start + self.page
        body = {key: rows[start:end] or None, "cursor": str(end) if end < len(rows) else None}
        return httpx.Response(200, json=body, headers={"Date": response.headers["Date"]}, request=request)


def connect(
    exchange: BareExchange,
    transport: httpx.AsyncBaseTransport | None = None,
    *,
    key: Credentials | None = None,
    fingerprint: str = "",
    host: str = "simulated",
    attempts: int = 1,
    paced: bool = False,
) -> Connection:
    """Give a connection to an exchange over a transport of the test's own."""
    used = key or exchange.credentials()
    plain = demo_connection(exchange)

    def client() -> KalshiClient:
        return KalshiClient(
            base_url=BASE_URL,
            transport=transport or SimulatedTransport(exchange, strict=True),
            signer=Signer.from_pem(used.key_id, used.private_key_pem.encode()),
            clock=lambda: exchange.now.timestamp(),  # noqa: PLW0108
            requests_per_second=1000.0 if paced else None,
            attempts=attempts,
        )

    identity = replace(plain.identity, host=host, key_fingerprint=fingerprint)
    return replace(plain, client=client, identity=identity, paced=paced)


def sync(root: Path, link: Connection, **options: Any) -> SyncReport:
    """Sync without a progress bar."""
    return kp.sync(root, connection=link, progress=False, **options)


def read(root: Path, table: Any) -> pl.DataFrame:
    """Give a dataset as it is on disk."""
    return Store.open(root).read(table)


def contents(root: Path) -> dict[str, list[Any]]:
    """Give all that was synced as rows, without when it was seen."""
    seen = ("synced_at",)
    frames = {table.name: read(root, table).drop(seen, strict=False) for table in SYNCED}
    return {name: sorted(frame.rows(), key=str) for name, frame in frames.items()}


def tree(root: Path, *datasets: str) -> dict[str, tuple[int, int, bytes]]:
    """Give every data file of some datasets (all without names): path → inode, time, bytes."""
    names = datasets or tuple(DATASETS)
    paths = [path for name in names for path in sorted((root / name).rglob("*.parquet"))]
    return {str(path.relative_to(root)): _file(path) for path in paths}


def everything(root: Path) -> dict[str, bytes]:
    """Give every file below a folder, locks aside: path → bytes."""
    paths = (path for path in sorted(root.rglob("*")) if path.is_file() and ".locks" not in path.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


def _file(path: Path) -> tuple[int, int, bytes]:
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, path.read_bytes()
