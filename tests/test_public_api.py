"""The public interface: complete, explained, quick to import, and free of what must not be in the repository."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
import tomllib
import types
from pathlib import Path

import pytest

import kalshi_portfolio as kp

REPOSITORY = Path(__file__).resolve().parents[1]

# Public names without an example of their own, each with the reason.
NO_EXAMPLE = {"errors": "a module: a tree of errors", "schema": "a module: tables"}
# What `import kalshi_portfolio` may not load: each is slow, and needed for some calls only.
NOT_AT_IMPORT = (
    "altair",
    "vl_convert",
    "kalshi_portfolio.charts",
    "kalshi_portfolio.report",
    "httpx",
    "stamina",
    "pyarrow",
    "pandas",
    "numpy",
    "pydantic",
    "pydantic_settings",
    "dotenv",
    "tqdm",
    "typer",
    "rich",
    "IPython",
    "kalshi_portfolio.cli",
    "kalshi_portfolio.simulation",
)


def public_names() -> list[str]:
    return [name for name in kp.__all__ if name != "__version__"]


def files_of_the_repository() -> list[Path]:
    """Give the files that are, or are about to be, committed."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    try:
        listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, check=True).stdout.decode()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no git here, so nobody can say which files are the repository's")
    return [path for name in listed.split("\0") if name and (path := REPOSITORY / name).is_file()]


def test_all_is_complete() -> None:
    modules = {name for name, value in vars(kp).items() if isinstance(value, types.ModuleType)}
    found = {name for name in vars(kp) if not name.startswith("_")} - modules
    assert found | {"__version__", "errors", "schema"} == set(kp.__all__)


def test_all_is_sorted_and_names_nothing_twice() -> None:
    assert kp.__all__ == sorted(set(kp.__all__))


def test_the_version_is_the_packages() -> None:
    project = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    assert f'\nversion = "{kp.__version__}"\n' in project


@pytest.mark.parametrize("name", public_names())
def test_each_public_name_is_explained(name: str) -> None:
    text = inspect.getdoc(getattr(kp, name)) or ""
    assert len(text.splitlines()[0].split()) > 2
    assert (">>> " in text) is (name not in NO_EXAMPLE), "give it an example, or a reason in NO_EXAMPLE; not both"


@pytest.mark.parametrize("name", [name for name, _ in inspect.getmembers(kp.Portfolio) if not name.startswith("_")])
def test_each_method_of_a_portfolio_has_an_example(name: str) -> None:
    of_its_class = inspect.getattr_static(kp.Portfolio, name)
    if inspect.isfunction(of_its_class):
        assert ">>> " in (inspect.getdoc(of_its_class) or "")


@pytest.mark.parametrize("module", [kp.errors, kp.schema], ids=lambda module: module.__name__)
def test_what_the_public_modules_define_is_explained(module: types.ModuleType) -> None:
    made_here = [
        value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and getattr(value, "__module__", "").startswith(module.__name__)
        and inspect.isclass(value)
    ]
    assert made_here
    assert [value.__name__ for value in made_here if not value.__doc__] == []


def test_importing_loads_nothing_heavy() -> None:
    code = f"import sys, kalshi_portfolio; print(*(name for name in {NOT_AT_IMPORT!r} if name in sys.modules))"
    assert _python(code).split() == []


def test_importing_takes_little_more_than_polars_does(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # Measured beside each other, so that a busy machine slows both; .ci/run holds the whole to its 0.7 seconds. Both
    # compiled: where no bytecode may be written, ours alone, which is no installed wheel, would be compiled each time.
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(tmp_path))
    code = "import time; a = time.perf_counter(); import polars; b = time.perf_counter(); import kalshi_portfolio; "
    code += "print((time.perf_counter() - b) / (b - a))"
    _python(code)  # so that all is compiled
    assert min(float(_python(code)) for _ in range(7)) < 1.5


def test_contributing_shows_the_floors_as_the_contract_has_them() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(c for c in project["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    page = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \d+ \| ([^|]+) \|", page, re.MULTILINE)
    assert [re.findall(r"`(\w+)`", row) for row in rows] == [layer.split(" | ") for layer in contract["layers"]]


def test_nothing_in_the_package_knows_the_folders_it_was_built_in() -> None:
    package = REPOSITORY / "kalshi_portfolio"
    told = [path.name for path in package.rglob("*.py") if "shared/" in path.read_text(encoding="utf-8")]
    assert told == []


def test_no_file_names_a_package_registry_or_a_path_of_a_machine() -> None:
    # Written in two parts, so that this file does not name them either.
    words = ("pypi" + ".org", "python" + "hosted", "/" + "simple/", "index" + "-url", "/" + "work/", "/" + "root/")
    homes = r"|/(?:home|Users)/[a-z]+"
    forbidden = re.compile("|".join(map(re.escape, words)) + homes)
    files = files_of_the_repository()
    assert REPOSITORY / "pyproject.toml" in files
    found = {
        str(path.relative_to(REPOSITORY)): match[0]
        for path in files
        if (match := forbidden.search(path.read_bytes().decode("utf-8", "replace")))
    }
    assert found == {}


def _python(code: str) -> str:
    """Run code in a fresh interpreter and give what it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return done.stdout
