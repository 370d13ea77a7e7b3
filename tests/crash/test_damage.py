"""Damage and drift: every file of a folder is broken in many ways; each is named, or changes nothing."""

from __future__ import annotations

import json
import random
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import polars as pl
import pytest

import kalshi_portfolio as kp
from crash import world
from crash.conftest import linux_only
from kalshi_portfolio.errors import SchemaVersionError, StoreError
from kalshi_portfolio.schema import DATASETS, FILLS
from kalshi_portfolio.store import Store, commit, files, read
from kalshi_portfolio.store import root as root_module
from kalshi_portfolio.store import store as store_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [linux_only, pytest.mark.timeout(3600)]

_PLACES = 20


@pytest.fixture
def root(tmp_path: Path, folder: Path) -> Path:
    shutil.copytree(world.calm(folder, 0, 2), tmp_path / "data")
    return tmp_path / "data"


def data_files(root: Path) -> list[Path]:
    """List the files of the datasets and of their quarantine."""
    found = sorted([*root.glob("*/**/*.parquet"), *root.glob("quarantine/*.json")])
    assert len(found) > 25
    return found


def broken(whole: bytes, chance: random.Random) -> Iterator[tuple[str, bytes]]:
    """Break a file's content: a flipped bit at its ends, its footer and anywhere; cut off; emptied; made longer."""
    size = len(whole)
    for place in {0, 3, 4, size - 1, size - 5, size - 8, size - 9, *(chance.randrange(size) for _ in range(_PLACES))}:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << chance.randrange(8)
        yield f"a bit at {place}", bytes(flipped)
    for length in {0, 1, 4, size // 2, size - 1, size - 8, chance.randrange(size)}:
        yield f"cut to {length}", whole[:length]
    yield "zeros", bytes(size)
    yield "half of it zeros", whole[: size // 2] + bytes(size - size // 2)
    yield "longer", whole + bytes(16)


def test_every_damage_of_every_file_is_named_or_changes_nothing(root: Path) -> None:
    store, expected = Store.open(root), world.rows(root)
    chance, tried, spared = random.Random(4), 0, 0  # noqa: S311
    for path in data_files(root):
        whole = path.read_bytes()
        table = DATASETS[path.stem if path.suffix == ".json" else path.relative_to(root).parts[0]]
        for what, content in broken(whole, chance):
            path.write_bytes(content)
            tried += 1
            named = [error.path for error in store.verify([table])]
            assert named in ([path], []), f"{path}: {what}"
            if not named:  # a bit of the seal that nothing hangs on, or a space in JSON
                spared += 1
                assert world.rows(root) == expected, f"{path}: {what}"
            assert path.read_bytes() == content, "a damaged file was touched"
        path.write_bytes(whole)
    assert store.verify(DATASETS.values()) == []
    assert spared < tried / 50, f"{spared} of {tried}"


def test_a_damaged_file_stops_a_sync_of_its_days_with_its_name_and_a_repair_brings_its_rows_back(root: Path) -> None:
    expected, link = world.rows(root), world.link(2)
    for name in ("fills", "settlements", "transfers", "markets"):
        path = max((root / name).rglob("*.parquet"))
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(StoreError) as caught:
            world.sync_day(root, 2)
        assert caught.value.path == path
        assert "doctor --repair" in str(caught.value) or "Restore it" in str(caught.value)
        assert kp.doctor(root, repair=True, connection=link).ok
        assert world.rows(root) == expected


def swap(one: Path, other: Path) -> list[Path]:
    first = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(first)
    return [one, other]


def copy(one: Path, other: Path) -> list[Path]:
    shutil.copy(one, other)
    return [other]


def rename(one: Path, other: Path) -> list[Path]:
    later = one.parent.with_name("date=2026-12-24")
    one.parent.rename(later)
    return [later / one.name]


@pytest.mark.parametrize("name", ["fills", "settlements", "positions", "balances", "transfers", "sync_log"])
@pytest.mark.parametrize("mistake", [swap, copy, rename])
def test_a_file_under_a_wrong_date_is_named_though_it_is_whole(
    root: Path, name: str, mistake: Callable[[Path, Path], list[Path]]
) -> None:
    found = sorted((root / name).rglob("*.parquet"))
    wrong = mistake(found[0], found[-1])
    errors = Store.open(root).verify([DATASETS[name]])
    assert [error.path for error in errors] == wrong
    assert all("it holds the rows of 20" in str(error) for error in errors)


def test_a_repair_brings_back_the_days_of_files_that_were_swapped(root: Path) -> None:
    expected = world.rows(root)
    found = sorted((root / "fills").rglob("*.parquet"))
    swap(found[-1], found[-2])
    assert kp.doctor(root, repair=True, connection=world.link(2)).ok
    assert world.rows(root) == expected


def test_a_deleted_file_is_fetched_again_by_the_next_sync(root: Path) -> None:
    expected = world.rows(root)
    for name in ("fills", "settlements", "transfers", "markets"):
        min((root / name).rglob("*.parquet")).unlink()
        world.sync_day(root, 2)
        assert world.rows(root) == expected


def test_a_broken_marker_is_named_and_no_sync_goes_by_it(root: Path) -> None:
    path, expected = root / "kalshi-portfolio.json", world.rows(root)
    whole, chance, accepted = path.read_bytes(), random.Random(5), list[str]()  # noqa: S311
    for what, content in broken(whole, chance):
        path.write_bytes(content)
        with suppress(StoreError):
            world.sync_day(root, 2)
            accepted.append(what)
        path.write_bytes(whole)
        assert world.rows(root) == expected, what
    assert len(accepted) < 12  # a letter of when it was made, and the like


def test_a_newer_file_stops_a_sync_and_nothing_is_changed(root: Path) -> None:
    path = max((root / "fills").rglob("*.parquet"))
    day = read.frame_of(FILLS, read.contents([path]))
    path.write_bytes(files.encode(FILLS, day, version=99))
    before = {p: p.read_bytes() for p in data_files(root)}
    with pytest.raises(SchemaVersionError, match=r"version 99.*Upgrade it"):
        world.sync_day(root, 2)
    with pytest.raises(SchemaVersionError, match="version 99"):
        kp.Portfolio(root).fills()
    with pytest.raises(SchemaVersionError, match="version 99"):
        kp.Portfolio(root).fills(lazy=True).collect()
    assert {p: p.read_bytes() for p in data_files(root)} == before


def test_a_migration_that_dies_at_any_point_is_completed_by_the_next_sync(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The present version is taken for an old one; the new one marks each order, and no order twice."""

    class Death(BaseException):
        pass

    for module in (files, read, root_module, store_module):
        monkeypatch.setattr(module, "VERSION", 2)
    monkeypatch.setattr(files.encode, "__kwdefaults__", {"version": 2})
    monkeypatch.setitem(read.MIGRATIONS, ("fills", 1), _marked)
    died, marked = 0, Store.open(root).read(FILLS)["order_id"].to_list()
    assert all(order.startswith("2:") and not order.startswith("2:2:") for order in marked)
    for number in range(1, 500, 7):
        again = tmp_path / str(number)
        shutil.copytree(root, again)
        left = number

        def die(_: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                raise Death

        with monkeypatch.context() as patch:
            patch.setattr(commit, "_at", die)
            try:
                with Store.open(again).sync_lock():
                    pass
            except Death:
                died += 1
        world.look_over(again)
        with Store.open(again).sync_lock():
            pass
        assert Store.open(again).mark.version == 2
        assert json.loads((again / "kalshi-portfolio.json").read_text())["version"] == 2
        assert all(b'"version":2' in path.read_bytes() for path in again.glob("*/**/*.parquet"))
        assert Store.open(again).read(FILLS)["order_id"].to_list() == marked
        world.nothing_is_left_over(again)
        shutil.rmtree(again)
        if left > 0:
            break
    assert left > 0
    assert died > 8


def _marked(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(order_id=pl.concat_str(pl.lit("2:"), "order_id"))
