"""A Kalshi exchange simulated in the process, behind the same client: an httpx transport and exact books.

``SimulatedExchange()`` has an account with two years of invented trading; ``SimulatedExchange.empty()`` one to
be scripted. ``SimulatedTransport(exchange)`` is what an ``httpx.AsyncClient`` talks to.

    dice        chance that is the same everywhere      catalogue   the series of the demo, as data
    amounts     exact numbers                           occasions   one event of a series
    world       series, events, markets, prices         generate    all events of the demo
    records     orders, fills, settlements, cash        funding     its deposits and withdrawals
    fees, books what is charged, what is owned          trader      the person who trades
    account     takes orders, moves cash, pays out      simulated   the demo account, put together
    audit       the books against the records           exchange    clock, schedule, tiers
    keys        who may ask                             script      an account written by hand
    rows        the JSON                                parameters, routing, *_routes, transport: HTTP
"""

from __future__ import annotations

from kalshi_portfolio.simulation.books import Books, Position
from kalshi_portfolio.simulation.exchange import NOW, BareExchange
from kalshi_portfolio.simulation.keys import Credentials
from kalshi_portfolio.simulation.script import ScriptedExchange
from kalshi_portfolio.simulation.simulated import SimulatedExchange
from kalshi_portfolio.simulation.transport import BASE_URL, SimulatedTransport

__all__ = [
    "BASE_URL",
    "NOW",
    "BareExchange",
    "Books",
    "Credentials",
    "Position",
    "ScriptedExchange",
    "SimulatedExchange",
    "SimulatedTransport",
]
