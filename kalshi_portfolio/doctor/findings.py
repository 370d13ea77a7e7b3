"""What a check-up found: rows, and how they show themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from kalshi_portfolio.display import Heading, block, clean, counted, element, table

State: TypeAlias = Literal["ok", "warn", "fail"]
Area: TypeAlias = Literal["program", "settings", "exchange", "repair", "data"]

AREAS: tuple[Area, ...] = ("program", "settings", "exchange", "repair", "data")
"""What is looked at, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        area: What it belongs to, out of :data:`AREAS`.
        name: What was looked at.
        finding: What was found, in words. Never a secret.
        state: ``ok``; ``warn``: it works, and something should be done; ``fail``: it does not work.
        advice: What to do; empty where there is nothing to do.
    """

    area: Area
    name: str
    finding: str
    state: State = "ok"
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Checkup:
    """What a check-up found. Shows itself in a notebook and a terminal.

    Attributes:
        findings: One row per thing that was looked at, in the order of :data:`AREAS`.

    Examples:
        >>> Checkup((Finding("data", "free space", "12 MB", "warn", "Make room."),))
        data
          warn  free space  12 MB
                            > Make room.
        1 warning, nothing failed
    """

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing failed; warnings count as well."""
        return not self.in_state("fail")

    def in_state(self, state: State) -> tuple[Finding, ...]:
        """Give the findings of one state."""
        return tuple(finding for finding in self.findings if finding.state == state)

    def verdict(self) -> str:
        """Sum up in a line.

        Examples:
            >>> Checkup(()).verdict()
            'nothing is wrong'
        """
        failed, warned = len(self.in_state("fail")), len(self.in_state("warn"))
        if not failed + warned:
            return "nothing is wrong"
        warnings = [counted(warned, "warning")] if warned else []
        return ", ".join([*warnings, f"{failed} failed" if failed else "nothing failed"])

    def __str__(self) -> str:
        width = max((len(finding.name) for finding in self.findings), default=0)
        lines: list[str] = []
        for area in AREAS:
            rows = [finding for finding in self.findings if finding.area == area]
            lines += [area] if rows else []
            for row in rows:
                lines.append(f"  {row.state:<4}  {row.name:<{width}}  {clean(row.finding)}")
                lines += [f"{' ' * (width + 10)}> {clean(row.advice)}"] if row.advice else []
        return "\n".join([*lines, self.verdict()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        """Give a small table for notebooks."""
        headings = [Heading(name) for name in ("check", "about", "", "finding", "what to do")]
        rows = [(row.name, row.area, _stressed(row.state), row.finding, row.advice) for row in self.findings]
        return block("Check-up", table(headings, rows), aside=self.verdict())


def _stressed(state: State) -> str:
    return state if state == "ok" else element("strong", state)
