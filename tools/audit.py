"""Ask for known vulnerabilities of pinned dependencies: ``python tools/audit.py constraints.txt``.

It runs pip-audit, which must be installed, and tells three things apart that pip-audit does not: nothing is known,
something is, and nobody could be asked. With no way to the advisories, or a mirror that has none, pip-audit says "No
known vulnerabilities found" over a list of packages that it skipped.

Exit status: 0 nothing is known, or nobody could be asked (which is said); 1 something is known, or pip-audit is absent.
"""  # noqa: INP001  (a tool, and no package)

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_TIMEOUT_SECONDS = 15


def main(requirements: str) -> int:
    """Audit a file of pinned requirements.

    Args:
        requirements: The file.

    Returns:
        The exit status.
    """
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / "audit.json"
        command = [sys.executable, "-m", "pip_audit", "--no-deps", "--disable-pip", "--progress-spinner", "off"]
        command += ["--timeout", str(_TIMEOUT_SECONDS), "--format", "json", "--output", str(found), "-r", requirements]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  (our own words)
        if "No module named pip_audit" in done.stderr:
            print("pip-audit is not installed: pip install pip-audit", file=sys.stderr)  # noqa: T201
            return 1
        answer = json.loads(found.read_bytes()) if found.exists() else None
    text, status = judged(answer, done.stderr)
    print(text)  # noqa: T201  (it is a command)
    return status


def judged(answer: dict[str, Any] | None, said: str) -> tuple[str, int]:
    """Say what an audit came to.

    Args:
        answer: What pip-audit wrote; None if it came to no end.
        said: What it said on its way, for the reason.

    Returns:
        What to print, and the exit status.

    Examples:
        >>> judged({"dependencies": [{"name": "a", "version": "1", "vulns": []}]}, "")
        ('Nothing is known of 1 of 1 packages.', 0)
        >>> judged({"dependencies": [{"name": "a", "skip_reason": "not found"}]}, "")
        ('SKIPPED: no advisories could be read for any of 1 packages (a: not found).', 0)
        >>> bad = {"name": "a", "version": "1", "vulns": [{"id": "X-1", "fix_versions": ["2"]}]}
        >>> judged({"dependencies": [bad]}, "")
        ('a 1: X-1, mended in 2', 1)
    """
    if answer is None:
        reason = said.strip().rpartition("\n")[2][:200] or "it said nothing"
        return f"SKIPPED: pip-audit came to no end ({reason}).", 0
    packages = answer["dependencies"]
    known = [
        f"{package['name']} {package['version']}: {one['id']}, mended in {', '.join(one['fix_versions']) or 'none yet'}"
        for package in packages
        for one in package.get("vulns", ())
    ]
    if known:
        return "\n".join(known), 1
    skipped = [package for package in packages if "skip_reason" in package]
    if len(skipped) == len(packages):
        first = f"{skipped[0]['name']}: {skipped[0]['skip_reason']}" if skipped else "the list is empty"
        return f"SKIPPED: no advisories could be read for any of {len(packages)} packages ({first}).", 0
    return f"Nothing is known of {len(packages) - len(skipped)} of {len(packages)} packages.", 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
