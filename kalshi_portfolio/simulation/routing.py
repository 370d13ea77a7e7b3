"""What a handler is given, and the table that says which handler answers which path."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from kalshi_portfolio.simulation.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from kalshi_portfolio.simulation.exchange import BareExchange
    from kalshi_portfolio.simulation.keys import ApiKey
    from kalshi_portfolio.simulation.parameters import Parameters

DEFAULT_COST = 10
"""What a request costs of the rate limit, in tokens."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request that has passed the door.

    Attributes:
        key: Who signed it; None where nobody had to.
        parts: What stands in the path where the route has a name in braces.
    """

    exchange: BareExchange
    parameters: Parameters
    key: ApiKey | None
    parts: tuple[str, ...]

    def subaccount(self, *, default: int | None) -> int | None:
        """Give the subaccount asked for: a locked key sees its own only.

        Args:
            default: What an omitted one means at this endpoint; None is all.
        """
        asked = self.parameters.number_of_subaccount()
        locked = None if self.key is None else self.key.subaccount
        if locked is None:
            return default if asked is None else asked
        if asked not in (None, locked):
            raise Refusal(403, "forbidden", f"the API key is restricted to subaccount {locked}")
        return locked


@dataclass(frozen=True)
class Route:
    """One endpoint.

    Attributes:
        path: Below the root of the API, with names in braces.
        handler: What answers it.
        private: Whether it has to be signed.
        lockable: Whether a key that is locked to a subaccount may use it.
        cost: What it costs of the rate limit.
    """

    path: str
    handler: Callable[[Request], bytes]
    private: bool = False
    lockable: bool = True
    cost: int = DEFAULT_COST
    pattern: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "pattern", re.compile(re.sub(r"\{\w+\}", "([^/]+)", self.path)))


def answer(body: Any) -> bytes:
    """Encode a body."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def answer_rows(name: str, encoded: Iterable[bytes], cursor: str | None) -> bytes:
    """Join rows that are encoded already; the cursor is left out where it is None."""
    tail = b"" if cursor is None else b',"cursor":' + json.dumps(cursor).encode()
    return b'{"' + name.encode() + b'":[' + b",".join(encoded) + b"]" + tail + b"}"
