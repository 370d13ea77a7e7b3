"""No secret shows: not in logs, reprs, errors, tracebacks with local variables, notebooks, files or processes."""

from __future__ import annotations

import asyncio
import base64
import copy
import io
import json
import logging
import os
import pickle
import pprint
import re
import subprocess
import sys
import traceback
import warnings
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest
import rich.traceback
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from fault_exchange import FOREVER, Asked, Fault, FaultExchange, Reply
from rich.console import Console

import kalshi_portfolio as kp
from kalshi_portfolio.auth import KeyFileWarning, Signer
from kalshi_portfolio.cli.app import app
from kalshi_portfolio.errors import ConnectionFailedError, KalshiPortfolioError
from kalshi_portfolio.loops import run
from kalshi_portfolio.settings import Secret, load_settings
from kalshi_portfolio.simulation import SimulatedExchange
from kalshi_portfolio.sync import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PACKAGE = Path(kp.__file__).parent
PASSWORD = "correct-horse-battery"
_PIECE = 24


@dataclass
class Account:
    """An account at an exchange on this computer, and everything about its key that must not show."""

    exchange: FaultExchange
    key_id: str
    pem: bytes
    path: Path
    signatures: set[str] = field(default_factory=set)

    @property
    def settings(self) -> dict[str, Any]:
        """Settings by name, with which a sync works."""
        return {
            "api_key_id": self.key_id,
            "private_key_path": self.path,
            "private_key_password": PASSWORD,
            "api_base_url": self.exchange.base_url,
        }

    @property
    def text(self) -> dict[str, Any]:
        """The same, with the key as a text."""
        return {name: value for name, value in self.settings.items() if name != "private_key_path"} | {
            "private_key": self.pem.decode()
        }

    def sync(self, root: Path) -> kp.SyncReport:
        """Sync with these settings, as fast as this computer can."""
        settings = load_settings(**self.settings)
        link = Connection.from_settings(settings)
        signer = Signer.from_settings(settings)

        def client() -> kp.KalshiClient:
            return kp.KalshiClient(signer=signer, base_url=self.exchange.base_url, requests_per_second=None)

        return kp.sync(root, progress=False, connection=replace(link, client=client, paced=False), **self.settings)

    def shown_in(self, text: str | bytes) -> list[str]:
        """Name what of the secrets is in a text, in the clear, in pieces or escaped."""
        data = text.encode(errors="surrogateescape") if isinstance(text, str) else text
        folded = b"".join(data.replace("│".encode(), b"").split())  # a long line may have been broken anywhere
        secrets = {**self._secrets, **{f"signature {n}": one.encode() for n, one in enumerate(self.signatures)}}
        return [name for name, secret in secrets.items() if secret in data or secret in folded]

    @cached_property
    def _secrets(self) -> dict[str, bytes]:
        body = b"".join(line for line in self.pem.splitlines() if b"-----" not in line)
        pieces = {f"key from {at}": body[at : at + _PIECE] for at in range(0, len(body) - _PIECE, 8)}
        plain = load_pem_private_key(self.pem, PASSWORD.encode()).private_bytes(
            Encoding.DER, PrivateFormat.PKCS8, NoEncryption()
        )
        return {
            "key id": self.key_id.encode(),
            "password": PASSWORD.encode(),
            "key in hex": plain[-32:].hex().encode(),
            "key in base64": base64.b64encode(plain),
            "raw key": plain[-32:],
            **pieces,
        }


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    exchange = SimulatedExchange.tiny()
    credentials = exchange.credentials("rsa")
    key = load_pem_private_key(credentials.private_key_pem.encode(), None)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(PASSWORD.encode()))
    path = tmp_path_factory.mktemp("key") / "kalshi.pem"
    path.write_bytes(pem)
    path.chmod(0o600)
    with FaultExchange(exchange) as served:
        found = Account(served, credentials.key_id, pem, path)
        served.faults = [spy(found)]
        yield found


def spy(account: Account) -> Fault:
    """Note every signature that goes over the wire."""

    def note(asked: Asked) -> None:
        account.signatures.update(v for k, v in asked.headers.items() if k.lower().endswith("signature"))

    return Fault("spy", times=FOREVER, before=note)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: Account) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    account.exchange.faults = [spy(account)]


# Logs


class Everything(logging.Handler):
    """Keeps each record with all that hangs on it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{record.getMessage()} {vars(record)!r}")


def test_nothing_secret_is_logged_at_the_lowest_level(
    account: Account, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Everything()
    logger = logging.getLogger()
    before = logger.level
    monkeypatch.setenv("PYTHONASYNCIODEBUG", "1")
    account.exchange.faults = [spy(account), Fault("down", path="/portfolio/fills", reply=_down)]
    logger.addHandler(kept)
    logger.setLevel(logging.DEBUG)
    try:
        account.sync(root)
    finally:
        logger.removeHandler(kept)
        logger.setLevel(before)
    logged = "\n".join(kept.lines)
    for source in ("httpx", "httpcore.http11", "stamina", "asyncio"):
        assert f"'name': '{source}'" in logged
    assert account.signatures
    assert account.shown_in(logged) == []


def _down(reply: Reply) -> None:
    reply.status, reply.body = 503, b"{}"


# Objects


def objects(account: Account, root: Path) -> Iterator[object]:
    """Give everything of ours that ever has to do with a key, open and closed."""
    for given in (account.settings, account.text):
        settings = load_settings(**given)
        signer = Signer.from_settings(settings)
        link = Connection.from_settings(settings)
        yield from (settings, signer, link, link.identity)
        client = link.client()
        yield from (client, client._session)

        yield from run(_opened(client, kp.Store.open_for_sync(root, link.identity)))
    yield account.sync(root)
    yield kp.doctor(root, offline=True, **account.text)
    yield kp.Portfolio(root)


async def _opened(client: kp.KalshiClient, store: kp.Store) -> list[object]:
    async with client:
        await client.get_balance()
        return [client, client._session, client._session._http, kp.PortfolioSyncer(client, store)]


def forms(thing: object) -> Iterator[str]:
    """Give all the ways in which an object is shown: by Python, by notebooks, in parts."""
    yield from (repr(thing), str(thing), f"{thing}", f"{thing!r:>9}", f"{thing:}", pprint.pformat(thing))
    parts = vars(thing) if hasattr(thing, "__dict__") else {n: getattr(thing, n) for n in _slots(thing)}
    yield pprint.pformat(parts)
    yield pprint.pformat([vars(part) for part in parts.values() if hasattr(part, "__dict__")])
    yield pprint.pformat([{n: getattr(part, n) for n in _slots(part)} for part in parts.values()])
    for name in ("_repr_html_", "_repr_markdown_", "_repr_latex_", "_repr_svg_", "_repr_json_", "_repr_mimebundle_"):
        method = getattr(thing, name, None)
        yield "" if method is None else str(method())
    try:
        yield repr(pickle.dumps(thing))
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        yield str(error)
    try:
        yield repr(copy.deepcopy(thing))
    except (TypeError, DeprecationWarning) as error:  # 3.12 and 3.13 warn of what 3.14 refuses: to copy a counter
        yield str(error)


def _slots(thing: object) -> list[str]:
    return [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ()) if hasattr(thing, name)]


def test_no_object_shows_a_secret_in_any_form(account: Account, root: Path) -> None:
    seen = set()
    for thing in objects(account, root):
        seen.add(type(thing).__name__)
        for text in forms(thing):
            assert account.shown_in(text) == [], type(thing)
    assert {"Settings", "Signer", "KalshiClient", "Session", "PortfolioSyncer", "SyncReport", "Portfolio"} <= seen


def test_a_notebook_shows_no_secret(account: Account, root: Path) -> None:
    formatters = pytest.importorskip("IPython.core.formatters")
    shell = formatters.DisplayFormatter()
    for thing in objects(account, root):
        assert account.shown_in(repr(shell.format(thing))) == []


def test_a_secret_is_text_for_those_who_use_it_and_hidden_from_those_who_show_it() -> None:
    secret = Secret("hunter2")
    assert (secret, secret.encode(), len(secret), hash(secret)) == ("hunter2", b"hunter2", 7, hash("hunter2"))
    assert Secret(secret) is secret
    shown = f"{secret} {secret!r} {secret:>10} {str(secret)} {[secret]} {secret}" + "%s" % secret  # noqa: RUF010, UP031
    assert "hunter2" not in shown
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(secret)
    assert copy.copy(secret) is copy.deepcopy(secret) is secret


# Tracebacks


def pasted(account: Account) -> object:
    return load_settings(**account.settings | {"private_key_path": account.pem.decode()})


def contradicting(account: Account) -> object:
    wrong = {"environment": "demo", "api_base_url": "https://external-api.kalshi.com"}
    return load_settings(**account.text | wrong)


def misspelled(account: Account) -> object:
    return kp.sync_fills(private_kee="x", **account.text)


def damaged(account: Account) -> object:
    lines = account.pem.decode().splitlines()
    text = "\n".join([lines[0], *lines[2:]])
    return kp.sync(**account.text | {"private_key": text})


def cut_off(account: Account) -> object:
    return kp.sync_positions(**account.text | {"private_key": account.pem.decode()[:300]})


def file_cut_off(account: Account) -> object:
    Path("cut.pem").write_bytes(account.pem[:300])
    Path("cut.pem").chmod(0o600)
    return kp.sync(**account.settings | {"private_key_path": "cut.pem"})


def without_a_password(account: Account) -> object:
    given = account.text
    del given["private_key_password"]
    return kp.sync(**given)


def wrong_password(account: Account) -> object:
    return Signer.from_pem(account.key_id, account.pem, "not-" + PASSWORD)


def bad_key_id(account: Account) -> object:
    return kp.sync(**account.text | {"api_key_id": account.key_id + "\n"[:0] + " x"})


def exposed_file(account: Account) -> object:
    Path("exposed.pem").write_bytes(account.pem)
    Path("exposed.pem").chmod(0o644)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return kp.sync(**account.settings | {"private_key_path": "exposed.pem"})


def unreadable_env(account: Account) -> object:
    Path(".env").write_bytes(b'KALSHI_PRIVATE_KEY="' + account.pem + b'"\nKALSHI_ENVIRONMENT=\xe9\n')
    return kp.sync()


def wrong_env(account: Account) -> object:
    text = account.pem.decode().replace("\n", "\\n")
    Path(".env").write_text(
        f'KALSHI_API_KEY_ID={account.key_id}\nKALSHI_PRIVATE_KEY="{text}"\nKALSHI_ENVIRONMENT=paper\n'
        f"KALSHI_PRIVATE_KEY_PASSWORD={PASSWORD}\n"
    )
    return kp.sync()


def nobody_listens(account: Account) -> object:
    return _asked(account, base_url="http://127.0.0.1:9/trade-api/v2")


def line_full(account: Account) -> object:
    """Run out of time while the signed headers are being sent: variables deep in the HTTP library hold them then."""

    async def wait(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("httpcore._backends.anyio.AnyIOStream.write", wait)
        return _asked(account, timeout=0.05)


def line_cut(account: Account) -> object:
    async def cut(writer: asyncio.StreamWriter, answer: bytes) -> None:
        writer.write(answer[: len(answer) // 2])
        writer.close()

    account.exchange.faults = [spy(account), Fault("cut", times=FOREVER, wire=cut)]
    return _asked(account)


def key_unknown(account: Account) -> object:
    def echo(reply: Reply) -> None:
        said = f"no key {account.key_id}, and the signature is wrong"
        reply.status, reply.body = 401, json.dumps({"error": {"code": said, "message": said}}).encode()

    account.exchange.faults = [spy(account), Fault("refused", times=FOREVER, reply=echo)]
    return _asked(account)


def no_json(account: Account) -> object:
    def echo(reply: Reply) -> None:
        reply.body, reply.headers["content-type"] = f"<p>{account.key_id}".encode(), f"text/{account.key_id}"

    account.exchange.faults = [spy(account), Fault("html", times=FOREVER, reply=echo)]
    return _asked(account)


def _asked(account: Account, **changes: Any) -> object:
    signer = Signer.from_settings(load_settings(**account.settings))
    given: dict[str, Any] = {"signer": signer, "base_url": account.exchange.base_url, "attempts": 1} | changes
    client = kp.KalshiClient(**given)

    async def ask() -> object:
        async with client:
            return await client.get_balance()

    return run(ask())


FAILURES = (
    pasted, contradicting, misspelled, damaged, cut_off, file_cut_off, without_a_password, wrong_password, bad_key_id,
    exposed_file, unreadable_env, wrong_env, nobody_listens, line_full, line_cut, key_unknown, no_json,
)  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.__name__)
def test_an_error_shows_no_secret_even_with_every_local_variable(
    account: Account, failure: Callable[[Account], object]
) -> None:
    with pytest.raises((KalshiPortfolioError, TypeError, KeyFileWarning)) as caught:
        failure(account)
    error = _from_the_package(caught.value)
    for text in renderings(error):
        assert account.shown_in(text) == []
    if failure in {nobody_listens, line_full, line_cut}:
        assert isinstance(error, ConnectionFailedError)
        assert error.__cause__ is not None  # the cause stays, without the frames that hold signed headers


def _from_the_package(error: BaseException, home: Path = PACKAGE) -> BaseException:
    """Leave out the frames of the test itself, which holds the secrets."""
    trace = error.__traceback__
    while trace is not None and home not in Path(trace.tb_frame.f_code.co_filename).parents:
        trace = trace.tb_next
    assert trace is not None
    return error.with_traceback(trace)


def renderings(error: BaseException) -> Iterator[str]:
    """Show an error as Python, rich, pytest and IPython do, with all local variables in full."""
    assert isinstance(error.__traceback__, TracebackType)
    yield "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    out = io.StringIO()
    shown = rich.traceback.Traceback.from_exception(
        type(error), error, error.__traceback__,
        show_locals=True, locals_max_length=10**6, locals_max_string=10**6, locals_hide_dunder=False,
    )  # fmt: skip
    Console(file=out, width=5000).print(shown)
    yield out.getvalue()
    yield str(pytest.ExceptionInfo.from_exception(error).getrepr(showlocals=True, style="long", truncate_locals=False))
    yield f"{error} {error!r} {getattr(error, '__notes__', '')} {vars(error)}"


def test_the_tests_of_tracebacks_would_see_a_secret(account: Account, tmp_path: Path) -> None:
    """A control: a function that keeps a secret in a variable is caught by each of the renderings."""
    source = "def careless(secret):\n    return 1 / 0\n"
    path, names = tmp_path / "careless.py", dict[str, Any]()
    path.write_text(source)
    exec(compile(source, str(path), "exec"), names)  # noqa: S102  (the two lines above)
    with pytest.raises(ZeroDivisionError) as caught:
        names["careless"](account.pem)
    *full, message = renderings(_from_the_package(caught.value, tmp_path))
    assert [bool(account.shown_in(text)) for text in full] == [True, True, True]
    assert account.shown_in(message) == []


# Files


def test_the_data_folder_holds_no_secret_and_of_the_key_a_short_hash_alone(account: Account, root: Path) -> None:
    def odd(_: Asked, body: dict[str, Any]) -> None:
        body["fills"][0]["count_fp"] = "none"  # so that something goes to quarantine

    account.exchange.faults = [spy(account), Fault("odd", path="/portfolio/fills", rows=odd)]
    account.sync(root)
    files = {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert {"kalshi-portfolio.json", "facts.json", "quarantine/fills.json"} <= files.keys()
    assert account.signatures
    for name, content in files.items():
        assert account.shown_in(content + name.encode()) == [], name
    mark = json.loads(files["kalshi-portfolio.json"])
    assert mark.keys() == {"host", "environment", "key_fingerprints", "created", "version"}
    assert [len(one) for one in mark["key_fingerprints"]] == [16]


def test_a_damaged_log_names_no_secret(account: Account, root: Path) -> None:
    account.sync(root)
    for path in root.rglob("data.parquet"):
        path.write_bytes(b"PAR1" + path.read_bytes()[4:-4] + b"PARX")
    assert account.shown_in(str(kp.doctor(root, offline=True, **account.settings))) == []


# Processes


def test_no_option_of_the_command_line_takes_a_secret() -> None:
    names = {
        option
        for command in app.registered_commands
        for option in re.findall(r"--[a-z-]+", subprocess_help(command.name or command.callback.__name__))  # type: ignore[union-attr]
    }
    assert "--root" in names
    assert [name for name in names if re.search(r"key|secret|pass|token|auth|sign", name)] == []


def subprocess_help(command: str) -> str:
    from typer.testing import CliRunner  # noqa: PLC0415  (needed here alone)

    return CliRunner().invoke(app, [command, "--help"]).output


def test_the_package_starts_no_process_that_would_inherit_a_key() -> None:
    starting = re.compile(r"\b(subprocess|multiprocessing|os\.(system|popen|exec\w+|spawn\w+|fork)|ProcessPool\w+)\b")
    found = [path.name for path in PACKAGE.rglob("*.py") if starting.search(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.skipif(os.name != "posix", reason="permissions of this kind are POSIX's")
def test_an_open_key_file_is_told_once_with_what_to_do(account: Account, tmp_path: Path) -> None:
    key = tmp_path / "open.pem"
    key.write_bytes(account.pem)
    key.chmod(0o644)
    code = (
        "import sys, kalshi_portfolio as kp\n"
        "kp.load_settings(); kp.sync(sys.argv[1], only='balances', progress=False)\n"
    )
    environment = {
        "KALSHI_API_KEY_ID": account.key_id,
        "KALSHI_PRIVATE_KEY_PATH": str(key),
        "KALSHI_PRIVATE_KEY_PASSWORD": PASSWORD,
        "KALSHI_API_BASE_URL": account.exchange.base_url,
    }
    done = subprocess.run(  # noqa: S603  (our own interpreter)
        [sys.executable, "-c", code, str(tmp_path / "data")],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.count("KeyFileWarning") == 1
    assert f"chmod 600 {key}" in done.stderr
    assert account.shown_in(done.stdout + done.stderr) == []
