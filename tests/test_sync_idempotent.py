"""However the rows come, and however often a sync breaks, the same ends up on disk."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sync_world import Unruly, connect, contents, everything, sync

from kalshi_portfolio.errors import ConnectionFailedError
from kalshi_portfolio.simulation import NOW, SimulatedExchange
from kalshi_portfolio.store import Store

if TYPE_CHECKING:
    from kalshi_portfolio.simulation import BareExchange

BREAKS = (httpx.ConnectError("the line broke"), asyncio.CancelledError(), KeyboardInterrupt())
_EXPECTED: dict[int, Any] = {}


def account(hours: int) -> BareExchange:
    exchange = SimulatedExchange(fills=40, subaccounts=2)
    exchange.advance(NOW + timedelta(hours=hours))
    return exchange


def expected(hours: int) -> Any:
    if hours not in _EXPECTED:
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder) / "d"
            sync(root, connect(account(hours)))
            _EXPECTED[hours] = contents(root)
    return _EXPECTED[hours]


def attempt(root: Path, exchange: BareExchange, transport: Unruly) -> bool:
    """Sync; say whether it came to its end."""
    try:
        sync(root, connect(exchange, transport))
    except (ConnectionFailedError, asyncio.CancelledError, KeyboardInterrupt):
        return False
    return True


@settings(max_examples=8)
@given(
    seeds=st.lists(st.integers(0, 1000), min_size=1, max_size=2),
    page=st.sampled_from([3, 17, 1000]),
    breaks=st.lists(st.tuples(st.integers(1, 60), st.sampled_from(BREAKS)), max_size=2),
    early=st.booleans(),
)
def test_any_order_page_size_repetition_and_interruption_gives_the_same(
    seeds: list[int], page: int, breaks: list[tuple[int, BaseException]], early: bool
) -> None:
    hours = 30
    exchange = account(0 if early else hours)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "d"
        for fail_at, error in breaks:
            attempt(root, exchange, Unruly(exchange, seed=seeds[0], page=page, fail_at=fail_at, error=error))
        if early:
            attempt(root, exchange, Unruly(exchange, seed=seeds[0], page=page))
            exchange.advance(NOW + timedelta(hours=hours))
        for seed in seeds:
            assert attempt(root, exchange, Unruly(exchange, seed=seed, page=page))
        ours, theirs = contents(root), expected(hours)
        lasting = ("fills", "settlements", "transfers")
        assert {name: ours[name] for name in lasting} == {name: theirs[name] for name in lasting}
        if not early:  # else there are snapshots of two days
            assert ours == theirs


def test_a_sync_that_breaks_at_every_request_in_turn_always_gets_further(tmp_path: Path) -> None:
    """Each attempt is allowed only some requests; what came whole before is not asked for again in full."""
    exchange = SimulatedExchange.empty()
    exchange.add_market("KXA-1-T1", opens=NOW - timedelta(days=800))
    for day in range(700, 70, -2):
        exchange.trade("KXA-1-T1", "yes", 1, "0.40", at=NOW - timedelta(days=day))
    transport = Unruly(exchange, seed=1, page=10, fail_at=40)
    assert not attempt(tmp_path / "d", exchange, transport)
    stored = sum(Store.open(tmp_path / "d").rows_per_partition(_fills()).values())
    assert 0 < stored < len(exchange.fills)
    attempts = 1
    while not attempt(tmp_path / "d", exchange, Unruly(exchange, seed=1, page=10, fail_at=40)):
        attempts += 1
        assert attempts < 10
    assert {row[0] for row in contents(tmp_path / "d")["fills"]} == {fill.fill_id for fill in exchange.fills}


def _fills() -> Any:
    from kalshi_portfolio.schema import FILLS  # noqa: PLC0415

    return FILLS


@pytest.mark.parametrize("error", BREAKS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("fail_at", [1, 3, 6, 9, 12, 17])
def test_an_interruption_at_any_request_is_raised_as_it_is_and_frees_the_lock(
    tmp_path: Path, fail_at: int, error: BaseException
) -> None:
    exchange = SimulatedExchange.tiny()
    kind = ConnectionFailedError if isinstance(error, httpx.ConnectError) else type(error)
    with pytest.raises(kind):
        sync(tmp_path / "d", connect(exchange, Unruly(exchange, fail_at=fail_at, error=error)))
    # Where nothing was stored yet, the new folder is gone again.
    assert not (tmp_path / "d").exists() or Store.open(tmp_path / "d").holder() is None
    report = sync(tmp_path / "d", connect(exchange), wait=0)
    assert not report.warnings
    assert len(contents(tmp_path / "d")["fills"]) == 10


def test_a_failed_sync_of_a_synced_folder_leaves_every_file_as_it_was(tmp_path: Path) -> None:
    exchange = SimulatedExchange.tiny()
    sync(tmp_path / "d", connect(exchange))
    before = everything(tmp_path / "d")
    with pytest.raises(ConnectionFailedError):
        sync(tmp_path / "d", connect(exchange, Unruly(exchange, fail_at=2)))
    assert everything(tmp_path / "d") == before
