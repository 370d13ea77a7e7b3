"""The offline demo: an account synced over the real code path from an exchange simulated in the process."""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import tempfile
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import polars as pl

from kalshi_portfolio.auth import Signer
from kalshi_portfolio.client import KalshiClient
from kalshi_portfolio.errors import DamagedFileError, KalshiPortfolioError, LockedError, RootMismatchError, StoreError
from kalshi_portfolio.portfolio import Portfolio
from kalshi_portfolio.schema import VERSION
from kalshi_portfolio.store import Identity, Store
from kalshi_portfolio.sync import Connection, sync

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kalshi_portfolio.simulation import BareExchange, SimulatedExchange
    from kalshi_portfolio.sync import SyncReport

_APP = "kalshi-portfolio"


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
    folder = None if root is None else Path(root).expanduser().absolute()
    return _synced(folder, progress)


def sync_demo(root: str | Path | None = None, *, progress: bool = False) -> tuple[Portfolio, SyncReport]:
    """Sync the demo account and give the portfolio and what the sync reports; see :func:`demo`."""
    if root is not None:
        return _sync_into(Path(root).expanduser().absolute(), progress=progress)
    return _sync_into_own(progress=progress)


@functools.cache
def _synced(folder: Path | None, progress: bool) -> Portfolio:  # noqa: FBT001  (a cache keys on positions)
    return _whole(folder or demo_folder()) or sync_demo(folder, progress=progress)[0]


def _whole(folder: Path) -> Portfolio | None:
    """Give the portfolio of a folder that an earlier process has synced whole: the account never changes."""
    try:
        pf = Portfolio(folder, client=demo_connection().client)
        status = pf.status()
    except KalshiPortfolioError:
        return None
    mine = Store.open(folder).mark.host == demo_connection().identity.host
    there = all(dataset.rows for dataset in status.datasets) and not status.problems and not status.syncing
    return pf if mine and there and _reaches_the_end(pf.coverage()) else None


def _reaches_the_end(coverage: pl.DataFrame) -> bool:
    """Whether everything is covered up to the exchange's time, save the minute that it holds back."""
    ends = coverage.group_by("dataset", "subaccount").agg(pl.col("covered_to").max())["covered_to"]
    late = _exchange().now - timedelta(hours=1)
    return "missing" not in set(coverage["status"]) and all(end >= late for end in ends)


def _sync_into(folder: Path, *, progress: bool) -> tuple[Portfolio, SyncReport]:
    report = sync(folder, connection=demo_connection(), progress=progress)
    return Portfolio(folder, client=demo_connection().client), report


def _sync_into_own(*, progress: bool) -> tuple[Portfolio, SyncReport]:
    """Sync into the demo's own folder; make it anew if something else got into it: there is nothing to lose there."""
    for folder in _own_folders():
        for _ in range(2):
            try:
                return _sync_into(folder, progress=progress)
            except LockedError:
                raise
            except (RootMismatchError, DamagedFileError):
                shutil.rmtree(folder, ignore_errors=True)
            except StoreError:
                if not _discarded(folder):
                    break
    return _sync_into(Path(tempfile.mkdtemp(prefix=f"{_APP}-")) / "demo", progress=progress)


def _discarded(folder: Path) -> bool:
    """Put away what lies in the place of the demo's folder and is none; False where nothing can be done."""
    with suppress(OSError):
        if folder.is_dir():
            shutil.rmtree(folder)
        else:
            folder.unlink()
        return True
    return False


def _own_folders() -> Iterator[Path]:
    """Give the places for the demo's own folder, best first."""
    name = f"demo-{_digest()}"
    yield platformdirs.user_cache_path(_APP) / name
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"  # a shared /tmp must not mix users
    yield Path(tempfile.gettempdir()) / f"{_APP}-{user}" / name


def demo_folder() -> Path:
    """Give the demo's own folder, among the user's caches."""
    return next(_own_folders())


def demo_connection(exchange: BareExchange | None = None) -> Connection:
    """Give a connection to a simulated exchange, for :func:`kalshi_portfolio.sync`.

    Args:
        exchange: Which one; None for the demo account's.

    Returns:
        The connection. Two exchanges whose accounts differ from the start are two accounts, which no data folder
        mixes; one whose clock moves on stays the same.

    Examples:
        >>> import tempfile, kalshi_portfolio as kp
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     kp.sync(folder, connection=kp.demo_connection(), only="balances", progress=False)["balances"].new > 0
        True
    """
    from kalshi_portfolio.simulation import BASE_URL, SimulatedTransport  # noqa: PLC0415  (only the demo needs it)

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

    name = f"demo-{_digest()}" if exchange is None else _account(exchange, key.key_id)
    return Connection(client, Identity(f"simulated-{name}", "simulated", ""), paced=False)


@functools.cache
def _exchange() -> SimulatedExchange:
    from kalshi_portfolio.simulation import SimulatedExchange  # noqa: PLC0415  (only the demo needs it)

    return SimulatedExchange()


@functools.cache
def _digest() -> str:
    """Name the demo account by all that happened in it, so that no folder of another version is taken for it."""
    exchange = _exchange()
    content = hashlib.sha256(f"{VERSION} {exchange.now}".encode())
    for fill in exchange.fills:
        content.update(fill.body)
    for settlement in exchange.settlements:
        content.update(repr(settlement).encode())
    return content.hexdigest()[:12]


def _account(exchange: BareExchange, key_id: str) -> str:
    """Name an account by what never changes in it: its first key, and of a generated one its first fill."""
    from kalshi_portfolio.simulation import SimulatedExchange  # noqa: PLC0415  (only the demo needs it)

    generated = isinstance(exchange, SimulatedExchange) and exchange.fills
    first = exchange.fills[0].fill_id if generated else ""
    return hashlib.sha256(f"{key_id} {first}".encode()).hexdigest()[:12]
