"""Sync an account into its data folder: completely, incrementally, idempotently."""

from kalshi_portfolio.sync.functions import (
    Connection,
    fingerprint,
    sync,
    sync_balances,
    sync_fills,
    sync_markets,
    sync_positions,
    sync_settlements,
    sync_transfers,
)
from kalshi_portfolio.sync.report import SyncReport, Tally
from kalshi_portfolio.sync.run import Progress
from kalshi_portfolio.sync.syncer import SYNCED, PortfolioSyncer

__all__ = [
    "SYNCED",
    "Connection",
    "PortfolioSyncer",
    "Progress",
    "SyncReport",
    "Tally",
    "fingerprint",
    "sync",
    "sync_balances",
    "sync_fills",
    "sync_markets",
    "sync_positions",
    "sync_settlements",
    "sync_transfers",
]
