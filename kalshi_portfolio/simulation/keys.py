"""API keys, and what the exchange checks of a signature (API 1.2 and 1.3)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from kalshi_portfolio.simulation.dice import Dice
from kalshi_portfolio.simulation.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

KeyKind = Literal["ed25519", "rsa"]

_RSA_BITS = 2048


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a user of the exchange has: a key id and a private key. The key is not shown in the repr."""

    key_id: str
    private_key_pem: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What the exchange knows of a key: the public half and what it is restricted to."""

    key_id: str
    name: str
    public_key: ed25519.Ed25519PublicKey | rsa.RSAPublicKey = field(repr=False)
    subaccount: int | None = None


class Keyring:
    """All keys of the account.

    Args:
        name: The stream of chance that key ids and Ed25519 keys come from. RSA keys differ from process to
            process.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self.keys: dict[str, ApiKey] = {}

    def issue(self, kind: KeyKind = "ed25519", *, subaccount: int | None = None) -> Credentials:
        """Make a new key.

        Args:
            kind: The algorithm.
            subaccount: The only subaccount that the key may read; None for all.
        """
        name = f"{self._name}/keys/{len(self.keys)}"
        key_id = Dice(name).uuid()
        private: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey
        if kind == "ed25519":
            private = ed25519.Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())
            form = serialization.PrivateFormat.PKCS8
        else:
            private = rsa.generate_private_key(65537, _RSA_BITS)
            form = serialization.PrivateFormat.TraditionalOpenSSL
        pem = private.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
        self.keys[key_id] = ApiKey(key_id, f"key {len(self.keys) + 1}", private.public_key(), subaccount)
        return Credentials(key_id, pem.decode())

    def revoke(self, key_id: str) -> None:
        """Delete a key; requests signed with it are refused from now on."""
        del self.keys[key_id]

    def check(self, headers: Mapping[str, str], *, method: str, path: str, now_ms: int, tolerance_ms: int) -> ApiKey:
        """Check the signature of a request.

        Args:
            headers: The request's headers.
            method: The HTTP method.
            path: The path from the host's root, as it was sent, without the query.
            now_ms: The exchange's clock.
            tolerance_ms: How far the request's clock may be off.

        Returns:
            The key that signed it.

        Raises:
            Refusal: 401, with the reason as the code.
        """
        key = self.keys.get(headers.get("KALSHI-ACCESS-KEY", ""))
        text, signature = headers.get("KALSHI-ACCESS-TIMESTAMP", ""), headers.get("KALSHI-ACCESS-SIGNATURE", "")
        if key is None or not (text.isascii() and text.isdigit()) or not signature:
            raise Refusal(401, "unauthorized", "missing or unknown API key, timestamp or signature")
        if abs(int(text) - now_ms) > tolerance_ms:
            raise Refusal(401, "header_timestamp_expired", "the request's timestamp is too far from the server's")
        try:
            _verify(key.public_key, base64.b64decode(signature, validate=True), f"{text}{method}{path}".encode())
        except (InvalidSignature, binascii.Error) as error:
            raise Refusal(401, "unauthorized", "the signature does not fit the request") from error
        return key


def _verify(public_key: ed25519.Ed25519PublicKey | rsa.RSAPublicKey, signature: bytes, message: bytes) -> None:
    if isinstance(public_key, ed25519.Ed25519PublicKey):
        public_key.verify(signature, message)
        return
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256.digest_size)
    public_key.verify(signature, message, pss, hashes.SHA256())
