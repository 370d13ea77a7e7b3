"""A dataset that was never read says so, and names the sync that fills it; an account without rows says nothing."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

import kalshi_portfolio as kp
from kalshi_portfolio.errors import NotSyncedWarning
from kalshi_portfolio.schema import BALANCES, FILLS, SETTLED, TRADES, TRANSFERS
from kalshi_portfolio.simulation import SimulatedExchange

if TYPE_CHECKING:
    from pathlib import Path

    from kalshi_portfolio.simulation import ScriptedExchange


def synced(root: Path, exchange: ScriptedExchange, *only: str) -> kp.Portfolio:
    kp.sync(root, only=only or None, connection=kp.demo_connection(exchange))
    return kp.Portfolio(root)


def test_an_unread_dataset_is_an_empty_frame_of_its_schema_and_names_its_sync(tmp_path: Path) -> None:
    pf = synced(tmp_path / "data", SimulatedExchange.tiny(), "fills")
    with pytest.warns(NotSyncedWarning, match=r"transfers: not synced yet.*kp\.sync_transfers\(\)") as said:
        frame = pf.transfers()
    assert (frame.height, frame.schema) == (0, TRANSFERS.schema)
    assert said[0].filename == __file__  # it points to the caller's line
    with pytest.warns(NotSyncedWarning, match="sync --only balances"):
        assert pf.balances(lazy=True).collect().schema == BALANCES.schema
    with pytest.warns(NotSyncedWarning, match=r"kp\.sync_settlements\(\)"):
        assert pf.settlements().schema == SETTLED.schema
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert pf.fills().height > 0
        assert pf.trades().height > 0


def test_linked_frames_without_fills_say_so(tmp_path: Path) -> None:
    pf = synced(tmp_path / "data", SimulatedExchange.tiny(), "balances")
    for ask in (pf.trades, pf.lots, pf.positions, pf.pnl, pf.equity, pf.fills, pf.reconcile):
        with pytest.warns(NotSyncedWarning, match=f"{FILLS.name}: not synced yet"):
            ask()
    with pytest.warns(NotSyncedWarning):
        assert pf.trades().schema == TRADES.schema
    with warnings.catch_warnings():  # showing itself is no question about fills
        warnings.simplefilter("error")
        assert repr(pf)
        assert pf._repr_html_()


def test_an_account_without_rows_says_nothing(tmp_path: Path) -> None:
    pf = synced(tmp_path / "data", SimulatedExchange.empty())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for ask in (pf.fills, pf.settlements, pf.markets, pf.snapshots, pf.transfers, pf.trades, pf.pnl, pf.equity):
            assert ask().height == 0
        assert pf.reconcile()["ok"].all()
