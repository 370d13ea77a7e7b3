r"""Frozen settings: which exchange, which key, which data folder. The only reader of the environment.

Each value comes from the first that has it: an argument of :func:`load_settings`, the environment, the
nearest ``.env`` file that names one of our variables (in the working directory, then upwards).

====================================  ==========================================================
``KALSHI_API_KEY_ID``                 the key's id
``KALSHI_PRIVATE_KEY_PATH``           the file with the private key (PEM)
``KALSHI_PRIVATE_KEY``                or the PEM text itself; ``\n`` may stand for line ends
``KALSHI_PRIVATE_KEY_PASSWORD``       the pass-phrase, where the key is encrypted
``KALSHI_ENVIRONMENT``                ``prod`` (the default) or ``demo``, Kalshi's paper trading
``KALSHI_API_BASE_URL``               another address of the API
``KALSHI_PORTFOLIO_DATA``             the data folder
====================================  ==========================================================
"""

from __future__ import annotations

import functools
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import SplitResult, urlsplit

from kalshi_portfolio.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic_settings import BaseSettings

API_PATH: Final = "/trade-api/v2"
"""Where the API lives on every host of the exchange."""

_PREFIX = "KALSHI_"
_VARIABLES = (
    "KALSHI_API_KEY_ID",
    "KALSHI_PRIVATE_KEY_PATH",
    "KALSHI_PRIVATE_KEY",
    "KALSHI_PRIVATE_KEY_PASSWORD",
    "KALSHI_ENVIRONMENT",
    "KALSHI_API_BASE_URL",
    "KALSHI_PORTFOLIO_DATA",
)
# The first host of each environment is the one that Kalshi recommends.
_HOSTS: dict[str, tuple[str, ...]] = {
    "prod": ("external-api.kalshi.com", "api.elections.kalshi.com"),
    "demo": ("external-api.demo.kalshi.co", "demo-api.kalshi.co"),
}
_DEFAULT_PORT = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """Which exchange, which key, which data folder. Its repr shows no secret.

    Attributes:
        api_key_id: The key's id, or None.
        private_key_path: The file with the private key, or None.
        private_key: The private key as PEM text, or None.
        private_key_password: The pass-phrase of an encrypted key, or None.
        environment: ``prod``, ``demo``, or None where nobody said (then ``prod``).
        api_base_url: Another address of the API, or None.
        data: The data folder asked for, or None.
        env_file: The ``.env`` file that a value came from, or None.

    Raises:
        SettingsError: A value is impossible, or two contradict each other.

    Examples:
        >>> Settings(environment="demo").base_url
        'https://external-api.demo.kalshi.co/trade-api/v2'
        >>> Settings(api_key_id="a1b2", private_key="-----BEGIN PRIVATE KEY-----...")
        Settings(environment='prod', base_url='https://external-api.kalshi.com/trade-api/v2', key=set)
    """

    api_key_id: str | None = None
    private_key_path: Path | None = None
    private_key: str | None = None
    private_key_password: str | None = None
    environment: str | None = None
    api_base_url: str | None = None
    data: Path | None = None
    env_file: Path | None = None

    def __post_init__(self) -> None:
        """Refuse what is impossible."""
        if self.environment not in {None, *_HOSTS}:
            raise SettingsError(
                f"KALSHI_ENVIRONMENT is {self.environment!r}. Expected 'prod' or 'demo' (Kalshi's paper trading)."
            )
        if self.private_key_path is not None and "-----BEGIN" in str(self.private_key_path):
            raise SettingsError(
                "KALSHI_PRIVATE_KEY_PATH holds the text of a key. Expected the path of a file; "
                "put the text into KALSHI_PRIVATE_KEY instead."
            )
        if self.api_base_url is not None:
            known = _known_environment(_checked_url(self.api_base_url))
            if self.environment is not None and known not in {None, self.environment}:
                raise SettingsError(
                    f"KALSHI_ENVIRONMENT is {self.environment!r}, but KALSHI_API_BASE_URL is an address of "
                    f"{known!r}. Keys of one do not work with the other: remove one of the two settings."
                )

    @property
    def base_url(self) -> str:
        """The address of the API, without a slash at the end."""
        if self.api_base_url is None:
            return f"https://{_HOSTS[self.environment or 'prod'][0]}{API_PATH}"
        parts = _checked_url(self.api_base_url)
        path = parts.path.rstrip("/") or API_PATH
        return f"{parts.scheme}://{parts.netloc.lower()}{path}"

    @property
    def environment_name(self) -> Literal["prod", "demo", "custom"]:
        """``prod`` or ``demo`` on a known host of the exchange, else ``custom``."""
        known = _known_environment(urlsplit(self.base_url))
        return "prod" if known == "prod" else "demo" if known == "demo" else "custom"

    @property
    def has_key(self) -> bool:
        """Whether there is a key id and a private key, so that signing can be tried."""
        return self.api_key_id is not None and (self.private_key_path or self.private_key) is not None

    def __repr__(self) -> str:
        """Show what is not secret."""
        key = "set" if self.has_key else "not set"
        where = "" if self.data is None else f", data={str(self.data)!r}"
        return f"Settings(environment={self.environment_name!r}, base_url={self.base_url!r}, key={key}{where})"


def load_settings(
    *,
    api_key_id: str | None = None,
    private_key_path: str | os.PathLike[str] | None = None,
    private_key: str | None = None,
    private_key_password: str | None = None,
    environment: str | None = None,
    api_base_url: str | None = None,
    data: str | os.PathLike[str] | None = None,
) -> Settings:
    """Read the settings: arguments, then the environment, then the nearest ``.env`` file.

    An empty value counts as none. A relative path in a ``.env`` file starts at that file's folder.
    A private key given as an argument makes the other form (path or text) of the surroundings void.

    Args:
        api_key_id: The key's id.
        private_key_path: The file with the private key.
        private_key: The private key as PEM text.
        private_key_password: The pass-phrase of an encrypted private key.
        environment: ``prod`` or ``demo``.
        api_base_url: Another address of the API; ``/trade-api/v2`` is added where it names a host only.
        data: The data folder.

    Returns:
        The settings. A missing key is no error here: public data need none.

    Raises:
        SettingsError: A value is impossible, two contradict each other, or the ``.env`` file is unreadable.

    Examples:
        >>> load_settings(environment="demo", api_base_url="https://demo-api.kalshi.co").base_url
        'https://demo-api.kalshi.co/trade-api/v2'
    """
    arguments = {
        "api_key_id": api_key_id,
        "private_key_path": private_key_path and os.fspath(private_key_path),
        "private_key": private_key,
        "private_key_password": private_key_password,
        "environment": environment,
        "api_base_url": api_base_url,
        "portfolio_data": data and os.fspath(data),
    }
    given = {name: str(value) for name, value in arguments.items() if value}
    env_file, named = _find_env_file(Path.cwd())
    values = _reader()(env_file, given).model_dump()
    from_file = _names_from_file(named, given)
    for one, other in (("private_key_path", "private_key"), ("private_key", "private_key_path")):
        if one in given and other not in given:
            values[other] = None
    stripped = {name: (value or "").strip() or None for name, value in values.items()}

    def path(name: str) -> Path | None:
        folder = env_file.parent if env_file and name in from_file else Path()
        text = stripped[name]
        return None if text is None else folder / Path(text).expanduser()

    return Settings(
        api_key_id=stripped["api_key_id"],
        private_key_path=path("private_key_path"),
        private_key=stripped["private_key"],
        private_key_password=values["private_key_password"] or None,
        environment=(stripped["environment"] or "").lower() or None,
        api_base_url=stripped["api_base_url"],
        data=path("portfolio_data"),
        env_file=env_file if from_file else None,
    )


@functools.cache
def _reader() -> Callable[[Path | None, dict[str, str]], BaseSettings]:
    """Make the class that merges the sources; pydantic takes 0.2 s to import, so only when it is needed."""
    from pydantic_settings import BaseSettings, SettingsConfigDict  # noqa: PLC0415  (see above)

    class Reader(BaseSettings):
        # A validation error that quoted its input would print a key.
        model_config = SettingsConfigDict(
            env_prefix=_PREFIX,
            env_ignore_empty=True,
            env_file_encoding="utf-8-sig",
            extra="ignore",
            frozen=True,
            hide_input_in_errors=True,
        )
        api_key_id: str | None = None
        private_key_path: str | None = None
        private_key: str | None = None
        private_key_password: str | None = None
        environment: str | None = None
        api_base_url: str | None = None
        portfolio_data: str | None = None

    # Without the detour mypy takes the fields for the many options of BaseSettings.
    options: Callable[..., BaseSettings] = Reader
    return lambda env_file, given: options(_env_file=env_file, **given)


def _find_env_file(start: Path) -> tuple[Path | None, frozenset[str]]:
    """Find the nearest ``.env`` that gives one of our variables a value, and the names of those that it does."""
    from dotenv import dotenv_values  # noqa: PLC0415  (as slow as pydantic, and part of it)

    for folder in (start, *start.parents):
        path = folder / ".env"
        try:
            # A folder of that name is a virtual environment.
            found = dotenv_values(path, encoding="utf-8-sig") if path.is_file() else {}
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"The settings file {path} could not be read ({type(error).__name__}). Expected UTF-8 text that "
                "this user may read: repair or remove it."
            ) from None  # the cause quotes the bytes of the file
        named = frozenset(name.upper() for name, value in found.items() if value) & frozenset(_VARIABLES)
        if named:
            return path, named
    return None, frozenset()


def _names_from_file(named: frozenset[str], given: Mapping[str, str]) -> frozenset[str]:
    """Tell which fields the ``.env`` file decides: those that neither an argument nor the environment gives."""
    environment = {name.upper() for name, value in os.environ.items() if value}
    fields = {name.removeprefix(_PREFIX).lower() for name in named - environment}
    return frozenset(fields - given.keys())


def _checked_url(text: str) -> SplitResult:
    """Split the address of an API, or say why keys must not be sent there."""
    try:
        parts = urlsplit(text.strip())
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise SettingsError("KALSHI_API_BASE_URL is no valid address. Expected https://host/trade-api/v2.") from None
    if parts.username is not None or parts.query or parts.fragment:
        raise SettingsError(
            "KALSHI_API_BASE_URL holds a user name, a query or a fragment. Expected https://host/trade-api/v2."
        )
    if parts.scheme not in _DEFAULT_PORT or not host:
        raise SettingsError(f"KALSHI_API_BASE_URL is {text!r}. Expected an address like https://host/trade-api/v2.")
    if parts.scheme == "http" and not _is_loopback(host):
        raise SettingsError(
            f"KALSHI_API_BASE_URL is {text!r}: plain http would send the account's data readable for everybody on "
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


def _known_environment(parts: SplitResult) -> str | None:
    """Tell which environment of the exchange an address belongs to, if any."""
    if parts.scheme != "https" or parts.port not in {None, 443}:
        return None
    return next((name for name, hosts in _HOSTS.items() if parts.hostname in hosts), None)
