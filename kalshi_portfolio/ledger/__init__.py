"""Fills and settlements become trade legs, lots and positions. Pure: frames in, frames out.

    settle    every settlement there is, reported or rebuilt
    judge     whether a market's history is known to be complete
    link      lots, trades and positions of all markets

``axis`` lays all markets end to end; ``match`` finds the lots on it, ``legs`` cuts fills at zero; ``lots`` and
``positions`` dress what came out; ``fees`` knows where a fee comes from; ``validate`` keeps bad fills out.
"""

from __future__ import annotations

from kalshi_portfolio.ledger.judge import judge
from kalshi_portfolio.ledger.link import Linked, link, match_lots
from kalshi_portfolio.ledger.settle import settle

__all__ = ["Linked", "judge", "link", "match_lots", "settle"]
