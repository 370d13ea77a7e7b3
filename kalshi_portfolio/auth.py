"""Request signing: RSA-PSS or Ed25519, by the type of the key that was parsed.

What is signed is ``timestamp in ms + METHOD + path``, the path from the host's root, without the query.
"""

from __future__ import annotations

import base64
import os
import re
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kalshi_portfolio.errors import SettingsError
from kalshi_portfolio.settings import Secret

if TYPE_CHECKING:
    from pathlib import Path

    from kalshi_portfolio.settings import Settings

_HOW_TO_GET_A_KEY = (
    "Make one on kalshi.com, under account settings, API keys (on the demo site for the demo environment): "
    "the scope 'read' is all that this package needs. Then set KALSHI_API_KEY_ID to its id, and "
    "KALSHI_PRIVATE_KEY_PATH to the downloaded file or KALSHI_PRIVATE_KEY to its text, in the environment or "
    "in the file .env of the working directory (no other one is read)."
)
_EXPECTED = "Expected the private key file that Kalshi gave out (PEM, RSA or Ed25519)."
_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_KEY_ID = re.compile(r"[!-~]{1,200}")
_READABLE_BY_OTHERS = 0o066


class KeyFileWarning(UserWarning):
    """The file of a private key can be read or changed by other users of this computer."""


@dataclass(frozen=True, slots=True)
class _Pem:
    """The bytes of a key. A traceback may show every variable on its way, so no variable here holds them bare."""

    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Signer:
    """Signs requests with one API key. Its repr shows the type of the key and nothing else.

    Attributes:
        key_type: ``"RSA"`` or ``"Ed25519"``.
        key_id: The key's id, which goes along with each request.
    """

    key_type: str
    key_id: str = field(repr=False)
    _key: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    @classmethod
    def from_settings(cls, settings: Settings) -> Signer:
        """Make the signer that the settings describe.

        Args:
            settings: With a key id, and a private key as a path or as text. If both are there, they must be
                the same key.

        Returns:
            The signer.

        Raises:
            SettingsError: The id or the key is missing, unreadable, contradictory or of an unsupported type.
        """
        path, text = settings.private_key_path, settings.private_key
        missing = [
            *(["KALSHI_API_KEY_ID"] if settings.api_key_id is None else []),
            *(["KALSHI_PRIVATE_KEY_PATH or KALSHI_PRIVATE_KEY"] if path is None and text is None else []),
        ]
        if settings.api_key_id is None or missing:
            raise SettingsError(
                f"There is no API key: {' and '.join(missing)} {'are' if len(missing) > 1 else 'is'} not set. "
                f"{_HOW_TO_GET_A_KEY} To look around without a key, use kp.demo() or `kalshi-portfolio demo`."
            )
        pems = [
            *([(f"The private key file {path}", _read_key_file(path))] if path else []),
            *([("KALSHI_PRIVATE_KEY", _Pem(text.encode()))] if text else []),
        ]
        keys = [_parse(pem, settings.private_key_password, source) for source, pem in pems]
        if any(key.public_key() != keys[0].public_key() for key in keys):
            raise SettingsError(
                "KALSHI_PRIVATE_KEY_PATH and KALSHI_PRIVATE_KEY hold two different keys. Expected one: remove "
                "the other, the one that does not belong to KALSHI_API_KEY_ID."
            )
        return cls._made(settings.api_key_id, keys[0])

    @classmethod
    def from_pem(cls, key_id: str, pem: bytes, password: str | None = None) -> Signer:
        r"""Make a signer from the text of a private key.

        Args:
            key_id: The key's id.
            pem: The PEM text. ``\n`` may be written out, as in a variable on one line.
            password: The pass-phrase, where the key is encrypted.

        Returns:
            The signer.

        Raises:
            SettingsError: It is no private key of a supported type, or the pass-phrase is missing or wrong.
        """
        held, password, key_id = _Pem(pem), Secret(password or ""), Secret(key_id)
        del pem
        return cls._made(key_id, _parse(held, password, "The private key"))

    @classmethod
    def _made(cls, key_id: str, key: RSAPrivateKey | Ed25519PrivateKey) -> Signer:
        if not _KEY_ID.fullmatch(key_id):
            # It goes into a header, where a line break or an umlaut would fail with the id shown.
            raise SettingsError(
                f"KALSHI_API_KEY_ID (a text of {len(key_id)} characters) holds blanks or other characters "
                "that no key id has. Expected the id that Kalshi shows beside the key, like "
                "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx."
            )
        return cls("RSA" if isinstance(key, RSAPrivateKey) else "Ed25519", Secret(key_id), key)

    @property
    def kind(self) -> str:
        """The type of the key and, where they vary, its bits: ``Ed25519`` or ``RSA, 2048 bits``."""
        return self.key_type if isinstance(self._key, Ed25519PrivateKey) else f"RSA, {self._key.key_size} bits"

    def headers(self, method: str, path: str, timestamp_ms: int) -> dict[str, str]:
        """Sign one request.

        Args:
            method: The HTTP method.
            path: The path from the host's root, exactly as it is sent. A query is left out.
            timestamp_ms: The time of the request, in milliseconds since 1970.

        Returns:
            The three headers that authenticate the request.
        """
        message = f"{timestamp_ms}{method.upper()}{path.partition('?')[0]}".encode()
        return {
            "KALSHI-ACCESS-KEY": self.key_id,
            "KALSHI-ACCESS-TIMESTAMP": str(timestamp_ms),
            "KALSHI-ACCESS-SIGNATURE": base64.b64encode(self._sign(message)).decode("ascii"),
        }

    def _sign(self, message: bytes) -> bytes:
        if isinstance(self._key, Ed25519PrivateKey):
            return self._key.sign(message)
        digest = hashes.SHA256()
        pss = padding.PSS(mgf=padding.MGF1(digest), salt_length=padding.PSS.DIGEST_LENGTH)
        return self._key.sign(message, pss, digest)


def _read_key_file(path: Path) -> _Pem:
    try:
        pem = _Pem(path.read_bytes())
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise SettingsError(
            f"The private key file {path} does not exist (looked from {path.absolute().parent}). {_EXPECTED} "
            "Correct KALSHI_PRIVATE_KEY_PATH."
        ) from None
    except OSError as error:
        raise SettingsError(
            f"The private key file {path} could not be read: {error.strerror}. {_EXPECTED} Let this user "
            f"read it (chmod 600 {path}), or correct KALSHI_PRIVATE_KEY_PATH."
        ) from error
    if os.name == "posix" and mode & _READABLE_BY_OTHERS:
        warnings.warn(
            f"Other users of this computer can read or change the private key file {path}. Run: chmod 600 {path}",
            KeyFileWarning,
            stacklevel=3,
        )
    return pem


def _parse(pem: _Pem, password: str | None, source: str) -> RSAPrivateKey | Ed25519PrivateKey:
    block = _private_block(pem)
    if isinstance(block, str):
        raise SettingsError(f"{source} {block}")
    try:
        try:
            key = load_pem_private_key(block.data, password.encode() if password else None)
        except TypeError:
            if not password:
                raise SettingsError(
                    f"{source} is encrypted, and there is no pass-phrase. Set KALSHI_PRIVATE_KEY_PASSWORD."
                ) from None
            key = load_pem_private_key(block.data, None)  # not encrypted after all: the pass-phrase is for nothing
    except (ValueError, UnsupportedAlgorithm):
        hint = (
            "The pass-phrase in KALSHI_PRIVATE_KEY_PASSWORD is wrong, or the text is damaged."
            if password
            else "It is damaged or cut off: download it again or make a new key."
        )
        raise SettingsError(f"{source} has the form of a private key but cannot be decoded. {hint}") from None
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        kind = type(key).__name__.lstrip("_").removesuffix("PrivateKey")
        raise SettingsError(f"{source} is of the type {kind}, which Kalshi does not accept. {_EXPECTED}")
    return key


def _private_block(pem: _Pem) -> _Pem | str:
    """Cut out the private key, with its line ends restored, or say what is there instead. It never raises."""
    text = pem.data.replace(b"\\r", b"").replace(b"\\n", b"\n")
    blocks = [(match[1], match[2]) for match in _BLOCK.finditer(text)]
    private = next(((name, body) for name, body in blocks if name.endswith(b"PRIVATE KEY")), None)
    if private is None:
        return f"{_what_it_is(text, [name for name, _ in blocks])} {_EXPECTED}"
    name, body = private
    if name == b"OPENSSH PRIVATE KEY":
        return f"is in OpenSSH's own format. {_EXPECTED} Convert a copy of the file: ssh-keygen -p -m PKCS8 -f COPY"
    if b"\n" not in body.strip():
        body = b"\n" + b"\n".join(body.split()) + b"\n"  # a variable whose line ends became blanks
    return _Pem(b"-----BEGIN " + name + b"-----" + body + b"-----END " + name + b"-----\n")


def _what_it_is(text: bytes, names: list[bytes]) -> str:
    if any(name.endswith(b"PUBLIC KEY") for name in names):
        return "is a public key; requests are signed with the private one."
    if any(b"CERTIFICATE" in name for name in names):
        return "is a certificate, not a key."
    if b"-----BEGIN" in text:
        return "is cut off: the line '-----END … PRIVATE KEY-----' is missing."
    if not text.strip():
        return "is empty."
    if b"\n" not in text.strip() and re.search(rb"\.(pem|key|txt)\s*$|^\s*[~/.]", text):
        return "is no PEM text but looks like a path, which belongs into KALSHI_PRIVATE_KEY_PATH."
    return f"is no PEM text: {len(text)} bytes without a line '-----BEGIN … PRIVATE KEY-----'."
