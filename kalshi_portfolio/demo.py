"""The offline demo: an account synced over the real code path from an exchange simulated in the process."""

from __future__ import annotations

import functools
import hashlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from kalshi_portfolio.auth import Signer
from kalshi_portfolio.client import KalshiClient
from kalshi_portfolio.portfolio import Portfolio
from kalshi_portfolio.simulation import BASE_URL, BareExchange, SimulatedExchange, SimulatedTransport
from kalshi_portfolio.store import Identity
from kalshi_portfolio.sync import Connection, sync

if TYPE_CHECKING:
    from kalshi_portfolio.sync import SyncReport


def demo(root: str | Path | None = None, *, progress: bool = False) -> Portfolio:
    """Give a portfolio to try everything on: no key, no network, the same account every time.

    An exchange is simulated in the process, and an invented account of two years is synced from it by the same
    code that syncs a real one: signing, paging, both tiers, Parquet. The first call takes some seconds, later
    ones in the same process none.

    Args:
        root: The folder to sync into. Without it, one of the demo's own among the user's caches; real and
            simulated data never share a folder.
        progress: Whether to show a progress bar.

    Returns:
        The portfolio.

    Raises:
        RootMismatchError: The folder holds another account.
        StoreError: The folder cannot be written to.

    Examples:
        >>> import kalshi_portfolio as kp
        >>> pf = kp.demo()
        >>> pf.environment
        'simulated'
    """
    folder = demo_folder() if root is None else Path(root).absolute()
    return _synced(folder, progress=progress)


@functools.cache
def _synced(folder: Path, *, progress: bool) -> Portfolio:
    sync_demo(folder, progress=progress)
    return Portfolio(folder)


def sync_demo(root: str | Path | None = None, *, progress: bool = False) -> SyncReport:
    """Sync the demo account into a folder and give the report; see :func:`demo`."""
    return sync(root or demo_folder(), connection=demo_connection(), progress=progress)


def demo_connection(exchange: BareExchange | None = None) -> Connection:
    """Give a connection to a simulated exchange, for :func:`kalshi_portfolio.sync`.

    Args:
        exchange: Which one; None for the demo account's.

    Examples:
        >>> import tempfile, kalshi_portfolio as kp
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     kp.sync(folder, connection=kp.demo_connection(), only="balances", progress=False)["balances"].new > 0
        True
    """
    chosen = exchange or _exchange()
    key = chosen.credentials()

    def client() -> KalshiClient:
        return KalshiClient(
            base_url=BASE_URL,
            transport=SimulatedTransport(chosen),
            signer=Signer.from_pem(key.key_id, key.private_key_pem.encode()),
            clock=lambda: chosen.now.timestamp(),  # noqa: PLW0108  (the exchange's clock can be moved)
            requests_per_second=None,
        )

    return Connection(client, Identity(_name(chosen), "simulated", ""), paced=False)


@functools.cache
def _exchange() -> SimulatedExchange:
    return SimulatedExchange()


def _name(exchange: BareExchange) -> str:
    """Name a simulated exchange by its account, so that two of them are never mixed in one folder."""
    fills = exchange.fills
    first = fills[0].fill_id if fills else ""
    return "simulated-" + hashlib.sha256(first.encode()).hexdigest()[:12]


def demo_folder() -> Path:
    """Give the demo's own folder, among the user's caches."""
    exchange = _exchange()
    name = f"{_name(exchange)}-{len(exchange.fills)}"
    for parent in (platformdirs.user_cache_path("kalshi-portfolio"), Path(tempfile.gettempdir()) / "kalshi-portfolio"):
        try:
            parent.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        return parent / name
    return Path(tempfile.mkdtemp(prefix="kalshi-portfolio-"))
