"""Where the exchange is, and to which addresses a key may be sent."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import SplitResult, urlsplit

from kalshi_portfolio.errors import SettingsError

API_PATH: Final = "/trade-api/v2"
"""Where the API lives on every host of the exchange."""

# The first host of each environment is the one that Kalshi recommends.
HOSTS: dict[str, tuple[str, ...]] = {
    "prod": ("external-api.kalshi.com", "api.elections.kalshi.com"),
    "demo": ("external-api.demo.kalshi.co", "demo-api.kalshi.co"),
}
_SCHEMES = ("https", "http")


def check_url(text: str, name: str = "KALSHI_API_BASE_URL") -> SplitResult:
    """Split the address of an API, or say why keys must not be sent there.

    Args:
        text: The address.
        name: What it is called where it came from, for the message.

    Raises:
        SettingsError: It is no address, holds a user name, or is plain http to another computer.

    Examples:
        >>> check_url("https://kalshi.example/x").hostname
        'kalshi.example'
    """
    expected = "Expected an address like https://host/trade-api/v2."
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise SettingsError(f"{name} is no valid address. {expected}") from None
    if parts.username is not None or parts.query or parts.fragment:
        raise SettingsError(f"{name} holds a user name, a query or a fragment. {expected}")
    if parts.scheme not in _SCHEMES or not host:
        raise SettingsError(f"{name} is {text!r}. {expected}")
    if parts.scheme == "http" and not _is_loopback(host):
        raise SettingsError(
            f"{name} is {text!r}: plain http would send the account's data readable for everybody on "
            "the way. Use https; http is for this computer alone (localhost, 127.0.0.1)."
        )
    return parts


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def known_environment(parts: SplitResult) -> str | None:
    """Tell which environment of the exchange an address belongs to, if any."""
    if parts.scheme != "https" or parts.port not in {None, 443}:
        return None
    return next((name for name, hosts in HOSTS.items() if parts.hostname in hosts), None)
