"""Signatures that verify, and a message for every key that does not work."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from kalshi_portfolio.auth import KeyFileWarning, Signer
from kalshi_portfolio.errors import SettingsError
from kalshi_portfolio.settings import Settings

KEY_ID = "a1b2c3d4-0000-4000-8000-000000000000"
RSA = rsa.generate_private_key(65537, 2048)
ED25519 = ed25519.Ed25519PrivateKey.generate()


def pem(
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey = ED25519,
    form: PrivateFormat = PrivateFormat.PKCS8,
    encryption: KeySerializationEncryption | None = None,
) -> bytes:
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption())


def verify_rsa(signature: bytes, message: bytes) -> None:
    pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
    RSA.public_key().verify(signature, message, pss, hashes.SHA256())


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_rsa_signature_verifies_as_pss_with_a_salt_of_32_bytes(form: PrivateFormat) -> None:
    headers = Signer.from_pem(KEY_ID, pem(RSA, form)).headers("get", "/trade-api/v2/portfolio/balance", 1703123456789)
    assert headers["KALSHI-ACCESS-KEY"] == KEY_ID
    assert headers["KALSHI-ACCESS-TIMESTAMP"] == "1703123456789"
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"], validate=True)
    verify_rsa(signature, b"1703123456789GET/trade-api/v2/portfolio/balance")


def test_an_ed25519_key_signs_the_message_itself() -> None:
    headers = Signer.from_pem(KEY_ID, pem()).headers("GET", "/trade-api/v2/portfolio/balance", 5)
    signature = base64.b64decode(headers["KALSHI-ACCESS-SIGNATURE"])
    ED25519.public_key().verify(signature, b"5GET/trade-api/v2/portfolio/balance")


def test_the_query_is_not_signed() -> None:
    signer = Signer.from_pem(KEY_ID, pem())
    assert signer.headers("GET", "/a?limit=1", 5) == signer.headers("GET", "/a", 5)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace(b"\n", b"\\n"),
        lambda text: text.replace(b"\n", b"\\r\\n"),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b" "),
        lambda text: b"\xef\xbb\xbf  " + text + b"\n\n",
        lambda text: b'"' + text + b'"',
    ],
    ids=["escaped", "escaped-crlf", "crlf", "blanks", "bom", "quoted"],
)
@pytest.mark.parametrize("key", [RSA, ED25519], ids=["rsa", "ed25519"])
def test_a_key_is_read_however_its_lines_end(
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey, change: object
) -> None:
    assert callable(change)
    assert Signer.from_pem(KEY_ID, change(pem(key))).key_type in {"RSA", "Ed25519"}


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_an_encrypted_key_opens_with_its_pass_phrase(form: PrivateFormat) -> None:
    text = pem(RSA, form, BestAvailableEncryption(b"hunter2"))
    assert Signer.from_pem(KEY_ID, text, "hunter2").key_type == "RSA"


def test_an_idle_pass_phrase_does_no_harm() -> None:
    assert Signer.from_pem(KEY_ID, pem(), "hunter2").key_type == "Ed25519"


PUBLIC = ED25519.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
LOCKED = pem(encryption=BestAvailableEncryption(b"hunter2"))
EC = pem(ec.generate_private_key(ec.SECP256R1()))


@pytest.mark.parametrize(
    ("text", "password", "message"),
    [
        (PUBLIC, None, "public key"),
        (CERTIFICATE, None, "certificate"),
        (b"hello", None, "no PEM text: 5 bytes"),
        (b"", None, "is empty"),
        (b"~/keys/kalshi.pem", None, "KALSHI_PRIVATE_KEY_PATH"),
        (pem()[:60], None, "cut off"),
        (LOCKED, None, "encrypted, and there is no pass-phrase"),
        (LOCKED, "wrong", "pass-phrase .* is wrong"),
        (EC, None, "type EC, which Kalshi does not accept"),
        (pem(ED25519, PrivateFormat.OpenSSH), None, "ssh-keygen -p -m PKCS8"),
        (b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----", None, "cannot be decoded"),
    ],
)
def test_a_key_that_does_not_work_is_explained_and_not_shown(text: bytes, password: str | None, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as caught:
        Signer.from_pem(KEY_ID, text, password)
    shown = f"{caught.value!r} {caught.value.__cause__!r}"
    assert not any(line in shown for line in text.decode().splitlines() if len(line) > 7 and "-----" not in line)
    assert "wrong'" not in shown


def test_a_private_key_after_a_public_one_is_found() -> None:
    assert Signer.from_pem(KEY_ID, PUBLIC + pem()).key_type == "Ed25519"


@pytest.mark.parametrize("key_id", ["", "a b", "a1b2\nX-Evil: 1", "schlüssel"])
def test_a_key_id_that_no_header_can_carry_is_refused_without_showing_it(key_id: str) -> None:
    with pytest.raises(SettingsError, match="KALSHI_API_KEY_ID") as caught:
        Signer.from_pem(key_id, pem())
    assert not key_id or key_id not in str(caught.value)


def test_the_repr_shows_the_type_alone() -> None:
    assert repr(Signer.from_pem(KEY_ID, pem())) == "Signer(key_type='Ed25519')"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (Settings(), "KALSHI_API_KEY_ID and KALSHI_PRIVATE_KEY_PATH or KALSHI_PRIVATE_KEY are not set"),
        (Settings(api_key_id=KEY_ID), ": KALSHI_PRIVATE_KEY_PATH or KALSHI_PRIVATE_KEY is not set"),
        (Settings(private_key=pem().decode()), ": KALSHI_API_KEY_ID is not set"),
    ],
)
def test_missing_settings_are_named_with_the_way_to_a_read_only_key(settings: Settings, named: str) -> None:
    with pytest.raises(SettingsError, match=named) as caught:
        Signer.from_settings(settings)
    assert "scope 'read'" in str(caught.value)
    assert "on kalshi.com, under account settings, API keys" in str(caught.value)  # the README's words
    assert KEY_ID not in str(caught.value)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "kalshi.pem"
    path.write_bytes(pem())
    path.chmod(0o600)
    return path


def test_a_key_file_is_read(key_file: Path) -> None:
    assert Signer.from_settings(Settings(api_key_id=KEY_ID, private_key_path=key_file)).key_id == KEY_ID


def test_path_and_text_of_the_same_key_agree(key_file: Path) -> None:
    both = Settings(api_key_id=KEY_ID, private_key_path=key_file, private_key=pem().decode().replace("\n", "\\n"))
    assert Signer.from_settings(both).key_type == "Ed25519"


def test_path_and_text_of_two_keys_are_refused(key_file: Path) -> None:
    both = Settings(api_key_id=KEY_ID, private_key_path=key_file, private_key=pem(RSA).decode())
    with pytest.raises(SettingsError, match="two different keys"):
        Signer.from_settings(both)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o602])
def test_a_key_file_open_to_others_is_warned_about(key_file: Path, mode: int) -> None:
    key_file.chmod(mode)
    with pytest.warns(KeyFileWarning, match="chmod 600"):
        Signer.from_settings(Settings(api_key_id=KEY_ID, private_key_path=key_file))


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"gone\.pem does not exist"):
        Signer.from_settings(Settings(api_key_id=KEY_ID, private_key_path=tmp_path / "gone.pem"))


def test_a_key_file_that_may_not_be_read_is_named(key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)  # the tests may run as root, who may read everything
    with pytest.raises(SettingsError, match=r"kalshi\.pem could not be read: Permission denied"):
        Signer.from_settings(Settings(api_key_id=KEY_ID, private_key_path=key_file))


def test_a_folder_in_place_of_a_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="could not be read"):
        Signer.from_settings(Settings(api_key_id=KEY_ID, private_key_path=tmp_path))
