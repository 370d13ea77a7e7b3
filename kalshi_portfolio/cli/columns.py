"""Which columns the tables show, and what may be cut or left out where the terminal is narrow."""

from __future__ import annotations

from kalshi_portfolio.cli.tables import Shown

MARKET = Shown("ticker", "market", least=14, ends=True)
SHORT_MARKET = Shown("ticker", "market", least=10, ends=True)
_REALIZED = Shown("realized_pnl_cents", "realised")

POSITIONS = (
    MARKET,
    Shown("title", "title", least=24, leave_out=8),
    Shown("side", "side"),
    Shown("status", "status"),
    Shown("quantity", "held"),
    Shown("avg_price_cents", "entry"),
    Shown("exit_price_cents", "exit", leave_out=6),
    Shown("current_price_cents", "mark", leave_out=1),
    Shown("unrealized_pnl_cents", "unrealised"),
    Shown("realized_pnl_cents", "realised", leave_out=5),
    Shown("fee_cents", "fees", leave_out=7),
    Shown("net_pnl_cents", "net", leave_out=2),
)
_NOT_WHILE_OPEN = {"status", "exit_price_cents"}
_NOT_WHEN_OVER = {"status", "quantity", "current_price_cents", "unrealized_pnl_cents"}

OPEN = tuple(shown for shown in POSITIONS if shown.name not in _NOT_WHILE_OPEN)
HELD = (
    Shown("title", "open position", least=24),
    Shown("ticker", "market", leave_out=2, ends=True),
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
    SHORT_MARKET,
    Shown("side", "side"),
    Shown("action", "action"),
    Shown("quantity", "contracts"),
    Shown("price_cents", "price"),
    Shown("fee_cents", "fee", leave_out=2),
    Shown("position_after", "position", leave_out=3),
    Shown("realized_pnl_cents", "realised", leave_out=1),
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


LOTS = (
    Shown("opened_at", "opened (UTC)", leave_out=2),
    MARKET,
    Shown("side", "side"),
    Shown("quantity", "contracts"),
    Shown("entry_price_cents", "entry"),
    Shown("exit_price_cents", "exit"),
    Shown("exit_kind", "by", leave_out=5),
    Shown("closed_at", "closed (UTC)", leave_out=4),
    Shown("realized_pnl_cents", "realised", leave_out=3),
    Shown("net_pnl_cents", "net"),
)

EQUITY = (
    Shown("period", "period"),
    Shown("realized_pnl_cents", "realised", leave_out=3),
    Shown("fee_cents", "fees", leave_out=4),
    Shown("net_pnl_cents", "net"),
    Shown("cumulative_net_pnl_cents", "in all"),
    Shown("drawdown_cents", "drawdown", leave_out=1),
    Shown("transfers_cents", "transfers", leave_out=2),
    Shown("unknown_lots", "unknown"),
)

SUMMARY = {
    "net_pnl_cents": "net P&L",
    "realized_pnl_cents": "realised",
    "fee_cents": "fees",
    "unrealized_pnl_cents": "unrealised",
    "open_exposure_cents": "cost of what is held",
    "market_value_cents": "worth of what is held",
    "positions": "positions",
    "open_positions": "held now",
    "win_ratio": "won",
    "profit_factor": "profit factor",
    "expectancy_cents": "net of a position, on average",
    "average_holding": "held for, on average",
    "best_net_pnl_cents": "best position",
    "worst_net_pnl_cents": "worst position",
    "max_drawdown_cents": "deepest drawdown",
    "transfers_cents": "paid in less taken out",
    "return_on_capital": "return on capital",
    "as_of": "complete to (UTC)",
}
SUMMARY_NOTES = {
    "unknown_marks": "without a mark, counted at cost, not in unrealised",
    "incomplete_positions": "positions left out, their history is incomplete",
    "unknown_fees": "positions left out of net, a fee is unknown",
}

FILLS = (
    Shown("executed_at", "time (UTC)"),
    SHORT_MARKET,
    Shown("side", "side"),
    Shown("quantity", "contracts"),
    Shown("price_cents", "price"),
    Shown("total_cost_cents", "cost"),
    Shown("fee_cents", "fee", leave_out=1),
    Shown("is_taker", "taker", leave_out=2),
    Shown("subaccount", "sub", leave_out=3),
)

SETTLEMENTS = (
    Shown("settled_at", "settled (UTC)"),
    MARKET,
    Shown("subaccount", "sub", leave_out=6),
    Shown("market_result", "result"),
    Shown("yes_quantity", "yes", leave_out=4),
    Shown("no_quantity", "no", leave_out=4),
    Shown("yes_cost_cents", "yes cost", leave_out=2),
    Shown("no_cost_cents", "no cost", leave_out=2),
    Shown("revenue_cents", "paid out"),
    Shown("fee_cents", "fees", leave_out=3),
    Shown("source", "source", leave_out=5),
)

TRANSFERS = (
    Shown("created_at", "time (UTC)"),
    Shown("kind", "kind"),
    Shown("status", "status"),
    Shown("amount_cents", "amount"),
    Shown("fee_cents", "fee", leave_out=1),
    Shown("subaccount", "sub", leave_out=2),
)

BALANCES = (
    Shown("last_synced", "as of (UTC)"),
    Shown("subaccount", "sub"),
    Shown("exchange_index", "shard", leave_out=1),
    Shown("balance_cents", "cash"),
    Shown("portfolio_value_cents", "positions"),
)

MARKETS = (
    MARKET,
    Shown("title", "title", least=24, leave_out=4),
    Shown("category", "category", least=10, leave_out=5),
    Shown("status", "status"),
    Shown("result", "result"),
    Shown("close_time", "closes (UTC)", leave_out=1),
    Shown("yes_bid_cents", "bid", leave_out=3),
    Shown("yes_ask_cents", "ask", leave_out=3),
)

COVERAGE = (
    Shown("dataset", "dataset"),
    Shown("subaccount", "sub", leave_out=1),
    Shown("covered_from", "from (UTC)"),
    Shown("covered_to", "to (UTC)"),
    Shown("status", "state"),
    Shown("note", "note", least=20, leave_out=2),
)


def of_equity(*, unknown: bool) -> tuple[Shown, ...]:
    """Give the columns of the account's course; ``unknown`` lots only where there are any."""
    return tuple(shown for shown in EQUITY if unknown or shown.name != "unknown_lots")


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
    Shown("ticker", "market", least=14, leave_out=1, ends=True),
    Shown("ours", "ours", right=True),
    Shown("theirs", "theirs", right=True),
    Shown("difference", "difference", leave_out=2, right=True),
    Shown("cause", "cause", least=24),
)
