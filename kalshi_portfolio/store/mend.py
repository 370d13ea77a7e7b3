"""A marker that is damaged or missing, written anew."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from kalshi_portfolio.store.apart import keep
from kalshi_portfolio.store.locks import sync_lock
from kalshi_portfolio.store.root import MARKER, Identity, new_mark, write_mark

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def mended_mark(path: str | Path, identity: Identity, *, wait: float = 60.0) -> Iterator[Path | None]:
    """Write the marker of a data folder anew, and sync in the block.

    The new one knows no key, so that sync has to re-read a stored fill before it writes anything. If the block
    fails, the folder gets its old marker back.

    Args:
        path: The folder, with data in it.
        identity: Whose data they are taken to be.
        wait: Seconds to wait for another sync to end.

    Yields:
        Where the damaged marker is kept; None if there was none.

    Raises:
        LockedError: Another process is syncing.
        StoreError: The folder cannot be written to.
    """
    root = Path(path).absolute()
    marker = root / MARKER
    with sync_lock(root, timeout=wait):
        kept = keep(root, marker) if marker.exists() else None
        write_mark(root, new_mark(Identity(identity.host, identity.environment)))
    try:
        yield kept
    except BaseException:
        if kept is None:
            marker.unlink()
        else:
            kept.replace(marker)
        raise
