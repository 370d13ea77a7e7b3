"""The data folder itself: finding it, making it, and knowing whose account it holds."""

from __future__ import annotations

import json
import shlex
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kalshi_portfolio.errors import RootMismatchError, RootNotFoundError, StoreError
from kalshi_portfolio.schema import VERSION
from kalshi_portfolio.store.commit import flush_folder, write_atomically
from kalshi_portfolio.store.files import damaged, too_new
from kalshi_portfolio.store.layout import TMP
from kalshi_portfolio.store.locks import FOLDER as LOCKS
from kalshi_portfolio.store.locks import exclusive

if TYPE_CHECKING:
    from collections.abc import Iterator

MARKER = "kalshi-portfolio.json"
FACTS = "facts.json"
SIMULATED = "simulated"
_HARMLESS = {"README.md", "README", ".gitignore", ".gitkeep", ".DS_Store", LOCKS, TMP}
_DEFAULT = "data"


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose data it is.

    Attributes:
        host: The exchange's host, such as ``api.elections.kalshi.com``.
        environment: ``prod``, ``demo``, ``simulated`` or ``custom``.
        key_fingerprint: A short hash of the key id in use, never the id itself; empty without a key.
    """

    host: str
    environment: str
    key_fingerprint: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the marker file of a root says.

    Attributes:
        host: The exchange's host.
        environment: Which environment.
        key_fingerprints: Those accepted so far.
        created: When the root was made, ISO 8601.
        version: The schema version that all its files have at least.
    """

    host: str
    environment: str
    key_fingerprints: tuple[str, ...]
    created: str
    version: int = VERSION


def find_root(
    argument: str | Path | None = None, configured: str | Path | None = None, *, cwd: Path | None = None
) -> Path:
    """Say which data folder is meant. Nothing is made or read but markers.

    Args:
        argument: What the caller was given; wins.
        configured: The value of ``KALSHI_PORTFOLIO_DATA``, if set.
        cwd: Where to look upwards from; None for the working directory.

    Returns:
        An absolute path: the argument, else what is configured, else the nearest marked ``data/`` upwards from
        the working directory, else ``data/`` in it, which may not exist.

    Examples:
        >>> find_root("/srv/kalshi").as_posix()
        '/srv/kalshi'
    """
    here = (cwd or Path.cwd()).absolute()
    given = argument or configured
    if given:
        return here / Path(given).expanduser()
    for folder in (here, *here.parents):
        if _is_marked(folder / _DEFAULT):
            return folder / _DEFAULT
    return here / _DEFAULT


def read_mark(root: Path) -> Mark:
    """Read the marker of a root.

    Raises:
        RootNotFoundError: There is no data folder at this path.
        SchemaVersionError: A newer version of this package wrote it.
        DamagedFileError: The marker cannot be read.
    """
    path = root / MARKER
    try:
        content = json.loads(path.read_bytes())
        mark = Mark(**content | {"key_fingerprints": tuple(content["key_fingerprints"])})
        version = int(mark.version)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise _not_found(root) from error
    except (ValueError, KeyError, TypeError) as error:
        instead = "move the whole folder away and sync into a new one"
        raise damaged(path, f"it is no marker as this package writes it ({error})", instead=instead) from error
    except OSError as error:
        raise StoreError(f"{path} cannot be read: {error}. Check its permissions.", path=path) from error
    if version > VERSION:
        raise too_new(path, version)
    return mark


def write_mark(root: Path, mark: Mark) -> None:
    """Write the marker of a root, atomically."""
    content = {name: getattr(mark, name) for name in Mark.__slots__}
    write_atomically(root / MARKER, json.dumps(content, indent=1).encode(), root=root)


def discard(root: Path) -> None:
    """Take away what makes a folder a data folder, and the folder if nothing else is in it."""
    for name in (MARKER, FACTS):
        (root / name).unlink(missing_ok=True)
    for name in (LOCKS, TMP):
        shutil.rmtree(root / name, ignore_errors=True)
    with suppress(OSError):
        root.rmdir()


def ensure(root: Path, identity: Identity) -> tuple[Mark, bool]:
    """Make the root if it is not there, and check that it is this account's.

    Args:
        root: The data folder.
        identity: Whose data will be written.

    Returns:
        Its marker, and whether it was made just now.

    Raises:
        RootMismatchError: It belongs to another host or environment. Nothing was changed.
        StoreError: It cannot be made, or other things lie there.
    """
    if not (root / MARKER).is_file():
        _refuse_foreign(root)
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"{root} cannot be made: {error}. Choose another folder by KALSHI_PORTFOLIO_DATA, --root or the "
                "argument `root`.",
                path=root,
            ) from error
        with exclusive(root):
            if not (root / MARKER).is_file():  # else another process was faster
                mark = new_mark(identity)
                write_mark(root, mark)
                flush_folder(root.parent)
                return mark, True
    mark = read_mark(root)
    if (mark.host, mark.environment) != (identity.host, identity.environment):
        from_nowhere = mark.environment == SIMULATED != identity.environment
        raise RootMismatchError(
            f"{root} holds data of {mark.environment} ({mark.host}); this sync is of {identity.environment} "
            f"({identity.host}). Nothing was changed. Choose another folder by KALSHI_PORTFOLIO_DATA, --root or the "
            "argument `root`: one folder holds one account." + (f" {way_to_simulated(root)}." if from_nowhere else ""),
            path=root,
        )
    return mark, False


def read_facts(root: Path) -> dict[str, Any]:
    """Read the small cached facts of a root; none if the file is missing or unreadable: they are only a cache."""
    try:
        content = json.loads((root / FACTS).read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_fact(root: Path, name: str, value: Any) -> None:
    """Keep one fact, leaving the others; None removes it."""
    with exclusive(root):
        facts = read_facts(root) | {name: value}
        kept = {key: fact for key, fact in facts.items() if fact is not None}
        write_atomically(root / FACTS, json.dumps(kept, indent=1).encode(), root=root)


def _is_marked(folder: Path) -> bool:
    try:
        return (folder / MARKER).is_file()
    except OSError:  # a folder upwards that we may not look into
        return False


def new_mark(identity: Identity) -> Mark:
    """Give the marker of a root that was made just now."""
    keys = (identity.key_fingerprint,) if identity.key_fingerprint else ()
    return Mark(identity.host, identity.environment, keys, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")


def way_to_simulated(root: Path) -> str:
    """Say how one comes to a simulated account, since no settings lead there."""
    return (
        f"The demo account is reached by `kalshi-portfolio demo --root {shlex.quote(str(root))}` or "
        f"kp.demo({str(root)!r}), a simulated exchange of your own by a connection to it"
    )


def foreign(root: Path) -> list[str]:
    """Name what lies in a folder, and would stand in the way of making it a data folder.

    Raises:
        StoreError: It is no folder, or cannot be opened.
    """
    return sorted(_names(root))


def _refuse_foreign(root: Path) -> None:
    others = foreign(root)
    if others:
        raise StoreError(
            f"{root} is no data folder of this package, and not empty: {', '.join(others[:5])}. Nothing was "
            "changed. Choose an empty or a new folder.",
            path=root,
        )


def _names(root: Path) -> Iterator[str]:
    try:
        yield from (entry.name for entry in root.iterdir() if entry.name not in _HARMLESS)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(
            f"{root} cannot be opened: {error}. Expected a folder that can be read and written.", path=root
        ) from error


def _not_found(root: Path) -> RootNotFoundError:
    if root.exists() and not root.is_dir():
        return RootNotFoundError(
            f"{root} is a file. Expected the data folder itself: the one that holds {MARKER}, fills/ and so on.",
            path=root,
        )
    what = "the folder is there but holds no synced account" if root.is_dir() else "there is no such folder"
    return RootNotFoundError(
        f"No data folder at {root}: {what}. Run `kalshi-portfolio sync` (or `kp.sync()`) first, or say where it is "
        "by KALSHI_PORTFOLIO_DATA, --root or the argument `root`.",
        path=root,
    )
