"""The power goes: what was not flushed may be gone. What one commit finished, no loss takes back."""

from __future__ import annotations

import base64
import json
import random
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from crash import world
from crash.conftest import linux_only
from crash.power import Disk
from kalshi_portfolio.errors import RootNotFoundError
from kalshi_portfolio.schema import DATASETS, SYNC_LOG
from kalshi_portfolio.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from crash.processes import Server

pytestmark = [linux_only, pytest.mark.timeout(3600), pytest.mark.filterwarnings("ignore:.* not synced yet")]

NOTHING: dict[str, frozenset[str]] = {}
_EVERY = 12
_SYNC_EVERY = 70


def seen(root: Path) -> dict[str, frozenset[str]]:
    """Give what is in a folder; nothing where there is no data folder."""
    try:
        return world.rows(root)
    except RootNotFoundError:
        assert not list(root.rglob("data.parquet"))
        return NOTHING


def the_log_claims_no_row_that_is_not_there(root: Path) -> None:
    """Fail where a window is logged before its rows are stored: a death in between would lose them for good."""
    store = Store.open(root)
    claims = (
        store.read(SYNC_LOG).select("dataset", "partitions").explode("partitions").drop_nulls().unnest("partitions")
    )
    for dataset, day, found in claims.iter_rows():
        assert found <= store.rows_per_partition(DATASETS[dataset]).get(day, 0), f"{dataset} of {day}"


def happenings(record: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in record.read_text().splitlines()]


def starts_a_commit(event: dict[str, Any]) -> bool:
    return bool(event["what"] == "mkdir" and event["paths"][0].startswith(".tmp/"))


def test_after_a_loss_of_power_the_folder_is_as_after_one_of_its_commits_and_none_is_taken_back(
    tmp_path: Path, folder: Path, server: Server, rounds: int | None
) -> None:
    root = tmp_path / "data"
    root.mkdir()
    for day in (0, 2):
        child = server.run("sync", root, day=day, record=str(tmp_path / "record"))
        assert child.status == 0, child.said
    events = happenings(tmp_path / "record")
    chance = random.Random(8)  # noqa: S311
    disk, views, scratch = Disk(), [NOTHING], tmp_path / "scratch"
    tried = 0
    for number, event in enumerate(events):
        if number % (1 if rounds else _EVERY) == 0 or starts_a_commit(event) or event["what"] == "rename":
            for kept in (0.0, 1.0, chance.random()):
                disk.after_power_loss(scratch, chance, kept)
                left = seen(scratch)
                allowed = views[-1:] if starts_a_commit(event) else views[-2:]
                assert left in allowed, f"before {event['what']} {event['paths']}, {kept=}"
                tried += 1
                if tried % (_SYNC_EVERY // (5 if rounds else 1)) == 0:
                    world.sync_day(scratch, 2, wait=0)
                    world.nothing_is_left_over(scratch)
                    world.look_over(scratch)
                    assert world.rows(scratch)["fills"] == world.rows(world.calm(folder, 0, 2))["fills"]
                shutil.rmtree(scratch)
        disk.happen(event["what"], *event["paths"], content=base64.b64decode(event["content"]))
        if event["what"] == "rename":
            disk.as_it_is(scratch)
            view = seen(scratch)
            if view:
                the_log_claims_no_row_that_is_not_there(scratch)
            shutil.rmtree(scratch)
            if view != views[-1]:
                views.append(view)
    assert len(views) > 10
    assert views[-1] == world.rows(root)
