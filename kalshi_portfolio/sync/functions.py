"""The synchronous functions for notebooks and scripts: settings, client, folder and syncer put together."""

from __future__ import annotations

import hashlib
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kalshi_portfolio.auth import Signer
from kalshi_portfolio.client import KalshiClient
from kalshi_portfolio.display import clean
from kalshi_portfolio.errors import ArgumentError, RootMismatchError, SettingsError, StoreError
from kalshi_portfolio.loops import run
from kalshi_portfolio.settings import Settings, check_options, conceal, load_settings
from kalshi_portfolio.store import SIMULATED, Identity, Store, find_root, way_to_simulated
from kalshi_portfolio.sync.progress import progress_bar
from kalshi_portfolio.sync.syncer import SYNCED, PortfolioSyncer, check_names

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

    from kalshi_portfolio.store import Holder
    from kalshi_portfolio.sync.report import SyncReport
    from kalshi_portfolio.sync.run import Progress

_HOST_OF = {"prod": "external-api.kalshi.com", "demo": "external-api.demo.kalshi.co"}


@dataclass(frozen=True)
class Connection:
    """An exchange to sync from: how to reach it, and whose data come from it.

    Attributes:
        client: Makes a client that is not open yet.
        identity: Whose data they are.
        paced: Whether to keep to the account's read limit.

    Examples:
        >>> import kalshi_portfolio as kp
        >>> kp.demo_connection().identity.environment
        'simulated'
    """

    client: Callable[[], KalshiClient]
    identity: Identity
    paced: bool = True

    @classmethod
    def from_settings(cls, settings: Settings, *, signer: Signer | None = None) -> Connection:
        """Connect to the real exchange, or what the settings name in its place.

        Args:
            settings: Which exchange, and which key.
            signer: What signs with that key, if it was made already.

        Raises:
            SettingsError: There is no key, or it cannot be used.
        """
        used = signer or Signer.from_settings(settings)
        environment = settings.environment_name
        host = _HOST_OF.get(environment) or urlsplit(settings.base_url).netloc
        return cls(
            lambda: KalshiClient(base_url=settings.base_url, signer=used),
            Identity(host, environment, fingerprint(settings.api_key_id or "")),
        )


def connect(settings: Settings, folder: Path) -> Connection:
    """Connect a data folder to the exchange that the settings name.

    Raises:
        RootMismatchError: There is no key that can be used, and the folder needs none: its account is simulated.
        SettingsError: There is no key, or it cannot be used.
    """
    simulated = _environment(folder) == SIMULATED
    try:
        return Connection.from_settings(settings)
    except SettingsError:
        if not simulated:
            raise
    raise RootMismatchError(
        f"{folder} holds a simulated account, to which no key leads. Nothing was changed. "
        f"{way_to_simulated(folder)} (kp.sync(..., connection=...)). For your own account choose another folder by "
        "KALSHI_PORTFOLIO_DATA, --root or the argument `root`.",
        path=folder,
    )


def _environment(folder: Path) -> str:
    try:
        return Store.open(folder).mark.environment
    except StoreError:  # what is wrong with the folder is told when it is synced
        return ""


def fingerprint(key_id: str) -> str:
    """Give a short hash of a key id, by which a data folder recognises it without holding it."""
    return hashlib.sha256(key_id.encode()).hexdigest()[:16]


def sync(
    root: str | Path | None = None,
    *,
    only: Collection[str] | str | None = None,
    since: datetime | date | str | None = None,
    overlap: timedelta = timedelta(hours=24),
    progress: bool = True,
    wait: float = 60.0,
    connection: Connection | None = None,
    **settings: Any,
) -> SyncReport:
    """Pull what is new of an account into its data folder.

    The first sync reads the whole history, later ones what has come since and a day's overlap. Interrupt it
    whenever you like: the next one goes on where it stopped. It may be called where an event loop is running
    already, as in a notebook.

    Args:
        root: The data folder. Without it ``KALSHI_PORTFOLIO_DATA``, else the nearest data folder upwards from
            the working directory, else a new ``./data``, which is then said.
        only: Names of datasets to sync, of ``fills, settlements, positions, markets, transfers, balances``;
            None for all.
        since: Do not go back further than this: a day (UTC), an ISO text, or a datetime with a time zone.
        overlap: How much of what is covered is read again, for rows that show up late.
        progress: Whether to show a progress bar; there is none where nobody looks, as in a job or a pipe.
        wait: How long to wait for another sync of the same folder, in seconds; below 0 for ever.
        connection: Another exchange to sync from; None for the one that the settings name.
        **settings: Settings by name, as :func:`~kalshi_portfolio.settings.load_settings` takes them, such as
            ``api_key_id=`` and ``private_key_path=``; they win over the environment.

    Returns:
        A report of what came, per dataset.

    Raises:
        SettingsError: No key, or one that cannot be used.
        AuthenticationError: The exchange does not accept the key.
        ConnectionFailedError: The exchange cannot be reached.
        RootMismatchError: The folder holds another account's data. Nothing was changed.
        LockedError: Another process is still syncing this folder.
        StoreError: The folder cannot be written to, or a file in it is damaged. Nothing was lost.
        ArgumentError: ``only`` or ``since`` makes no sense, or there is no option or setting of a name.

    Examples:
        The same call, on the exchange that is simulated in the process:

        >>> import tempfile, kalshi_portfolio as kp
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = kp.sync(folder, connection=kp.demo_connection(), progress=False)
        >>> report["fills"].new > 1000, report["fills"].set_aside
        (True, 0)
    """
    check_options(conceal(settings), sync)
    names = [only] if isinstance(only, str) else list(only) if only is not None else list(SYNCED)
    check_names(names)
    start = parse_since(since)
    chosen = load_settings(**settings)
    folder = find_root(root, chosen.data)
    link = connection or connect(chosen, folder)
    store = Store.open_for_sync(folder, link.identity)
    if store.created and root is None:
        _say(f"Made a new data folder: {store.root}")
    if chosen.notice and connection is None:
        _say(chosen.notice)
    try:
        with progress_bar(shown=progress) as bar:
            return run(_synced(link, store, names, start, overlap, bar, wait, tell=_say if progress else None))
    except BaseException:
        store.discard_if_new()  # a wrong key leaves nothing behind
        raise


async def _synced(
    link: Connection,
    store: Store,
    names: list[str],
    since: datetime | None,
    overlap: timedelta,
    bar: Progress,
    wait: float,
    *,
    tell: Callable[[str], None] | None,
) -> SyncReport:
    async with link.client() as client:
        if tell is not None:
            client.tell(tell)
        syncer = PortfolioSyncer(
            client,
            store,
            since=since,
            overlap=overlap,
            progress=bar,
            wait=wait,
            on_wait=_say_who,
            key_fingerprint=link.identity.key_fingerprint,
            paced=link.paced,
        )
        return await syncer.sync_only(names)


def sync_fills(root: str | Path | None = None, **options: Any) -> SyncReport:
    """Pull new fills only.

    Takes the options of :func:`sync` but ``only``, gives the same report, and raises the same.

    Examples:
        >>> import tempfile, kalshi_portfolio as kp
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = kp.sync_fills(folder, connection=kp.demo_connection(), progress=False)
        >>> report["fills"].new > 0, list(report.datasets)
        (True, ['fills'])
    """
    return sync(root, only="fills", **conceal(options))


def sync_positions(root: str | Path | None = None, **options: Any) -> SyncReport:
    """Take a snapshot of the positions, and read the markets for their marks.

    Takes the options of :func:`sync` but ``only``, gives the same report, and raises the same.

    Examples:
        >>> import tempfile, kalshi_portfolio as kp
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = kp.sync_positions(folder, connection=kp.demo_connection(), progress=False)
        >>> report["positions"].new > 0, list(report.datasets)
        (True, ['positions', 'markets'])
    """
    return sync(root, only="positions", **conceal(options))


def sync_settlements(root: str | Path | None = None, **options: Any) -> SyncReport:
    """Pull new settlements only.

    Takes the options of :func:`sync` but ``only``, gives the same report, and raises the same.

    Examples:
        >>> import tempfile, kalshi_portfolio as kp
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = kp.sync_settlements(folder, connection=kp.demo_connection(), progress=False)
        >>> report["settlements"].new > 0, list(report.datasets)
        (True, ['settlements'])
    """
    return sync(root, only="settlements", **conceal(options))


def sync_transfers(root: str | Path | None = None, **options: Any) -> SyncReport:
    """Pull deposits, withdrawals and internal transfers only.

    Takes the options of :func:`sync` but ``only``, gives the same report, and raises the same.

    Examples:
        >>> import tempfile, kalshi_portfolio as kp
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = kp.sync_transfers(folder, connection=kp.demo_connection(), progress=False)
        >>> report["transfers"].new > 0, list(report.datasets)
        (True, ['transfers'])
    """
    return sync(root, only="transfers", **conceal(options))


def sync_balances(root: str | Path | None = None, **options: Any) -> SyncReport:
    """Take a snapshot of the balances only.

    Takes the options of :func:`sync` but ``only``, gives the same report, and raises the same.

    Examples:
        >>> import tempfile, kalshi_portfolio as kp
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     report = kp.sync_balances(folder, connection=kp.demo_connection(), progress=False)
        >>> report["balances"].new > 0, list(report.datasets)
        (True, ['balances'])
    """
    return sync(root, only="balances", **conceal(options))


def sync_markets(root: str | Path | None = None, **options: Any) -> SyncReport:
    """Pull results, titles and quotes of the traded markets only.

    Takes the options of :func:`sync` but ``only``, gives the same report, and raises the same.

    Examples:
        >>> import tempfile, kalshi_portfolio as kp
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     fills = kp.sync_fills(folder, connection=kp.demo_connection(), progress=False)
        ...     report = kp.sync_markets(folder, connection=kp.demo_connection(), progress=False)
        >>> report["markets"].new > 0, list(report.datasets)
        (True, ['markets'])
    """
    return sync(root, only="markets", **conceal(options))


def parse_since(since: datetime | date | str | None) -> datetime | None:
    """Read the start of what is wanted as a point in time.

    Raises:
        ArgumentError: It is no date.

    Examples:
        >>> parse_since("2026-01-01")
        datetime.datetime(2026, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)
    """
    if isinstance(since, str):
        try:
            since = datetime.fromisoformat(since)
        except ValueError:
            raise ArgumentError(f"since={since!r} is no date. Expected one such as 2026-01-31.") from None
    if isinstance(since, datetime):
        return since if since.tzinfo else since.replace(tzinfo=UTC)
    return datetime.combine(since, time(), UTC) if since else None


def _say(text: str) -> None:
    print(*map(clean, text.splitlines()), sep="\n", file=sys.stderr)  # noqa: T201  (said to the person at the keyboard, apart from any output)


def _say_who(holder: Holder | None) -> None:
    _say(f"Waiting for {holder or 'another process'}, which is syncing this data folder.")
