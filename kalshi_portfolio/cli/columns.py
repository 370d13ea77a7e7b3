"""Which columns the tables show, and what may be cut or left out where the terminal is narrow."""

from __future__ import annotations

from kalshi_portfolio.cli.tables import Shown

MARKET = Shown("ticker", "market", least=14)
_REALIZED = Shown("realized_pnl_cents", "realised")

POSITIONS = (
    MARKET,
    Shown("title", "title", least=24, leave_out=7),
    Shown("side", "side"),
    Shown("status", "status"),
    Shown("quantity", "held"),
    Shown("avg_price_cents", "entry"),
    Shown("exit_price_cents", "exit", leave_out=5),
    Shown("current_price_cents", "mark"),
    Shown("unrealized_pnl_cents", "unrealised"),
    Shown("realized_pnl_cents", "realised", leave_out=4),
    Shown("fee_cents", "fees", leave_out=6),
    Shown("net_pnl_cents", "net", leave_out=1),
)
_NOT_WHILE_OPEN = {"status", "exit_price_cents"}
_NOT_WHEN_OVER = {"status", "quantity", "current_price_cents", "unrealized_pnl_cents"}

OPEN = tuple(shown for shown in POSITIONS if shown.name not in _NOT_WHILE_OPEN)
HELD = (
    Shown("title", "open position", least=24),
    Shown("ticker", "market", leave_out=2),
    Shown("side", "side"),
    Shown("quantity", "held"),
    Shown("avg_price_cents", "entry"),
    Shown("current_price_cents", "mark"),
    Shown("unrealized_pnl_cents", "unrealised"),
    Shown("fee_cents", "fees", leave_out=1),
)
OVER = tuple(shown for shown in POSITIONS if shown.name not in _NOT_WHEN_OVER)

TRADES = (
    Shown("executed_at", "time (UTC)"),
    MARKET,
    Shown("side", "side"),
    Shown("action", "action"),
    Shown("quantity", "contracts"),
    Shown("price_cents", "price"),
    Shown("fee_cents", "fee", leave_out=1),
    Shown("position_after", "position", leave_out=2),
    _REALIZED,
)

PNL = (
    _REALIZED,
    Shown("fee_cents", "fees"),
    Shown("net_pnl_cents", "net"),
    Shown("quantity", "contracts", leave_out=2),
    Shown("lots", "lots", leave_out=3),
    Shown("unknown_lots", "unknown"),
    Shown("win_ratio", "won", leave_out=1),
)


def of_positions(status: str) -> tuple[Shown, ...]:
    """Give the columns that mean something for positions of this status."""
    return OPEN if status == "open" else POSITIONS if status == "all" else OVER


def of_profit(keys: list[str], *, unknown: bool) -> tuple[Shown, ...]:
    """Give the columns of P&L by some keys; ``unknown`` lots only where there are any."""
    values = tuple(shown for shown in PNL if unknown or shown.name != "unknown_lots")
    return (*(Shown(key, key, least=10) for key in keys), *values)


CHECKS = (
    Shown("check", "check"),
    Shown("subaccount", "sub", leave_out=3),
    Shown("ticker", "market", least=14, leave_out=1),
    Shown("ours", "ours", right=True),
    Shown("theirs", "theirs", right=True),
    Shown("difference", "difference", leave_out=2, right=True),
    Shown("cause", "cause", least=24),
)
