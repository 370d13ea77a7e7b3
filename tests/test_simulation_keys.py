"""Signatures are checked as the exchange checks them, and keys may be restricted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from simulated_api import call, sign

from kalshi_portfolio.simulation import ScriptedExchange, SimulatedExchange, SimulatedTransport

if TYPE_CHECKING:
    from kalshi_portfolio.simulation.keys import KeyKind

FILLS = "/portfolio/fills"


@pytest.fixture
def exchange() -> ScriptedExchange:
    exchange = SimulatedExchange.empty(subaccounts=2)
    exchange.deposit("10")
    return exchange


def milliseconds(exchange: ScriptedExchange) -> int:
    return exchange.clock // 1000


def code(exchange: ScriptedExchange, headers: dict[str, str], path: str = FILLS) -> tuple[int, str]:
    response = call(exchange, path, headers=headers, verify=True)
    return response.status_code, response.json().get("error", {}).get("code", "")


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_good_signature_is_let_in(exchange: ScriptedExchange, kind: KeyKind) -> None:
    headers = sign(exchange.credentials(kind), FILLS, ms=milliseconds(exchange))
    assert call(exchange, FILLS, headers=headers, verify=True, limit=5).status_code == 200


@pytest.mark.parametrize("kind", ["ed25519", "rsa"])
def test_a_signature_of_something_else_is_not(exchange: ScriptedExchange, kind: KeyKind) -> None:
    credentials = exchange.credentials(kind)
    now = milliseconds(exchange)
    assert code(exchange, sign(credentials, "/portfolio/balance", ms=now)) == (401, "unauthorized")
    assert code(exchange, sign(credentials, FILLS, ms=now, method="POST")) == (401, "unauthorized")
    assert code(exchange, {**sign(credentials, FILLS, ms=now), "KALSHI-ACCESS-TIMESTAMP": str(now + 1)})[0] == 401
    assert code(exchange, {**sign(credentials, FILLS, ms=now), "KALSHI-ACCESS-SIGNATURE": "%"})[0] == 401
    assert code(exchange, {**sign(credentials, FILLS, ms=now), "KALSHI-ACCESS-KEY": "nobody"})[0] == 401


def test_the_query_is_not_signed(exchange: ScriptedExchange) -> None:
    headers = sign(exchange.credentials(), f"{FILLS}?limit=5", ms=milliseconds(exchange))
    assert call(exchange, FILLS, headers=headers, verify=True, limit=5).status_code == 401


@pytest.mark.parametrize(("seconds", "status"), [(-29, 200), (29, 200), (-31, 401), (31, 401), (3600, 401)])
def test_the_clock_may_be_off_by_half_a_minute(exchange: ScriptedExchange, seconds: int, status: int) -> None:
    headers = sign(exchange.credentials(), FILLS, ms=milliseconds(exchange) + seconds * 1000)
    came, name = code(exchange, headers)
    assert (came, name) == (status, "header_timestamp_expired" if status == 401 else "")


def test_the_tolerance_can_be_lifted(exchange: ScriptedExchange) -> None:
    headers = sign(exchange.credentials(), FILLS, ms=1)
    transport = SimulatedTransport(exchange, clock_tolerance=None)
    assert call(exchange, FILLS, headers=headers, transport=transport).status_code == 200


def test_no_signature_is_refused_for_the_account_and_not_needed_for_markets(exchange: ScriptedExchange) -> None:
    assert code(exchange, {})[0] == 401
    assert call(exchange, "/markets", verify=True).status_code == 200
    assert call(exchange, "/historical/cutoff", verify=True).status_code == 200
    assert call(exchange, "/historical/fills", verify=True).status_code == 401


def test_a_locked_key_sees_its_own_subaccount_only(exchange: ScriptedExchange) -> None:
    exchange.add_market("A-1-X")
    for number in (0, 1):
        exchange.trade("A-1-X", "yes", 1, "0.5", subaccount=number)
    key = exchange.credentials(subaccount=1)
    transport = SimulatedTransport(exchange)

    def status(path: str, **query: Any) -> int:
        headers = sign(key, path, ms=milliseconds(exchange))
        return call(exchange, path, headers=headers, transport=transport, **query).status_code

    body = call(exchange, FILLS, headers=sign(key, FILLS, ms=milliseconds(exchange)), transport=transport).json()
    assert [f["subaccount_number"] for f in body["fills"]] == [1]
    assert status(FILLS, subaccount=1) == 200
    assert status(FILLS, subaccount=0) == 403
    assert status("/portfolio/deposits") == 403
    assert status("/portfolio/subaccounts/balances") == 403
    path = "/portfolio/balance"
    balance = call(exchange, path, headers=sign(key, path, ms=milliseconds(exchange)), transport=transport).json()
    assert "balance_breakdown" not in balance
    path = "/portfolio/positions"
    assert status(path) == 200


def test_a_revoked_key_is_dead_and_the_next_one_lives(exchange: ScriptedExchange) -> None:
    first = exchange.credentials()
    assert exchange.credentials() == first
    exchange.keys.revoke(first.key_id)
    assert code(exchange, sign(first, FILLS, ms=milliseconds(exchange)))[0] == 401
    second = exchange.credentials()
    assert second.key_id
    assert code(exchange, sign(second, FILLS, ms=milliseconds(exchange)))[0] == 200


def test_the_first_key_is_always_the_same_and_never_shown() -> None:
    first, again = (SimulatedExchange.empty().credentials() for _ in range(2))
    assert first == again
    assert "PRIVATE" not in repr(first)
    assert first.private_key_pem not in repr(first)
