"""Chance that falls the same way on every machine and every version of Python.

Only ``random()`` and ``getrandbits()`` of the Mersenne Twister are promised to stay as they are, and only
``+ - * /`` are rounded alike everywhere; so nothing here uses ``choice``, ``gauss``, ``exp`` or ``log``, nor
``sum``, which adds floats in another way since Python 3.12.
"""

from __future__ import annotations

import hashlib
import random
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

T = TypeVar("T")

_NORMAL = (0.0498673470, 0.0211410061, 0.0032776263, 0.0000380036, 0.0000488906, 0.0000053830)


class Dice:
    """A stream of chance with a name; equal names give equal streams.

    Args:
        name: Any text, such as ``"7/events/12"``.
    """

    def __init__(self, name: str) -> None:
        digest = hashlib.sha256(name.encode()).digest()
        source = random.Random(int.from_bytes(digest, "big"))  # noqa: S311  (invented people, not secrets)
        self.random = source.random
        self._bits = source.getrandbits

    def below(self, n: int) -> int:
        """Give a whole number from 0 to ``n - 1``."""
        return int(self.random() * n)

    def between(self, low: float, high: float) -> float:
        """Give a number from ``low`` to ``high``, evenly spread."""
        return low + (high - low) * self.random()

    def chance(self, probability: float) -> bool:
        """Say yes with this probability."""
        return self.random() < probability

    def pick(self, things: Sequence[T]) -> T:
        """Give one of these, all being equally likely."""
        return things[int(self.random() * len(things))]

    def weighted(self, things: Sequence[T], weights: Sequence[float]) -> T:
        """Give one of these, in proportion to the weights."""
        left = self.random() * reduce(add, weights)
        for thing, weight in zip(things, weights, strict=True):
            left -= weight
            if left < 0:
                return thing
        return things[-1]

    def normal(self) -> float:
        """Give a number that is close to normally distributed (a sum of twelve even ones)."""
        draw = self.random
        return reduce(add, [draw() for _ in range(12)]) - 6.0

    def uuid(self) -> str:
        """Give an identifier in the form of a UUID of version 4."""
        h = f"{self._bits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-{'89ab'[int(h[16], 16) & 3]}{h[17:20]}-{h[20:]}"


def normal_cdf(x: float) -> float:
    """Give the probability that a standard normal number is below ``x``, to seven digits.

    Abramowitz and Stegun 26.2.19, which needs no function of the C library.

    Examples:
        >>> round(normal_cdf(1.0), 4), round(normal_cdf(-1.0), 4), normal_cdf(0.0)
        (0.8413, 0.1587, 0.5)
    """
    a = abs(x)
    total = 0.0
    for factor in reversed(_NORMAL):
        total = (total + factor) * a
    y = 1.0 + total
    for _ in range(4):
        y *= y
    tail = 0.5 / y
    return tail if x < 0 else 1.0 - tail
