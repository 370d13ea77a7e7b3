"""One Parquet file: a frame to bytes and back, sealed.

The seal is an entry in the file's own key-value metadata: table, schema version, a CRC-32 over the whole file (with
the eight digits of the CRC read as zeros), and the date of its rows, which tells the file of one day from another's.
Of 2,000 random bit flips in a file, Polars read half without complaint and with other numbers; pyarrow's page
checksums find those, but cost 0.6 ms a file and do not cover the footer. The seal finds all of them at memory speed
and makes the version known without parsing a footer.
"""

from __future__ import annotations

import io
import re
import zlib
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from kalshi_portfolio.errors import DamagedFileError, SchemaVersionError
from kalshi_portfolio.schema import VERSION

if TYPE_CHECKING:
    from pathlib import Path

    from kalshi_portfolio.schema import Table

METADATA_KEY = "kalshi_portfolio"
_BLANK = b"00000000"
_SEAL = re.compile(
    rb'\{"table":"([a-z_]+)","version":([0-9]{1,9}),"crc32":"([0-9a-f]{8})"(?:,"date":"([0-9-]{10})")?\}'
)
_DATE = re.compile(r"date=([0-9-]{10})")
_TAIL = 8
_MAGIC = b"PAR1"

_FETCH_ANEW = "move it away and sync again: its days are then fetched anew"


class Part(NamedTuple):
    """The bytes of one file, and where they lay."""

    path: Path
    data: bytes


def encode(table: Table, frame: pl.DataFrame, *, version: int = VERSION) -> bytes:
    """Give the Parquet file of one partition.

    Args:
        table: What the rows are.
        frame: Conforming rows, in the table's order.
        version: The schema version to seal it with.

    Returns:
        The file: zstd, page checksums for outside readers, our seal in the metadata.
    """
    from pyarrow import parquet  # noqa: PLC0415  (0.1 s that readers need not spend)

    rows = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
    sink = io.BytesIO()
    repeated = [name for name, dtype in table.schema.items() if dtype == pl.String and name not in table.key]
    with parquet.ParquetWriter(
        sink,
        rows.schema,
        compression="zstd",
        compression_level=1,
        write_page_checksum=True,
        use_dictionary=repeated,
        store_decimal_as_integer=True,
    ) as writer:
        writer.write_table(rows)
        seal = f'{{"table":"{table.name}","version":{version},"crc32":"{_BLANK.decode()}"{_dated(table, frame)}}}'
        writer.add_key_value_metadata({METADATA_KEY: seal})
    data = bytearray(sink.getvalue())
    found = _seal(data)
    assert found is not None  # noqa: S101  (written three lines above)
    start, end = found.span(3)
    data[start:end] = f"{zlib.crc32(data):08x}".encode()
    return bytes(data)


def version_of(part: Part, table: Table) -> int:
    """Check that a file is whole, and tell the schema version that it was written with.

    Args:
        part: A file.
        table: What it should hold.

    Returns:
        The version; the present one for a valid Parquet file that another tool wrote.

    Raises:
        DamagedFileError: The file is not as it was written.
        SchemaVersionError: A newer version of this package wrote it.
    """
    path, data = part
    found = _seal(data) if data[-4:] == _MAGIC and data[:4] == _MAGIC else None
    if found is None:
        if data[-4:] != _MAGIC or data[:4] != _MAGIC:
            raise damaged(path, f"its {len(data)} bytes are no whole Parquet file")
        return VERSION
    start, end = found.span(3)
    view = memoryview(data)
    crc = zlib.crc32(view[end:], zlib.crc32(_BLANK, zlib.crc32(view[:start])))
    if crc != int(found[3], 16):
        raise damaged(path, f"its checksum is {crc:08x}, it was written with {found[3].decode()}")
    if found[1].decode() != table.name:
        raise damaged(path, f"it holds {found[1].decode()}, not {table.name}")
    folder = _DATE.fullmatch(path.parent.name)
    if folder and found[4] and found[4].decode() != folder[1]:
        raise damaged(path, f"it holds the rows of {found[4].decode()}")
    version = int(found[2])
    if version > VERSION:
        raise too_new(path, version)
    return version


def damaged(path: Path, why: str, *, instead: str = _FETCH_ANEW) -> DamagedFileError:
    """Give the error that names a damaged file and says what to do, if it cannot be restored."""
    return DamagedFileError(
        f"{path} cannot be trusted: {why}. Nothing was changed. Restore it from a backup, or {instead}.", path=path
    )


def too_new(path: Path, version: int) -> SchemaVersionError:
    """Give the error for data of a newer version of this package."""
    return SchemaVersionError(
        f"{path} has schema version {version}; this package knows versions up to {VERSION}. Nothing was changed. "
        "Upgrade it: pull its newest source, and run pip install . there.",
        path=path,
    )


def _dated(table: Table, frame: pl.DataFrame) -> str:
    if table.partition_by is None or frame.is_empty():
        return ""
    return f',"date":"{frame[table.partition_by][0].date()}"'


def _seal(data: bytes | bytearray) -> re.Match[bytes] | None:
    footer = int.from_bytes(data[-_TAIL:-4], "little")
    return _SEAL.search(data, max(0, len(data) - _TAIL - footer))
