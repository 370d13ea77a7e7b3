"""The settings themselves, and where each value comes from: argument, environment, ``.env``."""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from kalshi_portfolio.errors import SettingsError
from kalshi_portfolio.settings.address import API_PATH, HOSTS, check_url, known_environment
from kalshi_portfolio.settings.secret import SECRET, Secret, conceal, hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic_settings import BaseSettings

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
_TWO_FORMS = (("private_key_path", "private_key"), ("private_key", "private_key_path"))


@dataclass(frozen=True, slots=True, repr=False)
class Settings:
    """Which exchange, which key, which data folder. It shows no secret, whole or in parts.

    Attributes:
        api_key_id: The key's id (a :class:`Secret`), or None.
        private_key_path: The file with the private key, or None.
        private_key: The private key as PEM text (a :class:`Secret`), or None.
        private_key_password: The pass-phrase of an encrypted key (a :class:`Secret`), or None.
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
        """Hide the secrets, and refuse what is impossible."""
        for name in SECRET:
            object.__setattr__(self, name, hidden(getattr(self, name)))
        if self.environment not in {None, *HOSTS}:
            raise SettingsError(
                f"KALSHI_ENVIRONMENT is {self.environment!r}. Expected 'prod' or 'demo' (Kalshi's paper trading)."
            )
        if self.private_key_path is not None and "-----BEGIN" in str(self.private_key_path):
            object.__setattr__(self, "private_key_path", None)  # a traceback may show this object's parts
            raise SettingsError(
                "KALSHI_PRIVATE_KEY_PATH holds the text of a key. Expected the path of a file; "
                "put the text into KALSHI_PRIVATE_KEY instead."
            )
        if self.api_base_url is not None:
            known = known_environment(check_url(self.api_base_url))
            if self.environment is not None and known not in {None, self.environment}:
                raise SettingsError(
                    f"KALSHI_ENVIRONMENT is {self.environment!r}, but KALSHI_API_BASE_URL is an address of "
                    f"{known!r}. Keys of one do not work with the other: remove one of the two settings."
                )

    @property
    def base_url(self) -> str:
        """The address of the API, without a slash at the end."""
        if self.api_base_url is None:
            return f"https://{HOSTS[self.environment or 'prod'][0]}{API_PATH}"
        parts = check_url(self.api_base_url)
        path = parts.path.rstrip("/") or API_PATH
        return f"{parts.scheme}://{parts.netloc.lower()}{path}"

    @property
    def environment_name(self) -> Literal["prod", "demo", "custom"]:
        """``prod`` or ``demo`` on a known host of the exchange, else ``custom``."""
        known = known_environment(urlsplit(self.base_url))
        return "prod" if known == "prod" else "demo" if known == "demo" else "custom"

    @property
    def has_key(self) -> bool:
        """Whether there is a key id and a private key, so that signing can be tried."""
        return self.api_key_id is not None and (self.private_key_path or self.private_key) is not None

    @property
    def notice(self) -> str:
        """What to tell the user before a key is used: a file that decided, and an address that is not Kalshi's."""
        said = [] if self.env_file is None else [f"Settings were read from {self.env_file}"]
        if self.env_file is not None and self.environment_name == "custom":
            said.append(f"Requests go to {urlsplit(self.base_url).netloc} (KALSHI_API_BASE_URL)")
        return "\n".join(said)

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
    """Read the settings: arguments, then the environment, then the file ``.env`` in the working directory.

    An empty value counts as none, and variables of others in ``.env`` are passed over. A private key given as an
    argument makes the other form (path or text) of the surroundings void.

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
    # From here on no variable holds a secret in the clear: a traceback may show them. A path may be a key by mistake.
    api_key_id, private_key, private_key_password = map(hidden, (api_key_id, private_key, private_key_password))
    private_key_path = Secret(os.fspath(private_key_path)) if private_key_path else None
    arguments = {
        "api_key_id": api_key_id,
        "private_key_path": private_key_path,
        "private_key": private_key,
        "private_key_password": private_key_password,
        "environment": environment,
        "api_base_url": api_base_url,
        "portfolio_data": data and os.fspath(data),
    }
    given = {name: value for name, value in arguments.items() if value}
    env_file, named = _own_env_file()
    values = _values(env_file, given)
    for one, other in _TWO_FORMS:
        if one in given and other not in given:
            values[other] = None
    try:
        return Settings(
            api_key_id=values["api_key_id"],
            private_key_path=_path(values["private_key_path"]),
            private_key=values["private_key"],
            private_key_password=values["private_key_password"],
            environment=(values["environment"] or "").lower() or None,
            api_base_url=values["api_base_url"],
            data=_path(values["portfolio_data"]),
            env_file=env_file if _names_from_file(named, given) else None,
        )
    except SettingsError as error:
        raise error.with_traceback(None) from None  # the frames in between hold a key that was given as a path


def origins(**arguments: object) -> dict[str, str]:
    """Say where each setting comes from, without reading what it is.

    Args:
        **arguments: What was given to :func:`load_settings`, by name.

    Returns:
        Variable → ``argument``, ``environment`` or the path of a ``.env`` file, in the order of the table above. One
        that nobody gave is not in it.

    Raises:
        SettingsError: The ``.env`` file is unreadable.

    Examples:
        >>> origins(environment="demo")["KALSHI_ENVIRONMENT"]
        'argument'
    """
    conceal(arguments)
    given = {"portfolio_data" if name == "data" else name for name, value in arguments.items() if value}
    env_file, named = _own_env_file()
    environment = {name.upper() for name, value in os.environ.items() if value}
    void = {other for one, other in _TWO_FORMS if one in given}
    found = {}
    for variable in _VARIABLES:
        field = variable.removeprefix(_PREFIX).lower()
        if field in given:
            found[variable] = "argument"
        elif field not in void and variable in environment | named:
            found[variable] = "environment" if variable in environment else str(env_file)
    return found


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


def _values(env_file: Path | None, given: dict[str, str]) -> dict[str, str | None]:
    """Merge the sources. Blanks around a value are cut, though not around a pass-phrase, and an empty one is none."""
    found = {
        name: (value or "") if name == "private_key_password" else (value or "").strip()
        for name, value in _reader()(env_file, given).model_dump().items()
    }
    hidden = {*SECRET, "private_key_path"}
    return {name: (Secret(value) if name in hidden else value) or None for name, value in found.items()}


def _path(text: str | None) -> Path | None:
    # A secret is joined as the text that it is, not as it shows itself.
    return None if text is None else Path("".join(text)).expanduser()


def _own_env_file() -> tuple[Path | None, frozenset[str]]:
    """Give the ``.env`` of the working directory, and the names of our variables that it gives a value.

    One further up is not looked for: whoever may write there, on a shared computer, could name another exchange.
    """
    from dotenv import dotenv_values  # noqa: PLC0415  (as slow as pydantic, and part of it)

    path = Path.cwd() / ".env"
    try:
        # A folder of that name is a virtual environment.
        found = dotenv_values(path, encoding="utf-8-sig") if path.is_file() else {}
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"The settings file {path} could not be read ({type(error).__name__}). Expected UTF-8 text that "
            "this user may read: repair or remove it."
        ) from None  # the cause quotes the bytes of the file
    named = frozenset(name.upper() for name, value in found.items() if value) & frozenset(_VARIABLES)
    return (path, named) if named else (None, frozenset())


def _names_from_file(named: frozenset[str], given: Mapping[str, str]) -> frozenset[str]:
    """Tell which fields the ``.env`` file decides: those that neither an argument nor the environment gives."""
    environment = {name.upper() for name, value in os.environ.items() if value}
    fields = {name.removeprefix(_PREFIX).lower() for name in named - environment}
    return frozenset(fields - given.keys())


def in_jupyter_server() -> bool:
    """Whether a Jupyter server started this process: JupyterLab, Notebook 7 and the like name the session so."""
    return "JPY_SESSION_NAME" in os.environ
