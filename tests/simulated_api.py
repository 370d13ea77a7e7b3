"""What the tests of the simulated exchange share: a plain client, paging, signing."""

from __future__ import annotations

import asyncio
import base64
from typing import TYPE_CHECKING, Any

import httpx
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from kalshi_portfolio.simulation import BASE_URL, SimulatedTransport

if TYPE_CHECKING:
    from kalshi_portfolio.simulation import BareExchange, Credentials


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


MARKET_KEYS = _words(
    "can_close_early close_time created_time event_ticker exchange_index expected_expiration_time "
    "expiration_time expiration_value last_price_dollars latest_expiration_time market_type no_ask_dollars "
    "no_bid_dollars no_sub_title notional_value_dollars open_interest_fp open_time previous_price_dollars "
    "previous_yes_ask_dollars previous_yes_bid_dollars price_level_structure price_ranges result rules_primary "
    "rules_secondary settlement_bounds_type settlement_timer_seconds status strike_type subtitle ticker title "
    "updated_time volume_24h_fp volume_fp yes_ask_dollars yes_ask_size_fp yes_bid_dollars yes_bid_size_fp "
    "yes_sub_title "
)
MARKET_OPTIONAL = _words(
    "custom_strike floor_strike cap_strike settlement_ts settlement_value_dollars "
    "mve_collection_ticker mve_selected_legs "
)
ORDER_KEYS = _words(
    "action book_side cancel_order_on_pause client_order_id created_time exchange_index "
    "expiration_time fill_count_fp initial_count_fp last_update_time maker_fees_dollars "
    "maker_fill_cost_dollars no_price_dollars order_group_id order_id outcome_side remaining_count_fp "
    "self_trade_prevention_type side status subaccount_number taker_fees_dollars taker_fill_cost_dollars "
    "ticker type user_id yes_price_dollars "
)
FILL_KEYS = _words(
    "action book_side count_fp created_time exchange_index fee_cost fill_id is_taker market_ticker "
    "no_price_dollars order_id outcome_side side subaccount_number ticker trade_id ts yes_price_dollars "
)
POSITION_KEYS = _words(
    "exchange_index fees_paid_dollars last_updated_ts market_exposure_dollars position_fp "
    "realized_pnl_dollars ticker total_traded_dollars "
)
EVENT_POSITION_KEYS = _words(
    "event_exposure_dollars event_ticker fees_paid_dollars realized_pnl_dollars total_cost_dollars "
    "total_cost_shares_fp "
)
SETTLEMENT_KEYS = _words(
    "event_ticker exchange_index fee_cost market_result no_count_fp no_total_cost_dollars revenue "
    "settled_time ticker value yes_count_fp yes_total_cost_dollars "
)
EVENT_KEYS = _words(
    "category collateral_return_type event_ticker exchange_index last_updated_ts mutually_exclusive "
    "product_metadata series_ticker settlement_sources strike_date strike_period sub_title title "
)
SERIES_KEYS = _words(
    "additional_prohibitions categories category contract_terms_url contract_url exchange_index "
    "fee_multiplier fee_type frequency last_updated_ts settlement_sources tags ticker title "
)


def call(
    exchange: BareExchange,
    path: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    verify: bool = False,
    transport: SimulatedTransport | None = None,
    **query: Any,
) -> httpx.Response:
    """Send one request and give the response."""

    async def send() -> httpx.Response:
        used = transport or SimulatedTransport(exchange, verify=verify)
        async with httpx.AsyncClient(transport=used, base_url=BASE_URL) as client:
            return await client.request(method, path, params=query, headers=headers)

    with asyncio.Runner() as runner:  # asyncio.run leaves its loop open once a test has made loops reentrant
        return runner.run(send())


def get(exchange: BareExchange, path: str, **query: Any) -> Any:
    """Give the body of an answer that must be good."""
    response = call(exchange, path, **query)
    assert response.status_code == 200, response.text
    return response.json()


def pages(exchange: BareExchange, path: str, name: str, **query: Any) -> list[list[dict[str, Any]]]:
    """Give all pages of a listing."""
    found, cursor = [], ""
    while True:
        body = get(exchange, path, cursor=cursor, **query)
        found.append(body[name])
        cursor = body.get("cursor", "")
        if not cursor:
            return found


def everything(exchange: BareExchange, path: str, name: str, **query: Any) -> list[dict[str, Any]]:
    """Give all rows of a listing."""
    return [row for page in pages(exchange, path, name, **query) for row in page]


def sign(credentials: Credentials, path: str, *, ms: int, method: str = "GET") -> dict[str, str]:
    """Give the headers of a request, signed as the documents say."""
    private = serialization.load_pem_private_key(credentials.private_key_pem.encode(), None)
    message = f"{ms}{method}/trade-api/v2{path}".encode()
    if isinstance(private, ed25519.Ed25519PrivateKey):
        signature = private.sign(message)
    else:
        assert isinstance(private, rsa.RSAPrivateKey)
        pss = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)
        signature = private.sign(message, pss, hashes.SHA256())
    return {
        "KALSHI-ACCESS-KEY": credentials.key_id,
        "KALSHI-ACCESS-TIMESTAMP": str(ms),
        "KALSHI-ACCESS-SIGNATURE": base64.b64encode(signature).decode(),
    }
