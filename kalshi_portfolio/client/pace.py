"""How fast a client asks, and what it has done."""

from __future__ import annotations

from dataclasses import dataclass

import aiolimiter


@dataclass(slots=True)
class Stats:
    """What a client has done since it was made.

    Attributes:
        requests: Requests sent, retries included.
        retries: Requests that repeated a failed one.
        received_bytes: Size of the answers' bodies, unpacked.
    """

    requests: int = 0
    retries: int = 0
    received_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Pace:
    """So many requests a second in the long run, and so many at once after a rest."""

    requests_per_second: float
    burst: float

    def limiter(self) -> aiolimiter.AsyncLimiter:
        """Make the limiter, for the running loop."""
        burst = max(self.burst, 1.0)
        return aiolimiter.AsyncLimiter(burst, burst / self.requests_per_second)
