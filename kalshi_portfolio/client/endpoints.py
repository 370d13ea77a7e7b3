"""Every endpoint that we read, declared once: path, list, page size, parameters, signed or not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import quote

from kalshi_portfolio.errors import ArgumentError

Value: TypeAlias = str | int | bool | Sequence[str] | None
"""A query parameter. A sequence becomes a comma list; None, or an empty sequence, is left out."""

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint of the API, all of which are read with GET.

    Attributes:
        name: Its name here, e.g. ``"fills"``.
        path: Below the base URL; ``{name}`` stands for a parameter that is part of the path.
        rows: The key of the list in the answer; empty where the answer is one object.
        keys: Of these keys an answer has at least one (for a list, that of the list).
        max_limit: The largest page, in rows; 0 where the answer comes in one piece.
        params: The query parameters, apart from ``limit`` and ``cursor``.
        signed: Whether it needs a key.
        answers_when_down: Whether a 5xx may carry a regular answer.
    """

    name: str
    path: str
    rows: str = ""
    keys: tuple[str, ...] = field(default=())
    max_limit: int = 0
    params: frozenset[str] = frozenset()
    signed: bool = True
    answers_when_down: bool = False

    @property
    def label(self) -> str:
        """Method and path, for messages. It holds no query and no account."""
        return f"GET {self.path}"

    def locate(self, params: Mapping[str, Value]) -> tuple[str, dict[str, str]]:
        """Make the path and the query of one request.

        Args:
            params: By name; parts of the path, too.

        Returns:
            The path below the base URL, percent-encoded once, and the query as text.

        Raises:
            ArgumentError: A parameter is unknown or missing, or ``limit`` is out of bounds.
        """
        in_path = _PLACEHOLDER.findall(self.path)
        known = {*in_path, *self.params, *(("limit", "cursor") if self.max_limit else ())}
        if unknown := sorted(params.keys() - known):
            raise ArgumentError(
                f"The endpoint {self.name!r} has no parameter {', '.join(unknown)}. It has: "
                f"{', '.join(sorted(known)) or 'none'}."
            )
        limit = params.get("limit")
        if limit is not None and not (isinstance(limit, int) and 1 <= limit <= self.max_limit):
            raise ArgumentError(f"limit is {limit!r}. The endpoint {self.name!r} takes 1 to {self.max_limit}.")
        path = _PLACEHOLDER.sub(lambda match: _segment(match[1], params.get(match[1])), self.path)
        pairs = ((name, _text(value)) for name, value in params.items() if name not in in_path)
        return path, {name: text for name, text in pairs if text}


def _segment(name: str, value: Value) -> str:
    """Quote one part of a path, so that no ticker can walk to another endpoint."""
    if not isinstance(value, str) or value in {"", ".", ".."}:
        raise ArgumentError(f"{name} is {value!r}. Expected the ticker or id of one thing.")
    return quote(value, safe="")


def _text(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    return ",".join(value)


_WINDOW = ("min_ts", "max_ts")
_MARKET_TIMES = tuple(
    f"{end}_{what}_ts" for end in ("min", "max") for what in ("created", "close", "settled", "updated")
)


def _paged(name: str, path: str, rows: str, *params: str, max_limit: int = 1000, signed: bool = True) -> Endpoint:
    return Endpoint(name, path, rows, (rows,), max_limit, frozenset(params), signed)


def _whole(
    name: str, path: str, *keys: str, rows: str = "", params: tuple[str, ...] = (), signed: bool = True
) -> Endpoint:
    return Endpoint(name, path, rows, keys or (rows,), 0, frozenset(params), signed, name == "exchange_status")


_ALL = (
    _paged("fills", "/portfolio/fills", "fills", "ticker", "order_id", *_WINDOW, "subaccount", "exchange_index"),
    _paged(
        "positions",
        "/portfolio/positions",
        "market_positions",
        *("ticker", "event_ticker", "settlement_status", "count_filter", "subaccount", "exchange_index"),
    ),
    _paged(
        "settlements",
        "/portfolio/settlements",
        "settlements",
        *("ticker", "event_ticker", *_WINDOW, "subaccount"),
    ),
    _paged(
        "orders",
        "/portfolio/orders",
        "orders",
        *("ticker", "event_ticker", *_WINDOW, "status", "subaccount", "exchange_index"),
    ),
    _paged("deposits", "/portfolio/deposits", "deposits", max_limit=500),
    _paged("withdrawals", "/portfolio/withdrawals", "withdrawals", max_limit=500),
    _paged("subaccount_transfers", "/portfolio/subaccounts/transfers", "transfers"),
    _paged(
        "intra_exchange_transfers",
        "/portfolio/intra_exchange_instance_transfers",
        "transfers",
        max_limit=500,
    ),
    _paged("historical_fills", "/historical/fills", "fills", "ticker", *_WINDOW, "subaccount"),
    _paged("historical_orders", "/historical/orders", "orders", "ticker", *_WINDOW, "subaccount"),
    _paged(
        "historical_positions",
        "/historical/positions",
        "market_positions",
        *("ticker", "event_ticker", "subaccount"),
    ),
    _whole(
        "balance",
        "/portfolio/balance",
        *("balance_dollars", "balance"),
        params=("subaccount", "exchange_index"),
    ),
    _whole("subaccount_balances", "/portfolio/subaccounts/balances", rows="subaccount_balances"),
    _whole("netting", "/portfolio/subaccounts/netting", rows="netting_configs"),
    _whole("api_keys", "/api_keys", rows="api_keys"),
    _whole("account_limits", "/account/limits", "read"),
    _whole(
        "historical_cutoff",
        "/historical/cutoff",
        *("trades_created_ts", "market_settled_ts", "orders_updated_ts", "market_positions_last_updated_ts"),
        signed=False,
    ),
    _whole("user_data_timestamp", "/exchange/user_data_timestamp", "as_of_time", signed=False),
    _whole("exchange_status", "/exchange/status", "exchange_active", signed=False),
    _paged(
        "markets",
        "/markets",
        "markets",
        *("tickers", "event_ticker", "series_ticker", "status", "mve_filter", *_MARKET_TIMES),
        signed=False,
    ),
    _whole("market", "/markets/{ticker}", "market", signed=False),
    _paged(
        "historical_markets",
        "/historical/markets",
        "markets",
        *("tickers", "event_ticker", "series_ticker", "mve_filter"),
        signed=False,
    ),
    _whole("historical_market", "/historical/markets/{ticker}", "market", signed=False),
    _paged(
        "events",
        "/events",
        "events",
        *("tickers", "series_ticker", "status", "with_nested_markets", "with_milestones"),
        *("min_close_ts", "min_updated_ts"),
        max_limit=200,
        signed=False,
    ),
    _whole("event", "/events/{event_ticker}", "event", params=("with_nested_markets",), signed=False),
    _paged(
        "multivariate_events",
        "/events/multivariate",
        "events",
        *("tickers", "series_ticker", "status", "with_nested_markets"),
        max_limit=200,
        signed=False,
    ),
    _whole("series", "/series/{series_ticker}", "series", params=("include_volume",), signed=False),
    _paged(
        "trades",
        "/markets/trades",
        "trades",
        *("ticker", *_WINDOW, "is_block_trade"),
        signed=False,
    ),
)

ENDPOINTS: Final[Mapping[str, Endpoint]] = {endpoint.name: endpoint for endpoint in _ALL}
"""The endpoints by name."""


def endpoint_named(name: str | Endpoint) -> Endpoint:
    """Give the endpoint of a name.

    Raises:
        ArgumentError: There is none of that name.
    """
    if isinstance(name, Endpoint):
        return name
    if name not in ENDPOINTS:
        raise ArgumentError(f"There is no endpoint {name!r}. There are: {', '.join(sorted(ENDPOINTS))}.")
    return ENDPOINTS[name]
