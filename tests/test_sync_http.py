"""Syncs over HTTP as it is mocked by respx: SPEC-013's own list, the example payloads, a real account."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal as Dec
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import httpx
import polars as pl
import pytest
import respx
import stamina
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from sync_world import contents, read, tree

import kalshi_portfolio as kp
from kalshi_portfolio.parse import Source, parse_fills
from kalshi_portfolio.schema import BALANCES, FILLS, MARKETS, SETTLEMENTS, SNAPSHOTS, TRANSFERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BASE = "https://external-api.kalshi.com/trade-api/v2"
PEM = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
SETTINGS: dict[str, Any] = {"api_key_id": "a1b2c3d4", "private_key": PEM, "environment": "prod"}
NOW = datetime(2026, 7, 8, 12, tzinfo=UTC)
Rows = list[dict[str, Any]]


class Exchange:
    """An exchange of fixed lists: filters by ticker and time, pages, and counts what it is asked."""

    def __init__(self, router: respx.MockRouter, now: datetime = NOW, page: int = 1000) -> None:
        self.now, self.page = now, page
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.answers: dict[str, Any] = {
            "/exchange/user_data_timestamp": {"as_of_time": f"{now:%Y-%m-%dT%H:%M:%SZ}"},
            "/historical/cutoff": dict.fromkeys(
                ("market_settled_ts", "trades_created_ts", "orders_updated_ts"), "2026-05-09T00:00:00Z"
            ),
            "/portfolio/subaccounts/balances": {
                "subaccount_balances": [
                    {"subaccount_number": 0, "exchange_index": 0, "balance": "0.0000", "updated_ts": 1}
                ]
            },
            "/portfolio/balance": {"balance": 0, "balance_dollars": "0.0000", "portfolio_value": 0, "updated_ts": 1},
            "/account/limits": {"usage_tier": "basic", "read": {"refill_rate": 200, "bucket_capacity": 600}},
        }
        self.lists: dict[str, tuple[str, Rows]] = {
            "/portfolio/fills": ("fills", []),
            "/historical/fills": ("fills", []),
            "/portfolio/settlements": ("settlements", []),
            "/portfolio/positions": ("market_positions", []),
            "/portfolio/deposits": ("deposits", []),
            "/portfolio/withdrawals": ("withdrawals", []),
            "/portfolio/subaccounts/transfers": ("transfers", []),
            "/portfolio/intra_exchange_instance_transfers": ("transfers", []),
            "/markets": ("markets", []),
            "/historical/markets": ("markets", []),
            "/events": ("events", []),
        }
        router.get(url__startswith=BASE).mock(side_effect=self.answer)

    def answer(self, request: httpx.Request) -> httpx.Response:
        path, query = request.url.path.removeprefix("/trade-api/v2"), dict(request.url.params)
        self.asked.append((path, query))
        headers = {"Date": format_datetime(self.now, usegmt=True)}
        if path in self.lists:
            return httpx.Response(200, json=self._page(path, query), headers=headers)
        if path in self.answers:
            return httpx.Response(200, json=self.answers[path], headers=headers)
        return httpx.Response(404, json={"error": {"code": "not_found", "message": "no"}}, headers=headers)

    def queries(self, path: str) -> list[dict[str, str]]:
        return [query for asked, query in self.asked if asked == path]

    def _page(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        key, rows = self.lists[path]
        tickers = (query.get("ticker") or query.get("tickers") or "").split(",")
        chosen = [r for r in rows if tickers == [""] or r.get("ticker", r.get("event_ticker")) in tickers]
        low, high = int(query.get("min_ts", 0)), int(query.get("max_ts", 10**11))
        chosen = [r for r in chosen if low <= when(r) < high]
        start = int(query.get("cursor") or 0)
        end = start + min(self.page, int(query["limit"]))
        return {key: chosen[start:end], "cursor": str(end) if end < len(chosen) else ""}


def when(row: dict[str, Any]) -> float:
    text = row.get("created_time") or row.get("settled_time")
    return datetime.fromisoformat(text).timestamp() if text else 1.0


def fill(number: int, ticker: str = "KXA-1-T1", **changes: Any) -> dict[str, Any]:
    base = {
        "fill_id": f"f{number}", "trade_id": f"f{number}", "order_id": f"o{number}", "ticker": ticker,
        "outcome_side": "yes", "book_side": "bid", "side": "yes", "action": "buy", "count_fp": "1.00",
        "yes_price_dollars": "0.4000", "no_price_dollars": "0.6000", "is_taker": True, "fee_cost": "0.016800",
        "created_time": f"2026-07-0{1 + number % 7}T10:00:00.000001Z", "subaccount_number": 0,
    }  # fmt: skip
    return base | changes


def position(quantity: str, ticker: str = "KXA-1-T1") -> dict[str, Any]:
    return {
        "ticker": ticker, "exchange_index": 0, "position_fp": quantity, "total_traded_dollars": "1.00",
        "market_exposure_dollars": "1.00", "realized_pnl_dollars": "0.00", "fees_paid_dollars": "0.01",
        "last_updated_ts": "2026-07-08T00:00:00Z",
    }  # fmt: skip


@pytest.fixture
def api() -> Iterator[respx.MockRouter]:
    with respx.mock(assert_all_called=False) as router, stamina.set_testing(True, attempts=2, cap=True):
        yield router


@pytest.fixture
def exchange(api: respx.MockRouter) -> Exchange:
    return Exchange(api)


@pytest.fixture
def synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., kp.SyncReport]:
    monkeypatch.chdir(tmp_path)

    def run(**options: Any) -> kp.SyncReport:
        return kp.sync(tmp_path / "d", progress=False, **SETTINGS, **options)

    return run


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "d"


# SPEC-013's own list


def test_every_page_of_the_fills_is_read(exchange: Exchange, synced: Callable[..., kp.SyncReport], root: Path) -> None:
    exchange.page = 3
    exchange.lists["/portfolio/fills"][1].extend(fill(n) for n in range(10))
    assert synced()["fills"].new == 10
    cursors = [query.get("cursor") for query in exchange.queries("/portfolio/fills") if "ticker" not in query]
    assert cursors == [None, "3", "6", "9"]
    assert all(query["limit"] == "1000" for query in exchange.queries("/portfolio/fills"))
    assert read(root, FILLS)["total_cost_cents"].sum() == Dec(400)


def test_later_syncs_ask_from_the_last_one_on(exchange: Exchange, synced: Callable[..., kp.SyncReport]) -> None:
    exchange.lists["/portfolio/fills"][1].append(fill(6))
    exchange.lists["/portfolio/positions"][1].append(position("1.00"))
    synced()
    first = exchange.queries("/portfolio/fills")[0]
    assert int(first["min_ts"]) < datetime(2026, 5, 9, tzinfo=UTC).timestamp()
    assert "max_ts" not in first
    exchange.asked.clear()
    exchange.lists["/portfolio/fills"][1].append(fill(9, created_time="2026-07-08T11:59:00Z"))
    assert synced()["fills"].new == 1
    assert [query["min_ts"] for query in exchange.queries("/portfolio/fills") if "ticker" not in query] == [
        str(int(NOW.timestamp()) - 86_400 - 1)
    ]
    assert exchange.queries("/historical/fills") == []


def test_repeated_syncs_do_not_duplicate(exchange: Exchange, synced: Callable[..., kp.SyncReport], root: Path) -> None:
    exchange.lists["/portfolio/fills"][1].extend([fill(6), fill(7, created_time="2026-07-08T11:00:00Z")] * 2)
    synced()
    before, files = contents(root), tree(root, "fills")
    for _ in range(3):
        report = synced()
        assert (report["fills"].new, report["fills"].changed, report.changed) == (0, 0, False)
    assert contents(root)["fills"] == before["fills"]
    assert len(before["fills"]) == 2
    assert tree(root, "fills") == files


@pytest.mark.parametrize("quantity", ["2.00", "-2.00"])
def test_a_position_that_is_gone_is_closed_whether_long_or_short(
    exchange: Exchange, synced: Callable[..., kp.SyncReport], root: Path, quantity: str
) -> None:
    exchange.lists["/portfolio/positions"][1].append(position(quantity))
    synced()
    assert read(root, SNAPSHOTS)["quantity"].to_list() == [2]
    exchange.lists["/portfolio/positions"][1].clear()
    synced()
    row = read(root, SNAPSHOTS).row(0, named=True)
    assert (row["quantity"], row["closed_at"]) == (0, NOW)


def test_a_market_of_the_answer_is_updated_and_a_new_one_inserted(
    exchange: Exchange, synced: Callable[..., kp.SyncReport], root: Path
) -> None:
    exchange.lists["/portfolio/positions"][1].append(position("2.00"))
    synced()
    exchange.lists["/portfolio/positions"][1][:] = [position("5.00"), position("-1.00", "KXB-1-T1")]
    report = synced()
    assert (report["positions"].new, report["positions"].changed) == (1, 1)
    assert read(root, SNAPSHOTS).select("ticker", "net_quantity").rows() == [("KXA-1-T1", 5), ("KXB-1-T1", -1)]


# Requests


def test_a_second_sync_with_100_open_markets_takes_12_requests_with_pacing_on(
    exchange: Exchange, synced: Callable[..., kp.SyncReport], root: Path
) -> None:
    for n in range(100):
        ticker = f"KXA-{n}-T1"
        exchange.lists["/portfolio/fills"][1].append(fill(6, ticker, fill_id=f"x{n}"))
        exchange.lists["/portfolio/positions"][1].append(position("1.00", ticker))
        market = {"ticker": ticker, "event_ticker": f"KXA-{n}", "status": "active", "result": ""}
        exchange.lists["/markets"][1].append(market)
        event = {"event_ticker": f"KXA-{n}", "series_ticker": "KXA", "title": "E", "category": "C"}
        exchange.lists["/events"][1].append(event)
    exchange.answers["/series/KXA"] = {"series": {"ticker": "KXA", "title": "A", "category": "C"}}
    assert not synced().warnings
    before = tree(root, "fills", "settlements", "transfers")
    exchange.asked.clear()
    report = synced()
    assert report.requests == len(exchange.asked) <= 12, Counter(path for path, _ in exchange.asked)
    assert tree(root, "fills", "settlements", "transfers") == before
    assert read(root, MARKETS)["series_title"].to_list() == ["A"] * 100


# An account with nothing in it


def test_an_account_with_nothing_in_it_gives_empty_conforming_datasets(
    exchange: Exchange, synced: Callable[..., kp.SyncReport], root: Path
) -> None:
    exchange.lists = {path: (key, []) for path, (key, _) in exchange.lists.items()}
    report = synced()
    assert not report.warnings
    for table in (FILLS, SETTLEMENTS, SNAPSHOTS, TRANSFERS, MARKETS):
        frame = read(root, table)
        assert frame.height == 0
        assert frame.schema == table.schema
    assert read(root, BALANCES).height == 1
    pf = kp.Portfolio(root)
    frames = [pf.fills(), pf.settlements(), pf.trades(), pf.lots(), pf.positions()]
    assert [frame.height for frame in frames] == [0] * 5
    assert "missing" not in set(pf.coverage()["status"])


def test_null_lists_are_empty_ones(api: respx.MockRouter, synced: Callable[..., kp.SyncReport], root: Path) -> None:
    exchange = Exchange(api)

    def nulls(request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/trade-api/v2")
        if path in exchange.lists:
            body = {exchange.lists[path][0]: None, "cursor": None}
            return httpx.Response(200, json=body, headers={"Date": format_datetime(NOW, usegmt=True)})
        return exchange.answer(request)

    api.get(url__startswith=BASE).mock(side_effect=nulls)
    assert not synced().warnings
    assert read(root, FILLS).height == 0


def test_nothing_secret_is_written_or_said(
    exchange: Exchange, synced: Callable[..., kp.SyncReport], root: Path
) -> None:
    report = synced()
    written = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    for secret in ("a1b2c3d4", PEM.splitlines()[1]):
        assert secret.encode() not in written
        assert secret not in f"{report}{report._repr_html_()}"


# The example payloads


def test_the_example_payloads_go_the_whole_way(
    api: respx.MockRouter, synced: Callable[..., kp.SyncReport], root: Path, examples: Path
) -> None:
    def body(name: str) -> Any:
        return json.loads((examples / f"{name}.json").read_text(encoding="utf-8"))

    exchange = Exchange(api, datetime(2026, 11, 22, 15, tzinfo=UTC))
    exchange.lists |= {
        "/portfolio/fills": ("fills", body("fills")["fills"]),
        "/historical/fills": ("fills", body("historical_fills")["fills"]),
        "/portfolio/settlements": ("settlements", body("settlements")["settlements"]),
        "/portfolio/positions": ("market_positions", body("positions")["market_positions"]),
        "/portfolio/deposits": ("deposits", body("deposits")["deposits"]),
        "/portfolio/withdrawals": ("withdrawals", body("withdrawals")["withdrawals"]),
        "/portfolio/subaccounts/transfers": ("transfers", body("subaccount_transfers")["transfers"]),
        "/markets": ("markets", body("markets")["markets"]),
        "/events": ("events", [body("event")["event"]]),
    }
    exchange.answers |= {
        "/historical/cutoff": body("historical_cutoff"),
        "/portfolio/balance": body("balance"),
        "/portfolio/subaccounts/balances": body("subaccount_balances"),
        "/series/KXDEMOCPI": body("series"),
        "/exchange/user_data_timestamp": body("user_data_timestamp"),
        "/account/limits": body("account_limits"),
    }
    report = synced()
    counts = {name: tally.new for name, tally in report.datasets.items()}
    assert counts["fills"] == 10
    assert counts["settlements"] == 3
    assert counts["transfers"] == 5
    assert report.in_quarantine == 0
    assert report.as_of == datetime(2026, 11, 22, 14, 59, 58, 250_000, tzinfo=UTC)
    pf = kp.Portfolio(root)
    positions = pf.positions(tickers="KXDEMOCPI-26DEC-T0.3")
    assert positions.select("side", "quantity", "realized_pnl_cents").rows() == [("yes", 6, Dec(52))]
    settled = pf.settlements()
    assert settled.filter(source="exchange").height == 3
    before = contents(root)
    assert not synced().changed
    assert contents(root) == before


# A real account (never part of the repository)


def test_a_real_account_replayed_over_http_reconciles_to_the_last_hundredth_of_a_cent(
    exchange: Exchange, synced: Callable[..., kp.SyncReport], root: Path, realdata: Path
) -> None:
    folder = realdata / "api_2026-07"

    def rows(name: str, key: str) -> Rows:
        found: Rows = json.loads((folder / name).read_text(encoding="utf-8"))[key]
        return found

    exchange.page = 20
    exchange.lists["/portfolio/fills"][1].extend(rows("fills.json", "fills"))
    exchange.lists["/portfolio/settlements"][1].extend(rows("settlements.json", "settlements"))
    exchange.lists["/portfolio/positions"][1].extend(rows("positions_2026-07-07.json", "market_positions"))
    report = synced()
    assert (report["fills"].new, report["settlements"].new, report["positions"].new) == (49, 25, 5)
    assert report.in_quarantine == 0
    pf = kp.Portfolio(root)
    positions, lots, settled = pf.positions(), pf.lots(), read(root, SETTLEMENTS)
    total = Dec(0)
    for row in settled.iter_rows(named=True):
        theirs = (
            row["revenue_cents"]
            + min(row["yes_quantity"], row["no_quantity"]) * 100
            - row["yes_cost_cents"]
            - row["no_cost_cents"]
            - row["fee_cents"]
        )
        its = lots.filter(ticker=row["ticker"])
        assert its["net_pnl_cents"].sum() == theirs
        fees = its.select((pl.col("entry_fee_cents") + pl.col("exit_fee_cents").fill_null(Dec(0))).sum()).item()
        assert fees == row["fee_cents"]
        bought = pf.fills(tickers=row["ticker"])
        for side in ("yes", "no"):
            mine = bought.filter(side=side)
            assert mine["quantity"].sum() == row[f"{side}_quantity"]
            assert mine["total_cost_cents"].sum() == row[f"{side}_cost_cents"]
        total += theirs
    assert settled.height == 25
    assert total == Dec("862.48")
    mine = positions.join(settled, on="ticker", how="semi")
    assert mine["net_pnl_cents"].sum() == Dec("862.48")
    assert mine["complete"].all()
    # Nobody has published the fills of the five positions that were held: that is said, and nothing is invented.
    assert any("In 5 markets our fills do not add up" in text for text in report.warnings)
    assert read(root, SNAPSHOTS).filter(pl.col("quantity") > 0).height == 5
    assert positions.filter(status="open").height == 0
    before = contents(root)
    assert not synced().changed
    assert contents(root)["fills"] == before["fills"]


def test_298_legacy_fills_take_their_direction_from_the_side_alone(realdata: Path) -> None:
    with (realdata / "api_legacy_2026-01" / "kalshi_fills.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    body = [{**row, "is_taker": row["is_taker"] == "True"} for row in rows]
    parsed = parse_fills([json.dumps({"fills": body}).encode()], Source(NOW))
    assert parsed.set_aside == []
    assert parsed.frame.height == 298
    assert parsed.frame["side"].to_list() == [row["side"] for row in rows]
    assert {row["action"] for row in rows} == {"buy", "sell"}
