"""What the exchange or a stranger's data folder says never leads out of the folder, and raises our errors alone."""

from __future__ import annotations

import json
import os
import re
import shutil
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sync_world import Unruly, connect, read, sync

import kalshi_portfolio as kp
from kalshi_portfolio.errors import DamagedFileError, KalshiPortfolioError, StoreError
from kalshi_portfolio.schema import FILLS
from kalshi_portfolio.simulation import SimulatedExchange

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = (
    "../../../evil",
    "/etc/evil",
    "..\\..\\evil",
    "a/../../../evil",
    "fills/date=2026-01-01/data.parquet",
    "C:evil",
)
OURS = re.compile(
    r"(kalshi-portfolio|facts)\.json|quarantine/[a-z_]+\.json|\.locks/\w+(\.json)?"
    r"|(fills|settlements|positions|transfers|balances|sync_log)/date=\d{4}-\d\d-\d\d/data\.parquet|markets/data\.parquet"
)


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a data folder, to be copied."""
    root = tmp_path_factory.mktemp("synced") / "data"
    kp.sync(root, connection=kp.demo_connection(SimulatedExchange.tiny()), progress=False)
    return root


@pytest.fixture
def root(synced: Path, tmp_path: Path) -> Path:
    return shutil.copytree(synced, tmp_path / "data")


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file() or path.is_symlink()}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_that_the_exchange_gives_becomes_a_path(name: str, tmp_path: Path) -> None:
    def rename(_: str, body: dict[str, Any]) -> None:
        for rows in body.values():
            for row in rows if isinstance(rows, list) else []:
                for key in row.keys() & {"ticker", "market_ticker", "event_ticker", "series_ticker", "title", "status"}:
                    row[key] = name
                for key in row.keys() & {"fill_id", "trade_id", "order_id", "id", "transfer_id"}:
                    row[key] = f"{name}{row[key]}"
                if "count_fp" in row and rows.index(row) == 0:
                    row["count_fp"] = name

    exchange = SimulatedExchange.tiny()
    root = tmp_path / "home" / "deep" / "data"
    sync(root, connect(exchange, Unruly(exchange, edit=rename)))
    assert read(root, FILLS)["ticker"].unique().to_list() == [name]
    assert "quarantine/fills.json" in files(root)
    assert [path for path in files(root) if not OURS.fullmatch(path)] == []
    assert {path.split("/")[:3][-1] for path in files(tmp_path)} == {"data"}


@pytest.mark.parametrize("name", ["", "..", "../x", "a/b", "A", "fills.json", "x" * 41, "\u0661", "fills\n"])
def test_only_a_datasets_name_names_a_file_in_quarantine(root: Path, name: str) -> None:
    with pytest.raises(KalshiPortfolioError):
        kp.Store.open(root).quarantined(name)


@pytest.mark.skipif(os.name != "posix", reason="links of this kind need a right of their own on Windows")
@pytest.mark.parametrize("name", [".tmp", ".locks", ".damaged", "quarantine"])
def test_a_folder_that_leads_elsewhere_is_refused_and_nothing_there_is_touched(
    root: Path, tmp_path: Path, name: str
) -> None:
    """A data folder that came from somebody else must not clear away what its links point to."""
    victim = tmp_path / "victim"
    (victim / "precious").mkdir(parents=True)
    (victim / "precious" / "thesis.txt").write_text("years")
    (victim / "fills.json").write_text("[]")
    shutil.rmtree(root / name, ignore_errors=True)
    (root / name).symlink_to(victim)
    with pytest.raises(StoreError, match="is a link to") as caught:
        kp.sync(root, connection=kp.demo_connection(SimulatedExchange.tiny()), progress=False)
    assert caught.value.path == root / name
    kp.Portfolio(root).summary()
    assert files(victim) >= {"precious/thesis.txt", "fills.json"}
    assert (victim / "fills.json").read_text() == "[]"


@pytest.mark.skipif(os.name != "posix", reason="links of this kind need a right of their own on Windows")
def test_a_data_file_that_is_a_link_is_replaced_and_not_written_through(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes((root / "markets" / "data.parquet").read_bytes())
    before = (tmp_path / "elsewhere").read_bytes()
    (root / "markets" / "data.parquet").unlink()
    (root / "markets" / "data.parquet").symlink_to(tmp_path / "elsewhere")
    exchange = SimulatedExchange.tiny()
    sync(root, kp.demo_connection(exchange))
    exchange.quote("KXFED-26DEC-T3.75", bid="0.21", ask="0.22")
    sync(root, kp.demo_connection(exchange))
    assert not (root / "markets" / "data.parquet").is_symlink()
    assert (tmp_path / "elsewhere").read_bytes() == before


@pytest.mark.parametrize(
    "day", ["2026-02-30", "2026-13-45", "0000-00-00", "9999-99-99", "\uff12026-01-01", "2026-01-01x"]
)
def test_a_folder_that_is_no_day_is_none_of_ours(root: Path, day: str) -> None:
    before = kp.Portfolio(root).fills().height
    (root / "fills" / f"date={day}").mkdir()
    (root / "fills" / f"date={day}" / "data.parquet").write_bytes(b"x")
    assert kp.Portfolio(root).fills().height == before


WRONG = {
    "no columns": pl.DataFrame(),
    "other columns": pl.DataFrame({"a": [1]}),
    "floats": pl.DataFrame({"price_cents": [0.1]}),
    "all text": pl.DataFrame({name: ["x"] for name in FILLS.schema}),
    "nulls in the key": pl.DataFrame({name: [None] for name in FILLS.schema}, schema=FILLS.schema),
    "nested": pl.DataFrame({name: [[{"a": [1]}]] for name in FILLS.schema}),
}


@pytest.mark.parametrize("frame", WRONG.values(), ids=WRONG)
def test_a_parquet_file_of_somebody_elses_making_is_named_as_damaged(root: Path, frame: pl.DataFrame) -> None:
    path = next(iter(sorted((root / "fills").glob("*/data.parquet"))))
    frame.write_parquet(path)
    with pytest.raises(DamagedFileError) as caught:
        kp.Portfolio(root).trades()
    assert caught.value.path == path


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=8,
)
KNOWN = st.sampled_from(
    ["host", "environment", "key_fingerprints", "created", "version", "moves", "deletes", "cutoffs", "read_limit", "at",
     "refill_rate", "bucket_capacity", "fills", "dataset", "raw", "reason", "ticker", "tier", "subaccount", "seen_at",
     "pid", "command", "since", "0.part"]
)  # fmt: skip
records = st.dictionaries(KNOWN, json_values | st.dictionaries(KNOWN, json_values), max_size=8)


@pytest.mark.parametrize(
    "name", ["kalshi-portfolio.json", "facts.json", "quarantine/fills.json", ".tmp/1-a/intent.json", ".locks/sync.json"]
)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=records | json_values | st.lists(records, max_size=3) | st.binary(max_size=30))
def test_whatever_stands_in_a_small_file_only_our_errors_come(root: Path, name: str, content: Any) -> None:
    path = root / name
    before = path.read_bytes() if path.exists() else None
    outside = files(root.parent) - {f"data/{n}" for n in files(root)}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    link = kp.demo_connection(SimulatedExchange.tiny())
    for act in (lambda: repr(kp.Portfolio(root)), lambda: kp.doctor(root, connection=link), lambda: sync(root, link)):
        try:
            act()
        except KalshiPortfolioError as error:
            assert str(error)  # noqa: PT017  (either is right; nothing else is)
    assert files(root.parent) - {f"data/{n}" for n in files(root)} == outside
    path.unlink(missing_ok=True)
    if before is not None:
        path.write_bytes(before)
    shutil.rmtree(root / ".tmp", ignore_errors=True)
