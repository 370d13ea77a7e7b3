"""Every notebook runs from top to bottom in a real kernel, says nothing on stderr, and is committed bare."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
_ABSOLUTE_PATH = re.compile(r"""["'(\s](?:/(?:home|Users|root|tmp|work|mnt|opt|var)/|[A-Za-z]:\\)""")

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def read(path: Path) -> Any:
    """Give a notebook; nbformat has no types."""
    return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def cells(path: Path) -> list[Any]:
    """Give the code cells of a notebook."""
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def test_there_is_a_notebook() -> None:
    assert [path.name for path in NOTEBOOKS][:1] == ["01_quickstart.ipynb"]


@each_notebook
def test_it_runs_on_the_demo_account(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TQDM_DISABLE", "1")  # a progress bar is written to stderr
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    notebook = read(path)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    said = [output.text for output in outputs if output.output_type == "stream" and output.name == "stderr"]
    assert said == []
    ends_in_value = [cell for cell in notebook.cells if cell.cell_type == "code" and _ends_in_expression(cell.source)]
    shown = [c for c in ends_in_value if any(output.output_type == "execute_result" for output in c.outputs)]
    assert len(shown) == len(ends_in_value) > 0


@each_notebook
def test_it_is_committed_without_outputs(path: Path) -> None:
    assert [cell.outputs for cell in cells(path) if cell.outputs or cell.execution_count] == []


@each_notebook
def test_it_defines_no_functions_and_names_no_path_of_a_machine(path: Path) -> None:
    for cell in cells(path):
        defined = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, defined)]
    assert not _ABSOLUTE_PATH.search(path.read_text(encoding="utf-8"))


def _ends_in_expression(source: str) -> bool:
    return isinstance(ast.parse(source).body[-1], ast.Expr)
