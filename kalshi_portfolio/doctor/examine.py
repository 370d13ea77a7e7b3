"""The check-up as a whole."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kalshi_portfolio.client import KalshiClient, KalshiPublicClient
from kalshi_portfolio.demo import demo_connection
from kalshi_portfolio.doctor.exchange import examine_exchange
from kalshi_portfolio.doctor.findings import Checkup, Finding
from kalshi_portfolio.doctor.folder import Place, examine_folder
from kalshi_portfolio.doctor.program import examine_program
from kalshi_portfolio.doctor.repair import repair as repair_folder
from kalshi_portfolio.doctor.settings import Found, examine_settings
from kalshi_portfolio.errors import ArgumentError, KalshiPortfolioError
from kalshi_portfolio.loops import run
from kalshi_portfolio.settings import check_options, conceal
from kalshi_portfolio.store import Store, find_root
from kalshi_portfolio.sync import Connection

if TYPE_CHECKING:
    from pathlib import Path

_SIMULATED = "simulated"
_TIMEOUT_SECONDS = 10.0
_ATTEMPTS = 2  # a check-up without a network should say so at once


def doctor(
    root: str | Path | None = None,
    *,
    offline: bool = False,
    repair: bool = False,
    wait: float = 60.0,
    connection: Connection | None = None,
    **settings: Any,
) -> Checkup:
    """Look at everything that a sync needs, and say what to do where something is wrong.

    It works without a key, a network or a data folder: what fails is a row of its own. Nothing is changed unless
    ``repair`` is asked for, and no secret is shown.

    Args:
        root: The data folder; as for :func:`~kalshi_portfolio.sync`.
        offline: Whether to leave the exchange out.
        repair: Whether to fetch damaged files anew. Each is kept under ``.damaged/`` in the data folder, and of the
            exchange only what it held is asked for. What cannot be fetched (snapshots of past days, settlements that
            the exchange no longer lists) is said.
        wait: How long a repair waits for a sync of the same folder, in seconds.
        connection: Another exchange; None for the one that the settings name.
        **settings: Settings by name, as :func:`~kalshi_portfolio.load_settings` takes them.

    Returns:
        What was found, row by row.

    Raises:
        ArgumentError: ``offline`` and ``repair`` exclude each other, or there is no option or setting of a name.

    Examples:
        >>> import kalshi_portfolio as kp
        >>> checkup = kp.doctor(kp.demo().root)
        >>> checkup.ok, [row.finding for row in checkup.findings if row.name == "permissions"]
        (True, ['read'])
    """
    check_options(conceal(settings), doctor)
    if offline and repair:
        raise ArgumentError("A repair fetches from the exchange: offline and repair exclude each other. Choose one.")
    simulated = connection or _demo(root, settings)
    found = examine_settings(settings, needed=simulated is None)
    place = _place(root, found)
    link = simulated or _link(found)
    findings = [*examine_program(), *found.findings]
    if not offline:
        findings += _asked(found, simulated)
    if repair:
        findings += _repaired(place, link, findings, wait)
    return Checkup((*findings, *examine_folder(place, link.identity if link else None)))


def _place(root: str | Path | None, found: Found) -> Place:
    configured = found.settings.data if found.settings else None
    folder = find_root(root, configured)
    if root:
        return Place(folder, "an argument")
    if configured:
        return Place(folder, "KALSHI_PORTFOLIO_DATA")
    return Place(folder, "the default: the nearest data folder upwards, else a new ./data")


def _demo(root: str | Path | None, settings: dict[str, Any]) -> Connection | None:
    """Connect to the simulated exchange where the folder is the demo's: no settings lead there."""
    with suppress(KalshiPortfolioError):
        place = _place(root, examine_settings(settings, needed=False))
        mark = Store.open(place.root).mark
        if mark.environment == _SIMULATED and mark.host == (link := demo_connection()).identity.host:
            return link
    return None


def _link(found: Found) -> Connection | None:
    """Connect to the exchange that the settings name, if there is a usable key."""
    if found.settings is None or found.signer is None:
        return None
    return Connection.from_settings(found.settings, signer=found.signer)


def _asked(found: Found, given: Connection | None) -> list[Finding]:
    if given is not None:
        return run(examine_exchange(given.client(), given.identity.host))
    if found.settings is None:
        return []
    client: KalshiPublicClient
    base_url = found.settings.base_url
    if found.signer is None:
        client = KalshiPublicClient(base_url=base_url, attempts=_ATTEMPTS, timeout=_TIMEOUT_SECONDS)
    else:
        client = KalshiClient(signer=found.signer, base_url=base_url, attempts=_ATTEMPTS, timeout=_TIMEOUT_SECONDS)
    return run(examine_exchange(client, urlsplit(base_url).netloc))


def _repaired(place: Place, link: Connection | None, so_far: list[Finding], wait: float) -> list[Finding]:
    """Repair, if the exchange is there and takes the key: else a damaged file is better left where it is."""
    trouble = [finding.name for finding in so_far if finding.state == "fail"]
    if link is None or trouble:
        words = f"not begun, because of: {', '.join(trouble) or 'no usable key'}"
        return [Finding("repair", "repair", words, "fail", "Correct that first. Nothing was changed.")]
    return repair_folder(place.root, link, wait=wait)
