"""Whatever comes along with the package may be used in one under the MIT licence."""

from __future__ import annotations

import importlib.util
import re
from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pages import REPOSITORY

if TYPE_CHECKING:
    from types import ModuleType

FREE = re.compile(
    r"MIT(-0|-CMU)?|0?BSD.*|APACHE.*|ISC.*|PSF-2\.0|PYTHON SOFTWARE FOUNDATION|UNLICENSE|ZLIB|CC0-1\.0|MPL-2\.0"
    r"|MOZILLA PUBLIC LICENSE 2\.0.*",
    re.IGNORECASE,
)
"""Licences that ask for their notice to be kept, and no more of those who use the work; MPL only of its own files."""


def needed(name: str) -> set[str]:
    """Give what a package needs to run, all the way down."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        distribution = metadata.distribution(waiting.pop())
        for line in distribution.requires or []:
            requirement = Requirement(line)
            key = canonicalize_name(requirement.name)
            if (requirement.marker is None or requirement.marker.evaluate({"extra": ""})) and key not in found:
                found.add(key)
                waiting.append(key)
    return found


def licences(name: str) -> set[str]:
    """Give the licences of which one may be chosen."""
    about = metadata.metadata(name).json
    classified = [c.rpartition(" :: ")[2] for c in about.get("classifier", []) if c.startswith("License :: OSI")]
    said = about.get("license_expression") or " OR ".join(classified) or str(about.get("license", ""))
    return {part.strip("() ").removesuffix(" License") for part in str(said).partition("\n")[0].split(" OR ")}


NEEDED = sorted(needed("kalshi-portfolio"))


@pytest.mark.parametrize("name", NEEDED)
def test_a_dependency_may_be_used_by_a_package_under_mit(name: str) -> None:
    found = licences(name)
    assert any(all(map(FREE.fullmatch, one.split(" AND "))) for one in found), found


def test_the_dependencies_are_found() -> None:
    assert {"polars", "pyarrow", "httpx", "anyio", "cryptography"} <= set(NEEDED)


# The audit for known vulnerabilities, as CI runs it


NOT_FOUND = {"name": "b", "skip_reason": "not found"}
CLEAN = {"name": "a", "version": "1", "vulns": []}


@pytest.mark.parametrize(
    ("answer", "said", "words", "status"),
    [
        (None, "Traceback\nProxyError: nobody there", "SKIPPED: pip-audit came to no end (ProxyError: nobody", 0),
        ({"dependencies": []}, "", "SKIPPED: no advisories", 0),
        ({"dependencies": [NOT_FOUND]}, "No known vulnerabilities found", "SKIPPED", 0),
        ({"dependencies": [CLEAN, NOT_FOUND]}, "", "1 of 2", 0),
        ({"dependencies": [CLEAN | {"vulns": [{"id": "V-1", "fix_versions": []}]}]}, "", "V-1, mended in none", 1),
    ],
)  # fmt: skip
def test_an_audit_that_asked_nobody_does_not_pass_for_a_clean_one(
    answer: dict[str, Any] | None, said: str, words: str, status: int
) -> None:
    text, code = audit().judged(answer, said)
    assert words in text
    assert code == status
    assert "Nothing is known" not in text or "of 2" in text


def audit() -> ModuleType:
    """Load the tool, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("audit", REPOSITORY / "tools" / "audit.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
