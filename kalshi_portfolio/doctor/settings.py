"""Which settings are found and where they come from, and what the private key is. No secret is ever shown."""

from __future__ import annotations

import os
import stat
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from kalshi_portfolio.auth import Signer
from kalshi_portfolio.doctor.findings import Finding
from kalshi_portfolio.errors import SettingsError
from kalshi_portfolio.settings import load_settings, origins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kalshi_portfolio.doctor.findings import State
    from kalshi_portfolio.settings import Settings

_NEEDED = ("KALSHI_API_KEY_ID", "KALSHI_PRIVATE_KEY_PATH or KALSHI_PRIVATE_KEY")
_SECRET = {"KALSHI_PRIVATE_KEY", "KALSHI_PRIVATE_KEY_PASSWORD"}
_GET_A_KEY = (
    "Make a key with the scope 'read' on kalshi.com, under account settings, API keys; then set KALSHI_API_KEY_ID and "
    "KALSHI_PRIVATE_KEY_PATH, in the environment or in the working directory's .env. Without one, "
    "`kalshi-portfolio demo` works."
)
_FOREIGN_ADDRESS = "Every signed request goes there. Unless that is meant, remove KALSHI_API_BASE_URL."
_READABLE_BY_OTHERS = 0o044
_WRITABLE_BY_OTHERS = 0o022
_WEAK_RSA = "RSA, 1"  # 1024 bits and the like; 2048 is what the exchange gives out


@dataclass(frozen=True, slots=True)
class Found:
    """What the settings came to.

    Attributes:
        settings: The settings; None if they make no sense.
        origins: Variable → where its value comes from.
        signer: What signs with the key; None if there is no usable one.
        findings: What to show.
    """

    settings: Settings | None
    origins: Mapping[str, str]
    signer: Signer | None
    findings: list[Finding]


def examine_settings(arguments: Mapping[str, object], *, needed: bool) -> Found:
    """Look at the settings and the private key.

    Args:
        arguments: Settings that the caller gave by name.
        needed: Whether a key is needed; not for a simulated account.
    """
    try:
        sources = origins(**arguments)
        settings = load_settings(**arguments)  # type: ignore[arg-type]  # doctor() has refused other names
    except SettingsError as error:
        return Found(None, {}, None, [Finding("settings", "settings", str(error), "fail", "Correct this first.")])
    findings = [
        *_env_file(settings.env_file),
        *(Finding("settings", name, f"{_shown(name, settings)}, from {_where(at)}") for name, at in sources.items()),
    ]
    if "KALSHI_ENVIRONMENT" not in sources:
        findings.append(Finding("settings", "KALSHI_ENVIRONMENT", f"{settings.environment_name}, the default"))
    if settings.environment_name == "custom":
        words = f"{settings.base_url} is none of Kalshi's"
        findings.append(Finding("settings", "address", words, "warn", _FOREIGN_ADDRESS))
    key, signer = _key(settings, needed=needed)
    return Found(settings, sources, signer, [*findings, key])


def _where(origin: str) -> str:
    return {"argument": "an argument", "environment": "the environment"}.get(origin, origin)


def _shown(variable: str, settings: Settings) -> str:
    """Show a value, or of a secret that it is set."""
    values = {
        "KALSHI_PRIVATE_KEY_PATH": settings.private_key_path,
        "KALSHI_ENVIRONMENT": settings.environment,
        "KALSHI_API_BASE_URL": settings.api_base_url,
        "KALSHI_PORTFOLIO_DATA": settings.data,
    }
    return str(values.get(variable, "set"))


def _env_file(path: Path | None) -> list[Finding]:
    if path is None:
        above = next((folder / ".env" for folder in Path.cwd().parents if (folder / ".env").is_file()), None)
        note = "" if above is None else f"; {above} is not read, because it lies above the working directory"
        return [Finding("settings", ".env", f"none is used{note}")]
    mode = path.stat().st_mode if os.name == "posix" else 0
    if mode & (_READABLE_BY_OTHERS | _WRITABLE_BY_OTHERS) and _holds_a_secret(path):
        who = f"{path} is used; other users of this computer can read or change it, and it holds a secret"
        return [Finding("settings", ".env", who, "warn", f"Run: chmod 600 {path}")]
    if mode & stat.S_IWOTH:
        who = f"{path} is used; other users of this computer can change it"
        return [Finding("settings", ".env", who, "warn", f"Run: chmod o-w {path}")]
    return [Finding("settings", ".env", f"{path} is used")]


def _holds_a_secret(path: Path) -> bool:
    return any(origin == str(path) and name in _SECRET for name, origin in origins().items())


def _key(settings: Settings, *, needed: bool) -> tuple[Finding, Signer | None]:
    have_key = settings.private_key_path is not None or settings.private_key is not None
    missing = [name for name, have in zip(_NEEDED, (settings.api_key_id, have_key), strict=True) if not have]
    if not needed and missing:
        return _about("none, and none is needed for a simulated account"), None
    if not have_key:
        return _about(f"not set: {', '.join(missing)}", "fail", _GET_A_KEY), None
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            signer = Signer.from_settings(replace(settings, api_key_id=settings.api_key_id or "unknown"))
    except SettingsError as error:
        return _about(str(error), "fail", "Correct this first."), None
    found = _usable(signer, settings.private_key_path, exposed=bool(said))
    if missing:
        return _about(f"{found.finding}; but {missing[0]} is not set", "fail", _GET_A_KEY), None
    return found, signer


def _usable(signer: Signer, path: Path | None, *, exposed: bool) -> Finding:
    found = f"readable, {signer.kind}"
    if exposed:
        return _about(f"{found}; other users of this computer can read or change it", "warn", f"Run: chmod 600 {path}")
    if signer.kind.startswith(_WEAK_RSA):
        return _about(found, "warn", "It is short: make a new key, Ed25519 or RSA of 2048 bits.")
    return _about(found)


def _about(found: str, state: State = "ok", advice: str = "") -> Finding:
    return Finding("settings", "private key", found, state, advice)
