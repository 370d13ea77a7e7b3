"""The README is true: its Python runs and prints what it shows, its commands exist, its names are ours.

``UPDATE_README=1 pytest tests/test_readme.py`` writes the outputs of the Python blocks anew.
"""

from __future__ import annotations

import ast
import itertools
import os
import re
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from pages import REPOSITORY, Block, commands, understand
from pages import blocks as blocks_of
from typer.testing import CliRunner

import kalshi_portfolio as kp
from kalshi_portfolio.cli.app import app
from kalshi_portfolio.schema import DATASETS
from kalshi_portfolio.sync import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

README = REPOSITORY / "README.md"
TEST_COMMAND = 'pip install -e ".[test]" && pytest'

_DRAWN = re.compile(r"[─-╿…\s]+")  # the lines of tables, and how long they are drawn
_TAKES = re.compile(r" in \d+\.\d s \(\d+ requests\)")


def blocks() -> list[Block]:
    """Give the fenced blocks of the README."""
    return blocks_of(README.read_text(encoding="utf-8"))


def examples() -> list[tuple[Block, Block]]:
    """Give the Python blocks, each with the output that stands below it."""
    every = blocks()
    return [(one, below) for one, below in itertools.pairwise(every) if one.language == "python"]


def words(text: str) -> list[str]:
    """Give what a text says, whatever the widths of its tables and however long the sync took."""
    return [word for word in _DRAWN.split(_TAKES.sub(" in some seconds", text)) if word]


def run(code: str, names: dict[str, Any]) -> object:
    """Run a cell as a notebook does: its value is that of its last expression."""
    *before, last = ast.parse(code).body
    assert isinstance(last, ast.Expr), f"this shows nothing: {code}"
    exec(compile(ast.Module(before, []), "README.md", "exec"), names)  # noqa: S102  (the page is ours)
    return eval(compile(ast.Expression(last.value), "README.md", "eval"), names)  # noqa: S307


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a working directory in which ``kp.sync()`` reaches the demo account in place of a real one."""
    folder = tmp_path_factory.mktemp("reader")
    with pytest.MonkeyPatch.context() as patch, pl.Config(tbl_width_chars=120, tbl_hide_column_data_types=True):
        patch.chdir(folder)
        patch.setenv("TQDM_DISABLE", "1")
        patch.setattr(Connection, "from_settings", lambda _settings: kp.demo_connection())
        yield folder


@pytest.fixture(scope="module")
def results(folder: Path) -> list[str]:
    """Give what each example prints, run in their order in one namespace."""
    names: dict[str, Any] = {}
    return [repr(run(code.text, names)).replace(str(folder), "…") for code, _ in examples()]


def test_python_examples_print_what_the_readme_shows(results: list[str]) -> None:
    if os.environ.get("UPDATE_README"):
        text = README.read_text(encoding="utf-8")
        for (_, below), result in reversed(list(zip(examples(), results, strict=True))):
            text = text[: below.start] + result.rstrip() + "\n" + text[below.start + len(below.text) :]
        README.write_text(text, encoding="utf-8")
    shown = [below for _, below in examples()]
    assert len(shown) > 6
    assert {below.language for below in shown} == {"text"}, "an example shows no output"
    assert [words(below.text) for below in shown] == [words(result) for result in results]


def test_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    shown = next(block.text for block in blocks() if block.text.startswith("Synced to"))
    printed = CliRunner().invoke(app, ["demo", "--root", str(tmp_path / "demo")])
    assert printed.exit_code == 0, printed.output
    lines = iter([words(line) for line in printed.stdout.splitlines()])
    for line in shown.splitlines():
        # Membership in an iterator goes on from where the last line was found: the order counts, too.
        assert line == "..." or words(line) in lines, f"the demo does not print, or not there: {line}"


@pytest.mark.parametrize("words", commands(README.read_text(encoding="utf-8")), ids=" ".join)
def test_each_command_line_is_understood(words: list[str], results: list[str], folder: Path) -> None:
    understand(words, data=folder / "data")


def test_the_test_command_is_the_one_that_ci_runs() -> None:
    assert TEST_COMMAND in README.read_text(encoding="utf-8")
    assert TEST_COMMAND in (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")


def test_columns_named_in_the_readme_exist() -> None:
    named = re.findall(rf"`({'|'.join(DATASETS)})\.(\w+)`", README.read_text(encoding="utf-8"))
    assert len(named) > 15
    assert [f"{table}.{column}" for table, column in named if column not in DATASETS[table].schema] == []


def test_every_name_of_spec_013_has_a_row() -> None:
    table = README.read_text(encoding="utf-8").split("## SPEC-013 name")[1].split("\n## ")[0]
    rows = " ".join(line.split("|")[1] for line in table.splitlines() if line.startswith("| "))
    wanted = (
        "ticker position fees_paid realized_pnl realized_pnl_cents quantity avg_price current_price last_synced "
        "closed_at trade_id kalshi_trade_id count yes_price price_cents action created_time executed_at "
        "total_cost_cents min_ts"
    )
    assert set(wanted.split()) - set(re.findall(r"\w+", rows)) == set()


def test_every_dataset_is_in_the_picture_of_the_folder() -> None:
    picture = next(block.text for block in blocks() if block.text.startswith("data/"))
    assert set(re.findall(r"^  (\w+)/", picture, re.MULTILINE)) == {*DATASETS, "quarantine"}
