# ruff: noqa: INP001  (a script's neighbour)
"""What the ledger is measured against: C with a queue per market, and a plain Python loop over ``deque``."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa

from kalshi_portfolio import money

if TYPE_CHECKING:
    from accounts import Account

_SOURCE = Path(__file__).with_name("fifo.c")


def build() -> ctypes.CDLL | None:
    """Compile the C reference, or give None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "fifo.so"
        subprocess.run([compiler, "-O3", "-shared", "-fPIC", "-o", str(library), str(_SOURCE)], check=True)  # noqa: S603
        loaded = ctypes.CDLL(str(library))
    loaded.fifo.restype = ctypes.c_int64
    return loaded


def c_inputs(account: Account) -> dict[str, Any]:
    """Lay fills, then settlements, out as the arrays that C reads. Not timed."""
    yes = pl.col("side") == "yes"
    amount, price = money.units(pl.col("quantity")), money.units(pl.col("price_cents"))
    fills = account.fills.select(
        "ticker",
        "subaccount",
        kind=pl.lit(0, pl.Int8),
        delta=pl.when(yes).then(amount).otherwise(-amount),
        price=pl.when(yes).then(price).otherwise(money.ONE_DOLLAR - price),
    )
    settled = account.settled.select(
        "ticker",
        "subaccount",
        kind=pl.lit(1, pl.Int8),
        delta=pl.lit(0, pl.Int64),
        price=money.units(pl.col("yes_payout_cents")),
    )
    rows = pl.concat([fills, settled]).rechunk()
    arrow = rows.to_arrow(compat_level=pl.CompatLevel.oldest())
    return {name: arrow[name].combine_chunks() for name in rows.columns}


def c_lots(library: ctypes.CDLL, inputs: dict[str, Any]) -> pl.DataFrame:
    """Run the C reference: one row per lot, with YES prices and signed amounts."""
    _, offsets, data = inputs["ticker"].buffers()
    arrays = [inputs[name].buffers()[1] for name in ("subaccount", "kind", "delta", "price")]
    rows = len(inputs["ticker"])
    room = 2 * rows
    out = [(ctypes.c_int64 * room)() for _ in range(5)]
    lots = library.fifo(
        ctypes.c_int64(rows),
        ctypes.c_void_p(offsets.address),
        ctypes.c_void_p(data.address),
        *(ctypes.c_void_p(array.address) for array in arrays),
        *out,
    )
    if lots < 0:
        raise MemoryError("The C reference found no memory.")
    names = ("entry", "exit", "amount", "entry_price", "exit_price")
    views = (pa.Array.from_buffers(pa.int64(), lots, [None, pa.py_buffer(memoryview(o).cast("B"))]) for o in out)
    return pl.from_arrow(pa.table(dict(zip(names, views, strict=True))))  # type: ignore[return-value]


def c_outcome(lots: pl.DataFrame) -> tuple[int, int]:
    """Give the number of lots and the sum of what they realised, in money units."""
    gain = (pl.col("exit_price") - pl.col("entry_price")).cast(pl.Int128) * pl.col("amount").cast(pl.Int128)
    return lots.height, int(lots.filter(pl.col("exit") >= 0).select(gain.sum()).item() or 0)


def python_inputs(account: Account) -> dict[str, Any]:
    """Give the fills as Python lists of whole numbers and strings, and payouts by market. Not timed."""
    lists = account.fills.select(
        "kalshi_trade_id",
        "ticker",
        "subaccount",
        "exchange_index",
        "side",
        money.units(pl.col("quantity")).alias("amount"),
        money.units(pl.col("price_cents")).alias("price"),
        money.units(pl.col("fee_cents")).alias("fee"),
        "is_taker",
        pl.col("executed_at").to_physical(),
    ).to_dict(as_series=False)
    payouts = account.settled.select(
        "ticker", "subaccount", money.units(pl.col("yes_payout_cents")), pl.col("settled_at").to_physical()
    )
    return {"fills": lists, "payouts": {(t, s): (payout, at) for t, s, payout, at in payouts.rows()}}


def python_lots(inputs: dict[str, Any]) -> tuple[list[Any], ...]:  # noqa: C901, PLR0915  (one loop, on purpose)
    """Match by a queue per market, into one list per column of ``schema.LOTS``.

    An entry of a queue is ``[quantity left, quantity so far disposed of, row]``. Fees are split as the ledger splits
    them, by cumulative floors.
    """
    fills, payouts = inputs["fills"], inputs["payouts"]
    ids, tickers, shards = fills["kalshi_trade_id"], fills["ticker"], fills["exchange_index"]
    sides, amounts, prices, fees = fills["side"], fills["amount"], fills["price"], fills["fee"]
    takers, times, subaccounts = fills["is_taker"], fills["executed_at"], fills["subaccount"]
    queues: dict[tuple[str, int], tuple[deque[list[int]], list[str]]] = {}
    lots: tuple[list[Any], ...] = tuple([] for _ in range(19))
    adders = tuple(column.append for column in lots)
    (add_position, add_ticker, add_subaccount, add_shard, add_side, add_entry, add_exit, add_kind, add_quantity,
     add_entry_price, add_exit_price, add_entry_fee, add_exit_fee, add_realized, add_net, add_taker, add_complete,
     add_opened, add_closed) = adders  # fmt: skip

    def add(
        held: list[int], size: int, price: int | None, fee: int, kind: str, by: str | None, at: int | None, name: str
    ) -> None:
        left, gone, row = held
        total, entry_fee = left + gone, fees[row]
        paid = entry_fee * (gone + size) // total - entry_fee * gone // total
        gain = None if price is None else (price - prices[row]) * size
        add_position(name)
        add_ticker(tickers[row])
        add_subaccount(subaccounts[row])
        add_shard(shards[row])
        add_side(sides[row])
        add_entry(ids[row])
        add_exit(by)
        add_kind(kind)
        add_quantity(size)
        add_entry_price(prices[row])
        add_exit_price(price)
        add_entry_fee(paid)
        add_exit_fee(fee)
        add_realized(gain)
        add_net(None if gain is None else gain - paid - fee)
        add_taker(takers[row])
        add_complete(True)  # noqa: FBT003
        add_opened(times[row])
        add_closed(at)

    for row, (ticker, subaccount, side, amount) in enumerate(zip(tickers, subaccounts, sides, amounts, strict=True)):
        key = (ticker, subaccount)
        found = queues.get(key)
        if found is None:
            found = queues[key] = (deque(), [""])
        queue, name = found
        done = 0
        while queue and done < amount and sides[queue[0][2]] != side:
            held = queue[0]
            size = min(held[0], amount - done)
            fee = fees[row] * (done + size) // amount - fees[row] * done // amount
            add(held, size, money.ONE_DOLLAR - prices[row], fee, "trade", ids[row], times[row], name[0])
            done += size
            if size == held[0]:
                queue.popleft()
            else:
                held[0] -= size
                held[1] += size
        if done < amount:
            if not queue:
                name[0] = f"{ticker}/{subaccount}/{ids[row]}"
            queue.append([amount - done, done, row])
    for key, (queue, name) in queues.items():
        payout, at = payouts.get(key, (None, None))
        for held in queue:
            if payout is None:
                add(held, held[0], None, 0, "open", None, None, name[0])
            else:
                worth = payout if sides[held[2]] == "yes" else money.ONE_DOLLAR - payout
                add(held, held[0], worth, 0, "settlement", None, at, name[0])
    return lots


def python_outcome(lots: tuple[list[Any], ...]) -> tuple[int, int]:
    """Give the number of lots and the sum of what they realised, in money units."""
    return len(lots[0]), sum(gain for gain in lots[13] if gain is not None)
