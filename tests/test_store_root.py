from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from store_rows import at

from kalshi_portfolio.errors import (
    ArgumentError,
    DamagedFileError,
    RootMismatchError,
    RootNotFoundError,
    SchemaVersionError,
    StoreError,
)
from kalshi_portfolio.parse import SetAside
from kalshi_portfolio.store import Identity, Store, find_root

if TYPE_CHECKING:
    from pathlib import Path

PROD = Identity("api.example.com", "prod", "f1")


def test_the_root_is_the_argument_then_what_is_configured_then_the_nearest_marked_data(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    assert find_root("x", "y", cwd=deep) == deep / "x"
    assert find_root(None, tmp_path / "y", cwd=deep) == tmp_path / "y"
    assert find_root(cwd=deep) == deep / "data"
    (deep / "data").mkdir()  # not marked: passed over
    Store.open_for_sync(tmp_path / "data", PROD)
    assert find_root(cwd=deep) == tmp_path / "data"
    Store.open_for_sync(tmp_path / "a" / "data", PROD)
    assert find_root(cwd=deep) == tmp_path / "a" / "data"


def test_reading_a_root_that_is_not_there_names_the_path_and_makes_nothing(tmp_path: Path) -> None:
    with pytest.raises(RootNotFoundError, match=r"no such folder.*sync") as caught:
        Store.open(tmp_path / "gone")
    assert caught.value.path == tmp_path / "gone"
    assert not (tmp_path / "gone").exists()
    with pytest.raises(RootNotFoundError, match="holds no synced account"):
        Store.open(tmp_path)


def test_a_readme_does_not_stand_in_the_way_but_other_things_do(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("data")
    (tmp_path / ".gitignore").write_text("*")
    assert Store.open_for_sync(tmp_path, PROD).created
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.docx").touch()
    with pytest.raises(StoreError, match=r"thesis\.docx"):
        Store.open_for_sync(other, PROD)
    assert [entry.name for entry in other.iterdir()] == ["thesis.docx"]


def test_another_environment_or_host_is_refused_and_nothing_changes(tmp_path: Path) -> None:
    Store.open_for_sync(tmp_path, PROD)
    before = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")}
    for other in (Identity("api.example.com", "demo"), Identity("other.example.com", "prod")):
        with pytest.raises(RootMismatchError, match=rf"prod \(api\.example\.com\).*{other.environment} \({other.host}"):
            Store.open_for_sync(tmp_path, other)
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*")} == before


def test_a_new_key_is_told_and_accepted_only_when_asked(tmp_path: Path) -> None:
    assert not Store.open_for_sync(tmp_path, PROD).new_key
    rotated = Identity(PROD.host, PROD.environment, "f2")
    assert Store.open_for_sync(tmp_path, rotated).new_key  # being told so is not accepting it
    store = Store.open_for_sync(tmp_path, rotated)
    assert store.new_key
    store.accept_key("f2")
    assert Store.open_for_sync(tmp_path, rotated).mark.key_fingerprints == ("f1", "f2")
    assert not Store.open_for_sync(tmp_path, PROD).new_key


def test_a_newer_root_is_refused_and_a_damaged_marker_named(tmp_path: Path) -> None:
    Store.open_for_sync(tmp_path, PROD)
    marker = tmp_path / "kalshi-portfolio.json"
    content = json.loads(marker.read_text())
    marker.write_text(json.dumps(content | {"version": 99}))
    with pytest.raises(SchemaVersionError, match=r"99.*Upgrade it: pull its newest source, and run pip install \."):
        Store.open(tmp_path)
    marker.write_text("{")
    with pytest.raises(DamagedFileError, match=r"kalshi-portfolio\.json"):
        Store.open_for_sync(tmp_path, PROD)
    assert marker.read_text() == "{"


def test_facts_are_kept_replaced_and_removed(tmp_path: Path) -> None:
    store = Store.open_for_sync(tmp_path, PROD)
    assert store.get_fact("limits") is None
    store.put_fact("limits", {"read": 200})
    store.put_fact("other", [1])
    store.put_fact("limits", {"read": 100})
    assert Store.open(tmp_path).get_fact("limits") == {"read": 100}
    store.put_fact("limits", None)
    assert (store.get_fact("limits"), store.get_fact("other")) == (None, [1])
    (tmp_path / "facts.json").write_text("[")
    assert store.get_fact("other") is None


def aside(raw: str, seconds: float = 0) -> SetAside:
    return SetAside("fills", raw, "no price", "KX", "live", None, at(seconds=seconds))


def test_a_row_is_set_aside_once_keeps_its_first_sight_and_can_be_released(tmp_path: Path) -> None:
    store = Store.open_for_sync(tmp_path, PROD)
    assert store.quarantined("fills") == []
    assert store.quarantine("fills", [aside('{"a": 1}', 5), aside('{"a": 1}'), aside('{"b": "é\\ud800"}', 9)]) == 2
    assert store.quarantine("fills", [aside('{"a": 1}', 60)]) == 0
    assert store.quarantined("fills") == [aside('{"a": 1}'), aside('{"b": "é\\ud800"}', 9)]
    assert store.release("fills", [aside('{"a": 1}').digest, "unknown"]) == 1
    assert [row.raw for row in store.quarantined("fills")] == ['{"b": "é\\ud800"}']


def test_a_damaged_quarantine_is_named_and_a_path_is_no_dataset(tmp_path: Path) -> None:
    store = Store.open_for_sync(tmp_path, PROD)
    store.quarantine("fills", [aside("{}")])
    (tmp_path / "quarantine/fills.json").write_text('[{"raw": 1}]')
    with pytest.raises(DamagedFileError, match=r"fills\.json"):
        store.quarantined("fills")
    with pytest.raises(ArgumentError):
        store.quarantine("../fills", [aside("{}")])
