"""The data folder as an object: the thin face over the parts of this package."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kalshi_portfolio.errors import ArgumentError, DamagedFileError, StoreError
from kalshi_portfolio.schema import DATASETS, SYNC_LOG, VERSION
from kalshi_portfolio.store import apart, commit, coverage, layout, locks, read, root, write
from kalshi_portfolio.store import quarantine as set_aside
from kalshi_portfolio.store.quarantine import FOLDER as QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    import polars as pl

    from kalshi_portfolio.parse import SetAside
    from kalshi_portfolio.schema import Table
    from kalshi_portfolio.store.apart import Apart
    from kalshi_portfolio.store.files import Part
    from kalshi_portfolio.store.locks import Holder
    from kalshi_portfolio.store.root import Identity, Mark
    from kalshi_portfolio.store.write import Upserted

LOG_PARTITIONS = 30
LOG_ROWS = 500
_OWN_WAIT_SECONDS = 60.0


class Store:
    """One data folder.

    Make one by :meth:`open` (to read) or :meth:`open_for_sync` (to write). Reading takes no lasting lock and may
    happen in any number of threads and processes during a sync.

    Attributes:
        root: The folder.
        mark: Whose account it holds.
        created: Whether it was made just now.
        new_key: Whether the key in use is one that this folder has not seen; see :meth:`accept_key`.

    Examples:
        >>> import tempfile
        >>> from kalshi_portfolio.store import Identity
        >>> from kalshi_portfolio.schema import BALANCES
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     store = Store.open_for_sync(folder, Identity("example.com", "simulated"))
        ...     store.read(BALANCES).height
        0
    """

    def __init__(self, root: Path, mark: Mark, *, created: bool = False, new_key: bool = False) -> None:
        self.root = root
        self.mark = mark
        self.created = created
        self.new_key = new_key
        self._mutex = threading.RLock()
        self._index: write.KeyIndex | None = None

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r}, {self.mark.environment})"

    @classmethod
    def open(cls, path: str | Path) -> Store:
        """Open a data folder for reading.

        Raises:
            RootNotFoundError: There is none at this path.
            SchemaVersionError: A newer version of this package wrote it.
        """
        folder = Path(path).absolute()
        return cls(folder, root.read_mark(folder))

    @classmethod
    def open_for_sync(cls, path: str | Path, identity: Identity) -> Store:
        """Open a data folder for writing, making it if it is not there.

        Args:
            path: The folder; it may hold a README and nothing else.
            identity: Whose data will be written.

        Raises:
            RootMismatchError: It belongs to another host or environment.
            StoreError: It cannot be made or written to, or other things lie there.
        """
        folder = Path(path).absolute()
        mark, created = root.ensure(folder, identity)
        key = identity.key_fingerprint
        return cls(folder, mark, created=created, new_key=bool(key) and key not in mark.key_fingerprints)

    def accept_key(self, fingerprint: str) -> None:
        """Note that a key belongs to this account: it re-read a stored fill."""
        with self._writing():
            known = root.read_mark(self.root)
            if fingerprint not in known.key_fingerprints:
                known = replace(known, key_fingerprints=(*known.key_fingerprints, fingerprint))
                root.write_mark(self.root, known)
            self.mark, self.new_key = known, False

    @contextmanager
    def sync_lock(
        self, *, timeout: float = _OWN_WAIT_SECONDS, on_wait: Callable[[Holder | None], None] | None = None
    ) -> Iterator[None]:
        """Be the one process that writes; finish first what a dead one left.

        Args:
            timeout: Seconds to wait for another holder; 0 does not wait, below 0 waits for ever.
            on_wait: Called once with the holder, if it is known, before waiting.

        Raises:
            LockedError: Another process still held the lock; the message names it.
        """
        with locks.sync_lock(self.root, timeout=timeout, on_wait=on_wait):
            commit.recover(self.root)
            self._migrate()
            self._index = write.KeyIndex(self.root)
            try:
                yield
            finally:
                with self._mutex:
                    self._index = None

    def discard_if_new(self) -> None:
        """Take the folder away again if this object made it and nothing was stored in it since."""
        if self.created and not any((self.root / name).exists() for name in (*DATASETS, QUARANTINE)):
            root.discard(self.root)

    def holder(self) -> Holder | None:
        """Tell who is syncing, if anybody is named."""
        return locks.holder(self.root)

    def recover(self) -> int:
        """Finish the commits of a process that died. Entering :meth:`sync_lock` does it already.

        Returns:
            How many commits were finished.
        """
        with self._writing():
            return commit.recover(self.root)

    def upsert(self, table: Table, frame: pl.DataFrame) -> Upserted:
        """Merge rows into a dataset, in one atomic commit; where nothing is new, nothing is written.

        Takes the sync lock for its own duration, unless this store holds it.

        Args:
            table: Which dataset.
            frame: Rows with at least the table's columns, in any order; keys may come twice.

        Returns:
            Counts of new, changed and unchanged keys, and the dates rewritten.

        Raises:
            SchemaError: The rows do not conform to the table.
            DamagedFileError: A file that would have to be merged is damaged. Nothing was changed.
            StoreError: The disk is full, or similar. Nothing was changed.
        """
        with self._writing() as index:
            return write.upsert(self.root, table, frame, index)

    def read(
        self,
        table: Table,
        *,
        since: date | None = None,
        until: date | None = None,
        columns: Sequence[str] | None = None,
        predicate: pl.Expr | None = None,
    ) -> pl.DataFrame:
        """Read a dataset as it is at one instant.

        Args:
            table: Which dataset.
            since: First UTC date, inclusive.
            until: Last UTC date, exclusive.
            columns: Which columns; None for all.
            predicate: Which rows; it may name columns that are not asked for.

        Returns:
            Conforming rows, sorted by the table's order (snapshots: then by date); no rows if there is no data.

        Raises:
            ArgumentError: A column that is not there, or an impossible range.
            DamagedFileError: A file is not as it was written; it is named and left untouched.
            SchemaVersionError: A newer version of this package wrote a file.
        """
        _check_range(table, since, until)
        unknown = [name for name in columns or () if name not in table.schema]
        if unknown:
            raise ArgumentError(f"{table.name} has no columns {unknown}. It has {table.schema.names()}.")
        found = read.parts(self.root, table, since=since, until=until)
        return read.frame_of(table, found, columns=columns, predicate=predicate)

    def scan(self, table: Table, *, since: date | None = None, until: date | None = None) -> pl.LazyFrame:
        """Give a LazyFrame over a dataset that opens the files when it is collected.

        Args:
            table: Which dataset.
            since: First UTC date, inclusive.
            until: Last UTC date, exclusive.

        Returns:
            The rows of :meth:`read`, as they are at the time of collecting.
        """
        _check_range(table, since, until)
        return read.scan(self.root, table, since=since, until=until)

    def latest(self, table: Table) -> pl.DataFrame:
        """Give the latest snapshot row of every key over all dates, in the table's order."""
        if not table.key_within_date or table.partition_by is None:
            raise ArgumentError(f"{table.name} holds no snapshots. Expected `positions` or `balances`.")
        rows = self.read(table).sort(table.partition_by, maintain_order=True)
        return rows.unique(table.key, keep="last").sort(table.order)

    def holds(self, table: Table) -> bool:
        """Tell whether any file of a dataset is on disk."""
        with locks.shared(self.root):
            return bool(layout.present(self.root, table))

    def partitions(self, table: Table) -> list[date]:
        """List the UTC dates that a dataset has files for, in order."""
        with locks.shared(self.root):
            return [day for day in layout.present(self.root, table) if day is not None]

    def rows_per_partition(self, table: Table) -> dict[date, int]:
        """Count the rows of every partition: UTC date → rows, in order of the dates."""
        return read.rows_per_partition(self.root, table)

    def verify(self, tables: Iterable[Table]) -> list[StoreError]:
        """Check every file of some datasets, and of their quarantine; a healthy folder gives an empty list.

        Returns:
            One error per file that is not as it was written, or cannot be read. Nothing is raised and nothing touched.
        """
        found: list[StoreError] = []
        for table in tables:
            parts: list[Part] = []
            with _noted(found):
                parts = read.parts(self.root, table)
            with _noted(found):
                set_aside.load(self.root, table.name)
            found.extend(_wrong(table, parts))
        return found

    def set_apart(self, *, timeout: float = _OWN_WAIT_SECONDS) -> list[Apart]:
        """Move every damaged file of the datasets, their log and their quarantine out of sight, and keep it.

        The days of a file that is gone are no longer covered, so that the next sync fetches them anew. Where rows in
        quarantine are lost, nobody knows of which days they were: then nothing of that dataset counts as covered.

        Args:
            timeout: Seconds to wait for a sync to end.

        Returns:
            What was moved where, and why.

        Raises:
            LockedError: Another process is syncing.
            StoreError: The folder cannot be written to.
        """
        with locks.sync_lock(self.root, timeout=timeout):  # without migrating, which reads every file
            commit.recover(self.root)
            damaged = [error for error in self.verify(DATASETS.values()) if isinstance(error, DamagedFileError)]
            moved = apart.set_apart(self.root, damaged)
            unknown = [file.dataset for file in moved if file.quarantine]
            if unknown:
                log = self.read(SYNC_LOG)
                self._rewrite(SYNC_LOG, log.filter(~log["dataset"].is_in(unknown)))
            return moved

    def log(self, rows: pl.DataFrame) -> None:
        """Add covered windows to ``sync_log``, and compact it when it has grown long.

        Args:
            rows: Conforming rows of ``sync_log``. Write the data first: a window that is logged is not read again.
        """
        with self._writing() as index:
            write.upsert(self.root, SYNC_LOG, rows, index)
            self._compact()

    def coverage_log(self, tables: Iterable[Table]) -> pl.DataFrame:
        """Give the log with the days cut out whose files somebody deleted, for :func:`coverage.covered`.

        Args:
            tables: The datasets whose files are looked for.
        """
        present = {table.name: set(self.partitions(table)) for table in tables}
        return coverage.reopened(self.read(SYNC_LOG), present)

    def quarantine(self, dataset: str, rows: Iterable[SetAside]) -> int:
        """Keep rows that did not fit, once each.

        Returns:
            How many of them were not in quarantine yet.
        """
        with self._writing():
            return set_aside.add(self.root, dataset, rows)

    def quarantined(self, dataset: str) -> list[SetAside]:
        """Give the rows of a dataset that did not fit, in the order in which they came."""
        return set_aside.load(self.root, dataset)

    def release(self, dataset: str, digests: Collection[str]) -> int:
        """Let rows go from quarantine: they fit now.

        Returns:
            How many went.
        """
        with self._writing():
            return set_aside.release(self.root, dataset, digests)

    def get_fact(self, name: str) -> Any:
        """Give a small cached fact, or None."""
        return root.read_facts(self.root).get(name)

    def put_fact(self, name: str, value: Any) -> None:
        """Keep a small fact that JSON can hold; None removes it."""
        root.write_fact(self.root, name, value)

    @contextmanager
    def _writing(self) -> Iterator[write.KeyIndex]:
        """Hold the sync lock, this store's own if it has it, and keep its other threads away."""
        with self._mutex:
            index = self._index
            if index is not None:
                yield index
                return
        with self.sync_lock(), self._mutex:
            index = self._index
            assert index is not None  # noqa: S101  (set by the line above)
            yield index

    def _compact(self) -> None:
        days = self.partitions(SYNC_LOG)
        log = self.read(SYNC_LOG)
        if len(days) <= LOG_PARTITIONS and log.height <= LOG_ROWS:
            return
        short = coverage.compact_log(log)
        if short.height < log.height:
            self._rewrite(SYNC_LOG, short)

    def _rewrite(self, table: Table, frame: pl.DataFrame) -> None:
        """Put a dataset's whole content in place of what it was."""
        files = layout.present(self.root, table)
        write.replace(self.root, table, frame, {*files, *write.by_day(table, frame)}, files)
        if self._index is not None:
            self._index.forget(table)

    def _migrate(self) -> None:
        """Bring every file to the present schema version; done once, by the first sync of a newer package."""
        mark = root.read_mark(self.root)
        if mark.version < VERSION:
            for table in DATASETS.values():
                self._rewrite(table, self.read(table))
            mark = replace(mark, version=VERSION)
            root.write_mark(self.root, mark)
        self.mark = mark


def _wrong(table: Table, parts: list[Part]) -> list[StoreError]:
    """Say what is wrong with files: all at once, which is quick, and one by one only where something is."""
    found: list[StoreError] = []
    with _noted(found):
        read.frame_of(table, parts)
    if found and len(parts) > 1:
        return [error for part in parts for error in _wrong(table, [part])]
    return found


@contextmanager
def _noted(found: list[StoreError]) -> Iterator[None]:
    """Note what is wrong with a file, and go on."""
    try:
        yield
    except StoreError as error:
        found.append(error)


def _check_range(table: Table, since: date | None, until: date | None) -> None:
    for bound in (since, until):
        if isinstance(bound, datetime):
            raise ArgumentError(f"{table.name}: a date was expected, not the time {bound}. Use its UTC date.")
    if since is not None and until is not None and since > until:
        raise ArgumentError(f"{table.name}: since={since} is after until={until}.")
