"""What the tests of faults share: a small account, syncs over HTTP, and what must hold of the data afterwards."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from unittest import mock

import polars as pl
import stamina
from sync_world import SYNCED, connect, read

import kalshi_portfolio as kp
from kalshi_portfolio.auth import Signer
from kalshi_portfolio.client import KalshiClient
from kalshi_portfolio.schema import BALANCES, FILLS, MARKETS, SETTLEMENTS, SNAPSHOTS, SYNC_LOG, TRANSFERS
from kalshi_portfolio.simulation import NOW, ScriptedExchange, SimulatedExchange
from kalshi_portfolio.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from fault_exchange import FaultExchange

    from kalshi_portfolio.schema import Table
    from kalshi_portfolio.simulation import BareExchange
    from kalshi_portfolio.sync import Connection, SyncReport

DAY = timedelta(days=1)
ATTEMPTS = 4
A, B, C = "KXCPI-26OCT-T0.3", "KXHIGHNY-26NOV10-B54.5", "KXBTCD-26NOV1817-T9"
D, E, F = "KXFED-26DEC-T3.75", "KXOLD-26JUN-T1", "KXTSA-26NOV15-A2"
TICKERS = (A, B, C, D, E, F)
_QUOTED = ("yes_bid_cents", "yes_ask_cents", "no_bid_cents", "no_ask_cents", "last_price_cents", "quoted_at")
_MOVING = ("synced_at", "volume", "open_interest", *_QUOTED)


def account(*, overlap: timedelta = DAY) -> ScriptedExchange:
    """Give an account with something of everything: two subaccounts, two shards, two tiers, an end of every kind."""
    exchange = SimulatedExchange.empty(subaccounts=2, overlap=overlap)
    exchange.deposit("500", fee="2.04", at=NOW - 200 * DAY)
    exchange.deposit("7", status="pending", at=NOW - DAY)
    exchange.withdraw("20", at=NOW - 15 * DAY)
    exchange.transfer(0, 1, "100", at=NOW - 150 * DAY)
    exchange.move_shards(0, 2, "50", at=NOW - 40 * DAY)
    exchange.move_margined("5", at=NOW - 6 * DAY)
    for ticker in TICKERS:
        exchange.add_market(ticker, opens=NOW - 200 * DAY, exchange_index=2 if ticker == C else 0)
    for n, ago in enumerate((190, 180, 130, 120)):  # archived, and settled there
        exchange.trade(E, "yes" if n % 2 else "no", 3 + n, "0.30", subaccount=n % 2, at=NOW - ago * DAY)
    exchange.settle(E, "yes", at=NOW - 100 * DAY)
    exchange.trade(A, "yes", 10, "0.42", at=NOW - 70 * DAY)  # opened in the archive, still held
    exchange.trade(A, "no", 4, "0.55", at=NOW - 36 * DAY, action="sell")
    exchange.trade(A, "yes", "2.50", "0.47", at=NOW - 35 * DAY, taker=False, subaccount=1)
    exchange.trade(B, "no", "25.50", "0.69", at=NOW - 12 * DAY)
    exchange.trade(B, "yes", 10, "0.10", at=NOW - 11 * DAY)
    exchange.trade(C, "yes", 20, "0.60", at=NOW - 6 * DAY)
    exchange.trade(C, "no", 35, "0.64", at=NOW - 5 * DAY)  # flips
    exchange.trade(C, "yes", 15, "0.31", at=NOW - 4 * DAY, action="sell")  # flat
    exchange.trade(C, "no", 6, "0.31", at=NOW - 4 * DAY, subaccount=1)
    exchange.trade(D, "no", 12, "0.65", at=NOW - 3 * DAY, taker=False)
    exchange.trade(D, "no", 3, "0.61", at=NOW - timedelta(hours=5))
    exchange.trade(F, "yes", 9, "0.21", at=NOW - 8 * DAY, subaccount=1)  # of the other subaccount alone
    exchange.settle(B, "no", at=NOW - 9 * DAY)
    exchange.settle(F, "yes", at=NOW - 5 * DAY)
    exchange.settle(C, "scalar", value="0.37", at=NOW - 2 * DAY)
    return exchange


def line(
    world: FaultExchange, *, clock_off: float | Callable[[], float] = 0.0, timeout: float = 20.0, crash_at: int = 0
) -> Connection:
    """Give a connection over HTTP.

    Args:
        world: The exchange.
        clock_off: By how many seconds this computer's clock is off.
        timeout: How long a silence may last, in seconds.
        crash_at: Which signed request breaks the sync off, counted from 1; 0 for none.
    """
    exchange = world.exchange
    key, plain = exchange.credentials(), connect(exchange)
    signer = Signer.from_pem(key.key_id, key.private_key_pem.encode())

    def clock() -> float:
        return exchange.now.timestamp() + (clock_off if isinstance(clock_off, int | float) else clock_off())

    def client() -> KalshiClient:
        return KalshiClient(
            base_url=world.base_url,
            signer=cast("Signer", _Crashing(signer, crash_at)) if crash_at else signer,
            clock=clock,
            timeout=timeout,
            requests_per_second=None,
            attempts=ATTEMPTS,
        )

    return replace(plain, client=client)


class Stopped(BaseException):
    """What breaks a sync off wherever it stands."""


class _Crashing:
    """Signs some requests; the next one breaks everything off, as the stop button does."""

    def __init__(self, signer: Signer, at: int) -> None:
        self.key_id = signer.key_id
        self._signer, self._left = signer, at

    def headers(self, method: str, path: str, timestamp_ms: int) -> dict[str, str]:
        self._left -= 1
        if self._left <= 0:
            raise Stopped
        return self._signer.headers(method, path, timestamp_ms)


def sync(root: Path, link: Connection, **options: Any) -> SyncReport:
    """Sync without a progress bar, and without waiting before a retry."""
    with stamina.set_testing(True, attempts=ATTEMPTS, cap=True):
        return kp.sync(root, connection=link, progress=False, **options)


def lasting(root: Path) -> dict[str, set[tuple[Any, ...]]]:
    """Give what lasts, as rows without when they were seen."""
    found = {}
    for table in (FILLS, SETTLEMENTS, TRANSFERS, MARKETS):
        frame = read(root, table)
        assert frame.select(table.key).is_unique().all(), f"{table.name} has a key twice"
        found[table.name] = set(frame.drop(_MOVING, strict=False).rows())
        assert len(found[table.name]) == frame.height
    return found


def standing(root: Path) -> dict[str, Any]:
    """Give what stands now: positions held, positions that ended, cash."""
    latest = {table.name: _latest(root, table) for table in (SNAPSHOTS, BALANCES)}
    held, cash = latest["positions"].filter(pl.col("quantity") > 0), latest["balances"]
    figures = ("net_quantity", "avg_price_cents", "market_exposure_cents", "realized_pnl_cents", "fees_paid_cents")
    return {
        "held": sorted(held.select(*SNAPSHOTS.key, *figures, "current_price_cents").rows()),
        "cash": sorted(cash.select(*BALANCES.key, "balance_cents", "portfolio_value_cents").rows()),
    }


def _latest(root: Path, table: Table) -> pl.DataFrame:
    return read(root, table).sort("last_synced").unique(table.key, keep="last")


_CALM: dict[Any, tuple[dict[str, set[tuple[Any, ...]]], dict[str, Any]]] = {}


def calm(exchange: BareExchange) -> tuple[dict[str, set[tuple[Any, ...]]], dict[str, Any]]:
    """Give what lasts and what stands in a new folder after one calm sync; equal accounts are synced once."""
    moves = [*exchange.account.movements, *exchange.account.subaccount_transfers]
    state = (
        exchange.clock,
        exchange.cutoff_at,
        # Whole, for other accounts number their fills alike.
        *((f.fill_id, *_of(f)) for f in exchange.fills),
        *map(repr, exchange.settlements),
        *map(repr, moves),
    )
    if state not in _CALM:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "calm"
            report = sync(root, connect(exchange))
            assert (report.in_quarantine, report.warnings) == (0, ())
            _CALM[state] = lasting(root), standing(root)
    return _CALM[state]


def check_same_as_calm(root: Path, exchange: BareExchange) -> None:
    """Compare a folder with one that a calm sync of the same exchange fills."""
    ours, (theirs, stands) = lasting(root), calm(exchange)
    gone = _archived(exchange)
    for name, rows in theirs.items():
        # Settlements vanish from the exchange when they are archived: what we saw before, we keep.
        mine, its = ({row for row in r if name != "settlements" or row[0] not in gone} for r in (ours[name], rows))
        assert mine == its, f"{name}: lost {its - mine}, invented {mine - its}"
    assert standing(root) == stands


def _archived(exchange: BareExchange) -> set[str]:
    return {s.ticker for s in exchange.settlements if exchange.is_archived(exchange.world.events[s.event_ticker])}


def check_books(root: Path, exchange: BareExchange) -> None:
    """Compare a folder with the exchange's own books, which have passed their own audit."""
    exchange.verify()
    assert _fills(root) == {(f.fill_id, *_of(f)) for f in exchange.fills}
    settled = {
        (r["ticker"], r["subaccount"], r["exchange_index"]): (
            r["market_result"],
            int(r["yes_quantity"] * 100),
            int(r["no_quantity"] * 100),
            int(r["revenue_cents"] * 10_000),
        )
        for r in read(root, SETTLEMENTS).iter_rows(named=True)
    }
    booked = {
        (s.ticker, s.subaccount, s.exchange_index): (s.result, s.yes_count, s.no_count, s.payout // 10_000 * 10_000)
        for s in exchange.settlements
    }
    assert settled.items() <= booked.items()
    assert {key for key in booked if key[0] not in _archived(exchange)} <= set(settled)
    latest = _latest(root, SNAPSHOTS)
    held = latest.filter(pl.col("quantity") > 0).select("subaccount", "exchange_index", "ticker", "net_quantity").rows()
    assert {(s, i, t): int(q * 100) for s, i, t, q in held} == {
        (p.subaccount, p.exchange_index, p.ticker): p.net for p in exchange.books.positions() if p.net and not p.settled
    }
    assert latest.filter(pl.col("quantity") == 0)["closed_at"].null_count() == 0
    cash = _latest(root, BALANCES)["subaccount", "exchange_index", "balance_cents"].rows()
    assert {(s, i): int(c * 10_000) for s, i, c in cash} == {
        purse: exchange.books.cash(*purse) for purse in exchange.books.accounts()
    }


def check_subset_of_books(root: Path, exchange: BareExchange) -> None:
    """See that nothing is on disk which the books do not have, however far a sync came."""
    if not (root / "kalshi-portfolio.json").exists():
        return
    assert _fills(root) <= {(f.fill_id, *_of(f)) for f in exchange.fills}
    ours = read(root, SETTLEMENTS).select("ticker", "subaccount", "exchange_index").rows()
    assert set(ours) <= {(s.ticker, s.subaccount, s.exchange_index) for s in exchange.settlements}
    account_ = exchange.account
    moved: list[Any] = [*account_.movements, *account_.subaccount_transfers, *account_.instance_transfers]
    assert set(read(root, TRANSFERS)["transfer_id"]) <= {m.transfer_id for m in moved}


def check_log(root: Path) -> None:
    """See that what the log says is on disk is there: a window that counts as covered is not read again."""
    if not (root / "kalshi-portfolio.json").exists():
        return
    there = {
        (table.name, day)
        for table, time in ((FILLS, "executed_at"), (SETTLEMENTS, "settled_at"))
        for day in read(root, table)[time].dt.date()
    }
    logged = read(root, SYNC_LOG).select("dataset", "partitions").rows()
    told = {(name, part["date"]) for name, parts in logged for part in parts if part["rows"]}
    assert told <= there, f"covered by the log, but not on disk: {told - there}"


def _of(fill: Any) -> tuple[Any, ...]:
    side, shard = fill.side, fill.exchange_index
    return fill.ticker, fill.subaccount, shard, side, fill.count, fill.yes_price * 100, fill.fee, fill.at


def _fills(root: Path) -> set[tuple[Any, ...]]:
    frame = read(root, FILLS)
    times = frame["executed_at"].dt.epoch("us")
    rows = {
        (
            *(r[name] for name in ("kalshi_trade_id", "ticker", "subaccount", "exchange_index", "side")),
            int(r["quantity"] * 100),
            int(r["yes_price_cents"] * 10_000),
            None if r["fee_cents"] is None else int(r["fee_cents"] * 10_000),
            at,
        )
        for r, at in zip(frame.iter_rows(named=True), times, strict=True)
    }
    assert len(rows) == frame.height
    return rows


def in_quarantine(root: Path) -> dict[str, int]:
    """Give how many rows lie in quarantine, per dataset."""
    store = Store.open(root)
    counts = {table.name: len(store.quarantined(table.name)) for table in SYNCED}
    return {name: count for name, count in counts.items() if count}


@contextmanager
def crashing(at: int) -> Iterator[None]:
    """Break off at the n-th time that something is written, just before or just after it."""
    left = {"writes": at}

    def broken(name: str) -> Any:
        true = getattr(Store, name)

        def write(self: Store, *args: Any, **options: Any) -> Any:
            left["writes"] -= 1
            if left["writes"] == 0 and at % 2:
                raise Stopped
            result = true(self, *args, **options)
            if left["writes"] == 0:
                raise Stopped
            return result

        return mock.patch.object(Store, name, write)

    with broken("upsert"), broken("log"), broken("quarantine"), broken("release"), broken("put_fact"):
        yield
