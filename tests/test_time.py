"""Time at the edge: changes of the clock, month ends, leap seconds, 2038, one microsecond, sleeping computers."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal as Dec
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from fault_exchange import Fault, FaultExchange
from store_rows import frame
from sync_world import connect, contents, sync

import kalshi_portfolio as kp
from kalshi_portfolio.auth import Signer
from kalshi_portfolio.client import KalshiClient
from kalshi_portfolio.client.pace import Pace
from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.parse import Source, parse_fills, parse_times, parse_transfers
from kalshi_portfolio.pnl import equity, pnl
from kalshi_portfolio.schema import FILLS, LOTS, MARKETS, SYNC_LOG, TRANSFERS
from kalshi_portfolio.simulation import BASE_URL, SimulatedExchange, SimulatedTransport
from kalshi_portfolio.store import Identity, Store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
T = "KXTIME-26DEC-T1"
NY = "America/New_York"


# Days, weeks, months in the zones of the world


def lots_closed(*at: datetime, cents: list[int] | None = None) -> pl.DataFrame:
    """Give lots of one contract that made 1, 2, 4, 8 cents at these times, so that each sum tells its parts."""
    amounts = [Dec(amount) for amount in cents or [2**n for n in range(len(at))]]
    rows = [
        {"closed_at": time, "opened_at": datetime(2000, 1, 1, tzinfo=UTC), "realized_pnl_cents": made,
         "net_pnl_cents": made, "entry_fee_cents": Dec(0), "exit_fee_cents": Dec(0), "complete": True,
         "quantity": Dec(1), "side": "yes", "ticker": T, "position_id": T, "exit_kind": "fill"}
        for made, time in zip(amounts, at, strict=True)
    ]  # fmt: skip
    return frame(LOTS, *rows)


def z(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("tz", "times", "days"),
    [
        # 8 March 2026 in New York has 23 hours, from 05:00 to 04:00 UTC; at 07:00 UTC it becomes 03:00.
        (NY, ["03-08T04:59:59.999999", "03-08T05:00", "03-08T06:59:59.999999", "03-08T07:00", "03-09T03:59:59.999999",
              "03-09T04:00"], {"03-07": 1, "03-08": 2 + 4 + 8 + 16, "03-09": 32}),
        # 1 November has 25, from 04:00 to 05:00 UTC; 05:30 and 06:30 UTC are both half past one.
        (NY, ["11-01T03:59:59.999999", "11-01T04:00", "11-01T05:30", "11-01T06:30", "11-02T04:59:59.999999",
              "11-02T05:00"], {"10-31": 1, "11-01": 2 + 4 + 8 + 16, "11-02": 32}),
        # 24 April in Cairo has no midnight: 22:00 UTC on the 23rd is 01:00 on the 24th, which ends at 21:00 UTC.
        ("Africa/Cairo", ["04-23T21:59:59.999999", "04-23T22:00", "04-24T20:59:59.999999", "04-24T21:00"],
         {"04-23": 1, "04-24": 2 + 4, "04-25": 8}),
        # On 29 October it has 23:30 twice: at 20:30 and at 21:30 UTC.
        ("Africa/Cairo", ["10-29T20:30", "10-29T21:30", "10-29T21:59:59.999999", "10-29T22:00"],
         {"10-29": 1 + 2 + 4, "10-30": 8}),
        # 29 March in Beirut has no midnight either.
        ("Asia/Beirut", ["03-28T21:59:59.999999", "03-28T22:00", "03-29T20:59:59.999999", "03-29T21:00"],
         {"03-28": 1, "03-29": 2 + 4, "03-30": 8}),
        # The ends of a month and of a year, far east and far west.
        ("Pacific/Kiritimati", ["12-31T09:59:59.999999", "12-31T10:00"], {"12-31": 1, "2027-01-01": 2}),
        ("Pacific/Pago_Pago", ["03-01T10:59:59.999999", "03-01T11:00"], {"02-28": 1, "03-01": 2}),
        # São Paulo before 2019: 4 November 2018 began at 01:00, which was 03:00 UTC.
        ("America/Sao_Paulo", ["2018-11-04T02:59:59.999999", "2018-11-04T03:00", "2018-11-05T01:59:59.999999",
                               "2018-11-05T02:00"], {"2018-11-03": 1, "2018-11-04": 2 + 4, "2018-11-05": 8}),
        # Samoa had no 30 December 2011 at all.
        ("Pacific/Apia", ["2011-12-30T09:59:59.999999", "2011-12-30T10:00"], {"2011-12-29": 1, "2011-12-31": 2}),
        ("UTC", ["2028-02-28T23:59:59.999999", "2028-02-29T00:00", "2028-03-01T00:00"],
         {"2028-02-28": 1, "2028-02-29": 2, "2028-03-01": 4}),
    ],
)  # fmt: skip
def test_pnl_falls_on_the_day_of_the_zone_when_clocks_change(tz: str, times: list[str], days: dict[str, int]) -> None:
    def full(text: str) -> str:
        return text if text.startswith("20") else f"2026-{text}"

    lots = lots_closed(*(z(full(time)) for time in times))
    wanted = {date.fromisoformat(full(day)): Dec(cents) for day, cents in days.items()}
    table = pnl(lots, MARKETS.empty(), freq="1d", tz=tz)
    got = dict(table.filter(table["realized_pnl_cents"] > 0)["period", "realized_pnl_cents"].iter_rows())
    assert got == wanted
    course = equity(lots, TRANSFERS.empty(), freq="1d", tz=tz)
    assert course["cumulative_net_pnl_cents"].to_list()[-1] == sum(wanted.values())


CHANGES = {
    NY: ("2026-03-08", "2026-11-01"), "Africa/Cairo": ("2026-04-24", "2026-10-30"),
    "Australia/Lord_Howe": ("2026-04-05", "2026-10-04"), "Asia/Kathmandu": ("2026-01-01",), "UTC": ("2024-02-29",),
    "Africa/Casablanca": ("2026-02-15", "2026-03-22"), "Asia/Beirut": ("2026-03-29", "2026-10-25"),
}  # fmt: skip


def _begins(freq: str, at: datetime) -> Callable[[], Any]:
    """Give the start of a period by Python's own reckoning."""
    day = at.date()
    return {
        "1h": lambda: at.replace(minute=0, second=0, microsecond=0),
        "1d": lambda: day,
        "1w": lambda: day - timedelta(days=day.weekday()),
        "1mo": lambda: day.replace(day=1),
        "1q": lambda: day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "1y": lambda: day.replace(month=1, day=1),
    }[freq]


def _told_apart(period: Any) -> Any:
    """Give an hour in UTC: of the two that come as 01:00 when a clock goes back, Python says that they are equal."""
    return period.astimezone(UTC) if isinstance(period, datetime) else period


@pytest.mark.parametrize("freq", ["1h", "1d", "1w", "1mo", "1q", "1y"])
@pytest.mark.parametrize("tz", CHANGES)
def test_periods_are_those_of_pythons_own_zones_and_add_up(tz: str, freq: str) -> None:
    times = [
        z(day) + timedelta(hours=hours, microseconds=step)
        for day in CHANGES[tz]
        for hours in range(-30, 54)
        for step in (-1, 0, 1)
    ]
    lots = lots_closed(*times, cents=[1] * len(times))
    table = pnl(lots, MARKETS.empty(), freq=freq, tz=tz)
    table = table.filter(table["realized_pnl_cents"] > 0)
    if not (freq == "1h" and tz == "Australia/Lord_Howe"):  # its clock goes back by half an hour: an hour of 90 minutes
        wanted = Counter(_told_apart(_begins(freq, time.astimezone(ZoneInfo(tz)))()) for time in times)
        got = {_told_apart(period): cents for period, cents in table["period", "realized_pnl_cents"].iter_rows()}
        assert got == wanted
    assert table["realized_pnl_cents"].sum() == len(times)
    course = equity(lots, TRANSFERS.empty(), freq=freq, tz=tz)
    assert course["net_pnl_cents"].sum() == len(times)
    assert course["period"].is_unique().all()


@pytest.mark.parametrize("freq", ["1s", "30s"])
def test_more_periods_than_memory_holds_are_refused(freq: str) -> None:
    lots = lots_closed(z("2021-07-01"), z("2026-07-01"))
    with pytest.raises(ArgumentError, match="choose a longer one"):
        equity(lots, TRANSFERS.empty(), freq=freq)
    with pytest.raises(ArgumentError, match="is not a period"):
        equity(lots, TRANSFERS.empty(), freq="100000000000y")


# Texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2016-12-31T23:59:60Z", "2017-01-01 00:00:00.000000"),
        ("2016-12-31T23:59:60.25Z", "2017-01-01 00:00:00.250000"),
        ("2016-12-31T18:59:60-05:00", "2017-01-01 00:00:00.000000"),
        ("2038-01-19T03:14:07Z", "2038-01-19 03:14:07.000000"),
        ("2147483648", "2038-01-19 03:14:08.000000"),
        ("4294967296", "2106-02-07 06:28:16.000000"),
        ("2147483648000", "2038-01-19 03:14:08.000000"),
        ("9999-12-29T23:59:59.999999Z", "9999-12-29 23:59:59.999999"),
        ("2026-07-24T13:00:00.123456789Z", "2026-07-24 13:00:00.123456"),
        ("2026-07-24T13:00:00.000000999Z", "2026-07-24 13:00:00.000000"),
        ("2024-02-29T00:00:00+14:00", "2024-02-28 10:00:00.000000"),
        ("1970-01-01T00:00:00Z", "1970-01-01 00:00:00.000000"),
    ],
)
def test_a_time_at_the_edge_is_read(text: str, expected: str) -> None:
    assert parse_times(pl.Series([text])).dt.to_string("%Y-%m-%d %H:%M:%S%.6f").to_list() == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-31T23:59:61Z", "2026-02-29T00:00:00Z", "2026-07-24T24:00:00Z", "2026-07-24T13:00:00",
        "2026-13-01T00:00:00Z", "+12345-01-01T00:00:00Z", "-0001-01-01T00:00:00Z", "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-12:00", "soon", "1e9",
        "9" * 30, "-1", "0", "\u0662\u0660\u0662\u0666-07-24T13:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_time_of_any_calendar_is_null_and_sets_its_row_aside(text: str) -> None:
    assert parse_times(pl.Series([text])).to_list() == [None]
    parsed = parse_fills([page(fill("f1", text))], Source(NOW))
    assert parsed.frame.height == 0
    assert "no point in time" in parsed.set_aside[0].reason


@pytest.mark.parametrize(
    ("text", "why"), [("1969-12-31T23:59:59Z", "before 1970"), ("0001-01-01T00:00:00Z", "missing")]
)
def test_a_fill_from_before_computers_is_set_aside_and_not_lost(text: str, why: str) -> None:
    parsed = parse_fills([page(fill("f1", text))], Source(NOW))
    assert [why in aside.reason for aside in parsed.set_aside] == [True]


def test_a_time_that_is_not_set_is_unknown_where_it_may_be() -> None:
    row = {"id": "d", "amount_cents": 5, "fee_cents": 0, "status": "applied", "created_ts": "2026-01-01T00:00:00Z"}
    body = json.dumps({"deposits": [row | {"finalized_ts": "0001-01-01T00:00:00Z"}]}).encode()
    parsed = parse_transfers([body], Source(NOW), kind="deposit")
    assert parsed.frame["finalized_at"].to_list() == [None]


# One microsecond


def fill(number: str, at: str, side: str = "yes", price: str = "0.40") -> dict[str, str]:
    no = str(1 - Dec(price))
    return {
        "fill_id": number, "ticker": T, "outcome_side": side, "count_fp": "1.00", "yes_price_dollars": price,
        "no_price_dollars": no, "fee_cost": "0", "created_time": at,
    }  # fmt: skip


def page(*rows: dict[str, str]) -> bytes:
    return json.dumps({"fills": rows}).encode()


def portfolio(root: Path, *rows: dict[str, str]) -> kp.Portfolio:
    store = Store.open_for_sync(root, Identity("example.com", "custom"))
    for row in rows:  # each in a page of its own
        store.upsert(FILLS, parse_fills([page(row)], Source(NOW)).frame)
    window = {"window_from": datetime(1970, 1, 1, tzinfo=UTC), "window_to": NOW, "finished_at": NOW}
    log = {"run_id": "r", "dataset": "fills", "tier": "live", "subaccount": 0, "exchange_index": -1}
    store.log(frame(SYNC_LOG, log | window))
    return kp.Portfolio(root)


@pytest.mark.parametrize(
    ("times", "first"),
    [
        # At one instant the id decides: a, bought at 41, before b, bought at 40.
        (("13:00:00.123456Z", "13:00:00.123456Z"), "0.41"),
        # Nanoseconds are cut, so these are one instant, too; b's being earlier by 700 ns is not known any more.
        (("13:00:00.123456001Z", "13:00:00.123456701Z"), "0.41"),
        # A microsecond earlier is earlier.
        (("13:00:00.123456Z", "13:00:00.123457Z"), "0.40"),
        # A leap second is the second after it, and equal to it.
        (("13:00:60Z", "13:01:00Z"), "0.41"),
    ],
)
def test_fills_within_a_microsecond_are_all_kept_and_in_a_fixed_order(
    tmp_path: Path, times: tuple[str, str], first: str
) -> None:
    rows = [
        fill("b", f"2026-07-24T{times[0]}", price="0.40"),
        fill("a", f"2026-07-24T{times[1]}", price="0.41"),
        fill("c", "2026-07-25T00:00:00Z", "no", "0.50"),
        fill("d", "2026-07-25T00:00:01Z", "no", "0.60"),
    ]
    gains = set()
    for number, order in enumerate((rows, rows[::-1])):
        pf = portfolio(tmp_path / str(number), *order)
        assert pf.fills().height == 4
        sold = pf.trades().filter(pl.col("kalshi_trade_id") == "c")
        gains.add(sold["realized_pnl_cents"].item())
    assert gains == {(Dec("0.50") - Dec(first)) * 100}


def test_a_leap_second_at_midnight_lies_in_the_next_days_file(tmp_path: Path) -> None:
    pf = portfolio(tmp_path / "data", fill("f", "2026-12-31T23:59:60Z"))
    assert [path.parent.name for path in (pf.root / "fills").rglob("*.parquet")] == ["date=2027-01-01"]


# The clock of this computer, and sleep


@pytest.mark.parametrize("now", [datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC), datetime(2106, 2, 7, 7, tzinfo=UTC)])
def test_an_account_is_synced_whole_after_2038(tmp_path: Path, now: datetime) -> None:
    exchange = SimulatedExchange.tiny(now=now)
    report = sync(tmp_path / "data", connect(exchange))
    assert (report["fills"].new, report.as_of.year, report.missing["fills"]) == (10, now.year, ())
    exchange.advance(now + timedelta(days=1))
    assert sync(tmp_path / "data", connect(exchange))["fills"].new == 0
    assert kp.Portfolio(tmp_path / "data").reconcile()["ok"].all()


@pytest.mark.parametrize(("hours", "after"), [(-30, 1), (2, 7), (-2, 15), (24 * 400, 7)])
def test_a_clock_that_is_set_during_a_sync_changes_nothing(tmp_path: Path, hours: int, after: int) -> None:
    """The exchange checks each signature's time, and its clock alone says what is complete."""
    exchange = SimulatedExchange.tiny()
    looks = 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        return exchange.now.timestamp() + (3600 * hours if looks > 2 * after else 0)

    key = exchange.credentials()
    signer = Signer.from_pem(key.key_id, key.private_key_pem.encode())

    def client() -> KalshiClient:
        transport = SimulatedTransport(exchange, clock_tolerance=10.0)
        return KalshiClient(
            signer=signer, base_url=BASE_URL, transport=transport, clock=clock, requests_per_second=None, attempts=2
        )

    calm, upset = connect(exchange), replace(connect(exchange), client=client)
    reports = [sync(tmp_path / name, link) for name, link in (("calm", calm), ("upset", upset))]
    assert looks > 2 * after
    assert contents(tmp_path / "calm") == contents(tmp_path / "upset")
    assert reports[0].as_of == reports[1].as_of
    assert reports[0].missing == reports[1].missing
    assert reports[1].retries == 1  # one request was refused, and signed again by the exchange's time


class Sleeper(asyncio.SelectorEventLoop):
    """A loop of a computer that sleeps: its clock may jump forward."""

    slept = 0.0

    def time(self) -> float:
        return super().time() + self.slept


def test_after_sleep_no_more_requests_go_at_once_than_ever() -> None:
    async def count(seconds: float) -> int:
        loop = asyncio.get_running_loop()
        limiter = Pace(requests_per_second=50, burst=10).limiter()
        done = 0

        async def ask() -> None:
            nonlocal done
            await limiter.acquire()
            done += 1

        tasks = [asyncio.ensure_future(ask()) for _ in range(40)]
        await asyncio.sleep(0)
        assert done == 10
        assert isinstance(loop, Sleeper)
        loop.slept += seconds
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        at_once = done
        await asyncio.wait_for(asyncio.gather(*tasks), 10)  # and it does not hang
        return at_once

    for seconds in (0.0, 3600.0, 10.0**9):
        with asyncio.Runner(loop_factory=Sleeper) as runner:
            assert runner.run(count(seconds)) <= 20  # those before the sleep, and one burst after it


def test_a_request_that_sleep_has_cut_off_is_sent_again() -> None:
    exchange = SimulatedExchange.tiny()
    key = exchange.credentials()
    signer = Signer.from_pem(key.key_id, key.private_key_pem.encode())
    with FaultExchange(exchange) as served, asyncio.Runner(loop_factory=Sleeper) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, Sleeper)

        async def late(writer: asyncio.StreamWriter, answer: bytes) -> None:
            loop.slept += 3600  # the lid closes while the answer is on its way
            await asyncio.sleep(0.5)
            writer.write(answer)

        served.faults = [Fault("asleep", path="/portfolio/balance", wire=late)]
        client = KalshiClient(signer=signer, base_url=served.base_url, requests_per_second=None, attempts=3)

        async def ask() -> dict[str, Any]:
            async with client:
                return await client.get_balance()

        assert "balance" in runner.run(asyncio.wait_for(ask(), 3600 + 60))
        assert client.stats.retries >= 1
