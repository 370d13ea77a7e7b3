"""What a reader sees while somebody else syncs: every row that was there once, once, and never an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import polars as pl

import kalshi_portfolio as kp
from kalshi_portfolio.schema import FILLS
from kalshi_portfolio.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_TRIES = 20


class Views:
    """Looks at a data folder in every way that is promised, and compares with what it saw before.

    Attributes:
        moved: How often something new was there.
        again: How often a file had gone or changed under another program, which then reads again, as documented.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._pf = kp.Portfolio(root)
        self._seen: dict[str, set[object]] = {}
        self.moved = self.again = 0

    def look(self) -> None:
        """Look once, in every way."""
        pf = self._pf
        self._compare("fills", pf.fills()["kalshi_trade_id"].to_list())
        self._compare("lazy", pf.fills(lazy=True).select("kalshi_trade_id").collect()["kalshi_trade_id"].to_list())
        self._compare("trades", pf.trades().select("kalshi_trade_id", "leg").rows())
        self._compare("settlements", pf.settlements().select("ticker", "subaccount", "exchange_index").rows())
        self._compare("partitions", list(Store.open(self._root).partitions(FILLS)))
        self._compare("file by file", self._file_by_file())
        self._compare("DuckDB", self._patiently(self._by_duck))

    def _compare(self, way: str, found: Sequence[object]) -> None:
        now = set(found)
        assert len(now) == len(found), f"{way}: a row twice"
        before = self._seen.get(way, set())
        assert before <= now, f"{way}: {len(before - now)} rows that were there are gone"
        self.moved += bool(now - before)
        self._seen[way] = now

    def _file_by_file(self) -> list[object]:
        paths = sorted((self._root / "fills").glob("*/*.parquet"))
        return [key for path in paths for key in pl.read_parquet(path, hive_partitioning=False)["kalshi_trade_id"]]

    def _by_duck(self) -> list[object]:
        query = f"SELECT kalshi_trade_id FROM '{self._root}/fills/*/*.parquet'"  # noqa: S608
        with duckdb.connect() as duck:
            return [row[0] for row in duck.sql(query).fetchall()]

    def _patiently(self, read: Callable[[], list[object]]) -> list[object]:
        for _ in range(_TRIES):
            try:
                return read()
            except duckdb.Error:
                self.again += 1
        return read()
