"""Try again what did not fit: a newer version of this package, or the exchange itself, may have mended it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from kalshi_portfolio.errors import ProtocolError
from kalshi_portfolio.parse import KINDS, Parsed, Source, parse_fills, parse_settlements, parse_transfers
from kalshi_portfolio.schema import FILLS, SETTLEMENTS, TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from kalshi_portfolio.parse import SetAside
    from kalshi_portfolio.schema import Table
    from kalshi_portfolio.sync.run import Run


class _Ids(msgspec.Struct):
    fill_id: Any = None
    trade_id: Any = None


def retry_quarantine(run: Run) -> None:
    """Parse every row in quarantine again; what fits now is stored and let go.

    Positions, balances and markets are not among them: they are read whole at each sync, and what does not come
    again is let go then.
    """
    _retry(run, FILLS, lambda row, source: parse_fills([_page("fills", row)], source))
    _retry(run, SETTLEMENTS, lambda row, source: parse_settlements([_page("settlements", row)], source))
    _retry(
        run,
        TRANSFERS,
        lambda row, source: parse_transfers([_page(KINDS[row.tier], row)], source, kind=row.tier),
    )


def release_replaced(run: Run) -> None:
    """Let fills and settlements go from quarantine that came in good form elsewhere, or again."""
    rows = run.store.quarantined(FILLS.name)
    if rows:
        ids = run.store.read(FILLS, columns=["kalshi_trade_id"], predicate=_is_one_of(rows))
        there = set(ids["kalshi_trade_id"].to_list())
        _release(run, FILLS, [row for row in rows if _fill_id(row) in there])
    rows = run.store.quarantined(SETTLEMENTS.name)
    if rows:
        stored = {
            (n, ticker): at for n, ticker, at in run.stored(SETTLEMENTS)["subaccount", "ticker", "synced_at"].rows()
        }
        later = [row for row in rows if _later(stored.get((run.number(row.subaccount), row.ticker or "")), row)]
        _release(run, SETTLEMENTS, later)


def _later(synced_at: datetime | None, row: SetAside) -> bool:
    return synced_at is not None and synced_at >= row.seen_at


def _is_one_of(rows: list[SetAside]) -> pl.Expr:
    return pl.col("kalshi_trade_id").is_in([found for found in map(_fill_id, rows) if found])


def _page(key: str, row: SetAside) -> bytes:
    return msgspec.json.encode({key: [msgspec.Raw(row.raw.encode())]})


def _retry(run: Run, table: Table, parse: Callable[[SetAside, Source], Parsed]) -> None:
    fitting: list[SetAside] = []
    frames: list[pl.DataFrame] = []
    for row in run.store.quarantined(table.name):
        try:
            parsed = parse(row, Source(row.seen_at, row.tier, row.subaccount, run.key_subaccount))
        except ProtocolError:  # nested deeper than can be read here: no reason to stop a sync
            continue
        if not parsed.set_aside:
            fitting.append(row)
            frames.append(parsed.frame)
    if frames:
        run.keep(table, Parsed(pl.concat(frames)))
    _release(run, table, fitting)


def _fill_id(row: SetAside) -> str | None:
    try:
        ids = msgspec.json.decode(row.raw, type=_Ids)  # these fields alone: another one may be why it is here
    except (msgspec.MsgspecError, RecursionError):
        return None
    found = ids.fill_id or ids.trade_id
    return found if isinstance(found, str) else None


def _release(run: Run, table: Table, rows: list[SetAside]) -> None:
    if rows:
        run.store.release(table.name, [row.digest for row in rows])
