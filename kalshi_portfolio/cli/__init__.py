"""The command line: a thin shell over the public functions."""

from kalshi_portfolio.cli.app import main

__all__ = ["main"]
