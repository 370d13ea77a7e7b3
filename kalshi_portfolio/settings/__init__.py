r"""Frozen settings: which exchange, which key, which data folder. The only reader of the environment.

Each value comes from the first that has it: an argument of :func:`load_settings`, the environment, the file
``.env`` in the working directory. No other ``.env`` is read: one in a folder above may be somebody else's.

====================================  ==========================================================
``KALSHI_API_KEY_ID``                 the key's id
``KALSHI_PRIVATE_KEY_PATH``           the file with the private key (PEM)
``KALSHI_PRIVATE_KEY``                or the PEM text itself; ``\n`` may stand for line ends
``KALSHI_PRIVATE_KEY_PASSWORD``       the pass-phrase, where the key is encrypted
``KALSHI_ENVIRONMENT``                ``prod`` (the default) or ``demo``, Kalshi's paper trading
``KALSHI_API_BASE_URL``               another address of the API
``KALSHI_PORTFOLIO_DATA``             the data folder
====================================  ==========================================================
"""

from __future__ import annotations

from kalshi_portfolio.settings.address import check_url
from kalshi_portfolio.settings.chosen import Settings, in_jupyter_server, load_settings, origins
from kalshi_portfolio.settings.options import check_options
from kalshi_portfolio.settings.secret import Secret, conceal

__all__ = [
    "Secret",
    "Settings",
    "check_options",
    "check_url",
    "conceal",
    "in_jupyter_server",
    "load_settings",
    "origins",
]
