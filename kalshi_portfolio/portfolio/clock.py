"""What time it is, for those who look at a portfolio: the one place of this floor that asks the computer's clock."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Give the time. Only how old data look depends on it, never a figure."""
    return datetime.now(UTC)
