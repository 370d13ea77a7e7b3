"""The documentation is true: its examples run, its commands, links and names exist, its generated pages are current.

``UPDATE_DOCS=1 pytest tests/test_docs.py`` writes the generated pages anew.
"""

from __future__ import annotations

import doctest
import importlib.util
import inspect
import os
import re
import sys
from html import escape
from typing import TYPE_CHECKING, Any

import pytest
from pages import REPOSITORY, anchors, blocks, commands, links, understand

import kalshi_portfolio as kp
from kalshi_portfolio.cli import run
from kalshi_portfolio.simulation import SimulatedExchange
from kalshi_portfolio.sync import Connection

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType

DOCS = REPOSITORY / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
UPDATE = bool(os.environ.get("UPDATE_DOCS"))
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS | doctest.REPORT_NDIFF
_WORDS = re.compile(r"<t(?:ext|itle)\b[^>]*>([^<]+)<")
_NEEDS = re.compile(r"# needs: (\w+)")
_ROLE = re.compile(r":\w+:`~?(?:[\w.]+\.)?(\w+)`")
_NAMES = re.compile(r"(<!-- names: .*? -->\n).*?(<!-- end of names -->)", re.DOTALL)

with_examples = [
    page for page in PAGES if any(b.language in {"pycon", "python"} for b in blocks(page.read_text("utf-8")))
]
each_page_with_examples = pytest.mark.parametrize("page", with_examples, ids=lambda page: str(page.relative_to(DOCS)))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def tool(name: str) -> ModuleType:
    """Load a generator, which is no part of the package."""
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)  # dataclasses look for it there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> kp.Portfolio:
    """Give the demo account, synced once, and for nobody else."""
    return kp.demo(tmp_path_factory.mktemp("demo") / "data")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a working directory in which ``kp.sync()`` reaches a small simulated account in place of a real one."""
    folder, connection = tmp_path_factory.mktemp("reader"), kp.demo_connection(SimulatedExchange.tiny())
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("TQDM_DISABLE", "1")
        patch.setattr(Connection, "from_settings", lambda _settings: connection)
        yield folder


@each_page_with_examples
def test_its_examples_print_what_it_shows(page: Path, folder: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(text_of(page)):
        line = text_of(page)[: block.start].count("\n")
        if block.language == "python":
            code = compile("\n" * line + block.text, str(page), "exec")
            if _runs_here(block.text):
                exec(code, names)  # noqa: S102  (the page is ours)
        elif block.language == "pycon":
            example = doctest.DocTestParser().get_doctest(block.text, names, page.name, str(page), line)
            _run(example)
            names.update(example.globs)  # it works on a copy


def _run(example: doctest.DocTest) -> None:
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    outcome = runner.run(example, out=said.append, clear_globs=False)
    assert outcome.attempted, f"a block without an example, line {example.lineno}"
    assert not outcome.failed, "".join(said)


def _runs_here(code: str) -> bool:
    needed = _NEEDS.match(code)
    return needed is None or importlib.util.find_spec(needed[1]) is not None


@pytest.mark.parametrize(
    "words",
    [pytest.param(words, id=f"{page.name}: {' '.join(words)}") for page in PAGES for words in commands(text_of(page))],
)
def test_each_command_line_is_understood(words: list[str], demo: kp.Portfolio) -> None:
    understand(words, data=demo.root)


@pytest.mark.parametrize("page", [*PAGES, REPOSITORY / "README.md"], ids=lambda page: page.name)
def test_its_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in links(text_of(page)):
        target, _, anchor = link.partition("#")
        file = (page.parent / target) if target else page
        if not file.is_file() or (anchor and anchor not in anchors(text_of(file))):
            broken.append(link)
    assert broken == []


def test_every_page_is_linked_from_the_first() -> None:
    linked = {(DOCS / link.partition("#")[0]).resolve() for link in links(text_of(DOCS / "index.md"))}
    assert [str(page.relative_to(DOCS)) for page in PAGES if page not in linked and page.name != "index.md"] == []


def test_the_pages_of_the_schema_are_current(demo: kp.Portfolio) -> None:
    generator = tool("schema_pages")
    if UPDATE:
        generator.write_all(DOCS, demo)
    wanted = {DOCS / page.path: generator.render(page, demo) for page in generator.pages()}
    assert {page for page in PAGES if page.parent.name in {"datasets", "frames"}} <= wanted.keys()
    stale = [page.name for page, text in wanted.items() if not page.is_file() or text_of(page) != text]
    assert stale == [], "UPDATE_DOCS=1 pytest tests/test_docs.py writes them"


def test_the_picture_is_current(demo: kp.Portfolio) -> None:
    painter = tool("overview_picture")
    if UPDATE:
        painter.write_all(DOCS / "images", demo)
    for theme in painter.INKS:
        # The words, and not the lines: those are drawn a little differently by each version of the drawing library.
        shown, wanted = text_of(DOCS / "images" / f"overview-{theme}.svg"), painter.draw(demo, theme)
        assert _WORDS.findall(shown) == _WORDS.findall(wanted) != [], "UPDATE_DOCS=1 pytest tests/test_docs.py draws it"
    assert f'alt="{escape(painter.description(demo))}"' in text_of(REPOSITORY / "README.md")


def test_every_page_of_the_schema_has_an_example(demo: kp.Portfolio) -> None:
    pages = tool("schema_pages").pages()
    assert [page.path for page in pages if not tool("schema_pages")._example(page, demo)] == []
    assert [page.table.name for page in pages if not page.call] == ["disposals"]  # which is no frame of a user's


def test_the_reference_names_all_that_is_public() -> None:
    text = text_of(DOCS / "api.md")
    current = _NAMES.sub(lambda found: f"{found[1]}{_table_of_names()}{found[2]}", text)
    if UPDATE:
        (DOCS / "api.md").write_text(current, encoding="utf-8")
    assert text_of(DOCS / "api.md") == current, "UPDATE_DOCS=1 pytest tests/test_docs.py writes it"
    documented = set(re.findall(r"^\.\. auto(?:function|class|exception):: (\w+)", text, re.MULTILINE))
    modules = {"errors", "schema", "__version__"}
    assert set(kp.__all__) - modules - documented == set()
    assert {name for name, _ in _errors()} - documented == set()


def _table_of_names() -> str:
    lines = [f"| `kp.{name}` | {_sentence(getattr(kp, name))} |" for name in kp.__all__ if name != "__version__"]
    return "\n".join(["", "| name | what it is |", "|---|---|", *lines, "", ""])


def _sentence(value: object) -> str:
    """Give the first line of a docstring as Markdown."""
    line = (inspect.getdoc(value) or "").partition("\n")[0]
    return _ROLE.sub(r"`\1`", line).replace("``", "`")


def _errors() -> list[tuple[str, type[Exception]]]:
    return inspect.getmembers(kp.errors, lambda value: inspect.isclass(value) and issubclass(value, Exception))


def test_every_error_has_a_row_with_cause_and_remedy() -> None:
    rows = re.findall(
        r"^\| `(\w+(?:Error|Warning))` \| (.+?) \| (.+) \|$",
        text_of(DOCS / "how-to" / "troubleshooting.md"),
        re.MULTILINE,
    )
    assert {name for name, *_ in rows} == {name for name, _ in _errors()} - {"KalshiPortfolioError"}
    assert all(cause and remedy for _, cause, remedy in rows)


def test_every_exit_status_has_a_row() -> None:
    rows = re.findall(r"^\| (\d+) \|", text_of(DOCS / "how-to" / "schedule.md"), re.MULTILINE)
    assert list(map(int, rows)) == [0, run.FAILED, run.USAGE, run.INTERRUPTED]


def test_the_settings_table_is_complete() -> None:
    page = text_of(DOCS / "how-to" / "keys-and-settings.md")
    rows = dict(re.findall(r"^\| `(KALSHI_\w+)` \| `(\w+)` \|", page, re.MULTILINE))
    source = text_of(REPOSITORY / "kalshi_portfolio" / "settings" / "__init__.py")
    assert sorted(rows) == sorted(re.findall(r"^``(KALSHI_\w+)``", source, re.MULTILINE)) != []
    assert set(rows.values()) == set(inspect.signature(kp.load_settings).parameters)


def test_columns_named_in_the_pages_exist() -> None:
    datasets = "|".join(kp.schema.DATASETS)
    named = [found for page in PAGES for found in re.findall(rf"`({datasets})\.(\w+)`", text_of(page))]
    assert [found for found in named if found[1] not in kp.schema.DATASETS[found[0]].schema] == []


def test_every_check_of_the_reconciliation_is_explained(demo: kp.Portfolio) -> None:
    page = text_of(DOCS / "numbers.md")
    assert [check for check in demo.reconcile()["check"].unique() if f"`{check}`" not in page] == []
