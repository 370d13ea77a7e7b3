"""What the tests of the README and of the documentation share: blocks, commands, links, headings of a page."""

from __future__ import annotations

import re
import shlex
import unicodedata
from dataclasses import dataclass
from pathlib import Path

import typer.main
from typer.testing import CliRunner

from kalshi_portfolio.cli.app import app

REPOSITORY = Path(__file__).resolve().parents[1]

_FENCE = re.compile(r"^```([\w{}-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"kalshi-portfolio(?:\.exe)?\"?\s+([a-z][^\"&#|\n`]*)")
_LINK = re.compile(
    r"(?<!!)\[[^\]]*\]\((?!https?:)([^)\s]+)\)|(?:src|srcset)=\"(?!https?:)([^\"]+)\"|!\[[^\]]*\]\(([^)]+)\)"
)
_READ_ONLY = {"status", "positions", "trades", "pnl", "reconcile"}


@dataclass(frozen=True)
class Block:
    """One fenced block: its language, its text, and where the text lies in the page."""

    language: str
    text: str
    start: int


def blocks(text: str) -> list[Block]:
    """Give the fenced blocks of a page."""
    return [Block(m[1], m[2], m.start(2)) for m in _FENCE.finditer(text)]


def commands(text: str) -> list[list[str]]:
    """Give the command lines of ours that a page shows in blocks and in the text, as words without the program."""
    shown = [block.text for block in blocks(text) if block.language in {"bash", "text", "ini"}]
    shown += re.findall(r"`(kalshi-portfolio [^`]+)`", _FENCE.sub("", text))
    return [shlex.split(found) for part in shown for found in _COMMAND.findall(part)]


def understand(words: list[str], *, data: Path) -> None:
    """Check that a command and its options exist, and run it on a data folder if it only reads one."""
    group = typer.main.get_command(app)
    command = group.commands[words[0]]  # type: ignore[attr-defined]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("-")} <= known
    if words[0] in _READ_ONLY and "--root" not in words:
        done = CliRunner().invoke(app, words, env={"KALSHI_PORTFOLIO_DATA": str(data)})
        assert done.exit_code == 0, done.output


def links(text: str) -> list[str]:
    """Give the targets of a page's links and pictures that lie in this repository."""
    return [next(filter(None, found)) for found in _LINK.findall(_FENCE.sub("", text))]


def anchors(text: str) -> set[str]:
    """Give the anchors that a code host, and the site, make of a page's headings."""
    headings = re.findall(r"^#{1,6} +(.+)$", _FENCE.sub("", text), re.MULTILINE)
    return {_slug(re.sub(r"[`*]", "", heading)) for heading in headings}


def _slug(heading: str) -> str:
    kept = [c for c in heading.lower() if c in " -_" or unicodedata.category(c)[0] in "LN"]
    return "".join(kept).replace(" ", "-")
