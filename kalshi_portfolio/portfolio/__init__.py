"""The portfolio of an account: its datasets and the frames that are computed from them."""

from kalshi_portfolio.portfolio.portfolio import Portfolio

__all__ = ["Portfolio"]
