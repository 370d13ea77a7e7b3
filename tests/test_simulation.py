"""The demo account of the simulated exchange: it is the same everywhere, and its books add up."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from datetime import timedelta

import pytest

from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.simulation import NOW, BareExchange, SimulatedExchange
from kalshi_portfolio.simulation.dice import Dice, normal_cdf
from kalshi_portfolio.simulation.world import tick_at

DIGEST = """
import hashlib
from kalshi_portfolio.simulation import SimulatedExchange
exchange = SimulatedExchange(seed=3, fills=300)
print(hashlib.sha256(b"".join(f.body for f in exchange.fills)).hexdigest())
"""


GOLDEN = [785, 798, 635, 45, 373]


@pytest.fixture(scope="module")
def demo() -> SimulatedExchange:
    return SimulatedExchange()


def digest(exchange: BareExchange) -> str:
    return hashlib.sha256(b"".join(f.body for f in exchange.fills)).hexdigest()


def test_the_same_seed_gives_the_same_bytes_in_another_process() -> None:
    command = [sys.executable, "-c", DIGEST]
    outputs = {
        subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": salt}).stdout  # noqa: S603
        for salt in ("1", "2")
    }
    assert outputs == {digest(SimulatedExchange(seed=3, fills=300)) + "\n"}


def test_another_seed_gives_another_account() -> None:
    assert digest(SimulatedExchange(seed=1, fills=100)) != digest(SimulatedExchange(seed=2, fills=100))


def test_the_dice_fall_the_same_on_every_machine() -> None:
    dice = Dice("golden")
    assert [dice.below(1000) for _ in range(5)] == GOLDEN
    assert normal_cdf(1.96) == pytest.approx(0.975, abs=1e-4)
    assert normal_cdf(-8) == pytest.approx(0, abs=1e-9)


def test_the_books_of_the_demo_add_up(demo: SimulatedExchange) -> None:
    demo.verify()


def test_nobody_spends_what_is_not_there(demo: SimulatedExchange) -> None:
    assert all(demo.books.cash(*purse) >= 0 for purse in demo.books.accounts())


def test_the_demo_has_what_a_real_account_has(demo: SimulatedExchange) -> None:
    positions = list(demo.books.positions())
    markets = [demo.world.markets[p.ticker] for p in positions]
    held = [p for p in positions if p.net]
    assert 3000 < len(demo.fills) < 5000
    assert len({p.ticker for p in positions}) > 500
    assert len({m.event.series.ticker for m in markets}) > 12
    assert len({m.event.series.category for m in markets}) >= 8
    assert 20 <= len(held) <= 60
    assert {demo.world.markets[p.ticker].status(demo.clock) for p in held} == {"active", "closed", "determined"}
    assert sum(p.flips for p in positions) > 20
    assert {p.subaccount for p in positions} == {0, 1, 2}
    assert {m.event.series.exchange_index for m in markets} == {0, 1, 2, 3}
    assert {s.value for s in demo.settlements if s.result == "scalar"} >= {3060, 5000}
    assert any(f.count % 100 for f in demo.fills)
    assert any(f.yes_price % 100 for f in demo.fills)
    assert {f.is_taker for f in demo.fills} == {True, False}
    assert {m.status for m in demo.account.movements} == {"pending", "applied", "failed", "returned"}
    assert {t.target for t in demo.account.instance_transfers} == {"margined", "event_contract"}


def test_contracts_were_whole_and_prices_in_cents_before_march_2026(demo: SimulatedExchange) -> None:
    old = [f for f in demo.fills if f.at < 1_773_273_600_000_000]
    assert old
    assert not [f for f in old if f.count % 100 or f.yes_price % 100]


def test_every_price_of_the_demo_is_on_its_tick_grid(demo: SimulatedExchange) -> None:
    for fill in demo.fills:
        assert fill.yes_price % tick_at(demo.world.markets[fill.ticker].ticks, fill.yes_price) == 0
        assert 0 < fill.yes_price < 10_000


def test_payouts_of_the_demo_are_in_whole_cents(demo: SimulatedExchange) -> None:
    assert not [s for s in demo.settlements if s.payout % 10_000 or s.residue]


def test_prices_come_true_as_often_as_they_say(demo: SimulatedExchange) -> None:
    seen = won = priced = 0
    for market in demo.world.markets.values():
        if market.result in {"yes", "no"} and market.event.path is not None:
            fair = market.fair(market.opens + (market.closes - market.opens) // 3)
            seen, won, priced = seen + 1, won + market.value, priced + fair
    assert won / seen == pytest.approx(priced / seen, rel=0.08)


def test_at_most_one_market_of_an_exclusive_event_wins(demo: SimulatedExchange) -> None:
    for event in demo.world.events.values():
        if event.mutually_exclusive and not any(m.result == "scalar" for m in event.markets):
            assert [m.result for m in event.markets].count("yes") == 1


def test_trades_happen_while_a_market_is_open_and_before_now(demo: SimulatedExchange) -> None:
    for fill in demo.fills:
        market = demo.world.markets[fill.ticker]
        assert market.opens <= fill.at < market.closes
        assert fill.at <= demo.clock


def test_advancing_in_steps_or_at_once_comes_to_the_same() -> None:
    at_once, in_steps = (SimulatedExchange(fills=600) for _ in range(2))
    at_once.advance(NOW + timedelta(days=40))
    for day in (1, 2, 15, 40):
        in_steps.advance(NOW + timedelta(days=day))
        in_steps.verify()
    assert digest(at_once) == digest(in_steps)
    assert at_once.books.net_pnl() == in_steps.books.net_pnl()
    assert at_once.cutoff == in_steps.cutoff == (NOW - timedelta(days=20)).replace(hour=0)


def test_advancing_reveals_trades_settlements_and_cash() -> None:
    exchange = SimulatedExchange()
    fills, paid = len(exchange.fills), len(exchange.settlements)
    exchange.advance(NOW + timedelta(days=30))
    assert len(exchange.fills) > fills
    assert len(exchange.settlements) > paid
    assert exchange.now == NOW + timedelta(days=30)


@pytest.mark.parametrize("wanted", [0, 40, 1000, 8000])
def test_about_as_many_fills_as_asked_for(wanted: int) -> None:
    exchange = SimulatedExchange(fills=wanted)
    exchange.verify()
    assert len(exchange.fills) == pytest.approx(wanted, rel=0.25, abs=250)


def test_one_subaccount_means_one_subaccount() -> None:
    exchange = SimulatedExchange(fills=800, subaccounts=1)
    assert {f.subaccount for f in exchange.fills} == {0}


def test_impossible_arguments_are_refused() -> None:
    with pytest.raises(ArgumentError, match="subaccounts"):
        SimulatedExchange(subaccounts=0)
    with pytest.raises(ArgumentError, match="fills"):
        SimulatedExchange(fills=-1)
    exchange = SimulatedExchange.empty()
    with pytest.raises(ArgumentError, match="cannot go back"):
        exchange.advance(NOW - timedelta(days=1))
    with pytest.raises(ArgumentError, match="after the exchange's clock"):
        exchange.move_cutoff(NOW + timedelta(days=1))
    with pytest.raises(ArgumentError, match="time zone"):
        exchange.advance(NOW.replace(tzinfo=None))
