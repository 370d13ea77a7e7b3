"""Try again what did not fit: a newer version of this package, or the exchange itself, may have mended it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import polars as pl

from kalshi_portfolio.parse import KINDS, Parsed, Source, parse_fills, parse_settlements, parse_transfers
from kalshi_portfolio.schema import FILLS, SETTLEMENTS, TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from kalshi_portfolio.parse import SetAside
    from kalshi_portfolio.schema import Table
    from kalshi_portfolio.sync.run import Run

_READ_WHOLE = ("positions", "balances", "markets")


def retry_quarantine(run: Run) -> None:
    """Parse every row in quarantine again; what fits now is stored and let go.

    A fill whose id is on disk by now came in good form elsewhere and is let go too. Rows of datasets that
    are read whole at each sync are let go: if they still do not fit, they come back.
    """
    for dataset in _READ_WHOLE:
        _release(run, dataset, run.store.quarantined(dataset))
    _retry(run, FILLS, lambda row, source: parse_fills([_page("fills", row)], source))
    _retry(run, SETTLEMENTS, lambda row, source: parse_settlements([_page("settlements", row)], source))
    _retry(
        run,
        TRANSFERS,
        lambda row, source: parse_transfers([_page(KINDS[row.tier], row)], source, kind=row.tier),
    )


def _page(key: str, row: SetAside) -> bytes:
    return msgspec.json.encode({key: [msgspec.Raw(row.raw.encode())]})


def _retry(run: Run, table: Table, parse: Callable[[SetAside, Source], Parsed]) -> None:
    rows = run.store.quarantined(table.name)
    if not rows:
        return
    fitting: list[SetAside] = []
    frames: list[pl.DataFrame] = []
    for row in rows:
        parsed = parse(row, Source(row.seen_at, row.tier, row.subaccount, run.key_subaccount))
        if not parsed.set_aside:
            fitting.append(row)
            frames.append(parsed.frame)
    if frames:
        run.keep(table, Parsed(pl.concat(frames)))
    if table is FILLS:
        fitting.extend(_stored_meanwhile(run, [row for row in rows if row not in fitting]))
    _release(run, table.name, fitting)


def _stored_meanwhile(run: Run, rows: list[SetAside]) -> list[SetAside]:
    ids = {row.digest: _fill_id(row) for row in rows}
    wanted = [found for found in ids.values() if found]
    if not wanted:
        return []
    stored = run.store.read(FILLS, columns=["kalshi_trade_id"], predicate=pl.col("kalshi_trade_id").is_in(wanted))
    there = set(stored["kalshi_trade_id"].to_list())
    return [row for row in rows if ids[row.digest] in there]


def _fill_id(row: SetAside) -> str | None:
    decoded = msgspec.json.decode(row.raw)
    found = decoded.get("fill_id") or decoded.get("trade_id") if isinstance(decoded, dict) else None
    return found if isinstance(found, str) else None


def _release(run: Run, dataset: str, rows: list[SetAside]) -> None:
    if rows:
        run.store.release(dataset, [row.digest for row in rows])
