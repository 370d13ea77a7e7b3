from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st
from store_rows import frame

from kalshi_portfolio.schema import SYNC_LOG
from kalshi_portfolio.store import compact_log, covered, gaps, reopened, union

DAY0 = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 6 * 12
STEP = timedelta(hours=2)


def hour(n: int) -> datetime:
    return DAY0 + n * STEP


def cells(windows: Any) -> set[int]:
    """The oracle: time cut into cells of two hours."""
    return {n for n in range(-5, HOURS + 5) for a, b in windows if a <= hour(n) < b}


def entry(start: int, end: int, **values: Any) -> dict[str, Any]:
    return {
        "dataset": "fills",
        "tier": "live",
        "exchange_index": -1,
        "window_from": hour(start),
        "window_to": hour(end),
    } | values


def found(*days: tuple[int, int]) -> list[dict[str, Any]]:
    return [{"date": date(2026, 1, 1 + day), "rows": rows} for day, rows in days]


WINDOWS = st.lists(
    st.tuples(st.integers(0, HOURS), st.integers(0, HOURS)).map(lambda t: (hour(min(t)), hour(max(t)))), max_size=12
)


@given(WINDOWS)
def test_a_union_covers_the_same_cells_in_disjoint_order(windows: list[Any]) -> None:
    merged = union(windows)
    assert cells(merged) == cells(windows)
    assert all(a[1] < b[0] for a, b in pairwise(merged))


@given(WINDOWS, st.integers(0, HOURS), st.integers(0, HOURS))
def test_gaps_and_what_is_covered_make_up_the_whole_without_overlap(windows: list[Any], a: int, b: int) -> None:
    start, end = sorted((a, b))
    missing = gaps(windows, hour(start), hour(end))
    assert cells(missing) == set(range(start, end)) - cells(windows)


def test_a_window_over_all_shards_covers_each_and_one_over_a_shard_only_itself() -> None:
    log = frame(SYNC_LOG, entry(0, 2, exchange_index=-1), entry(2, 4, exchange_index=1), entry(4, 6, exchange_index=2))
    assert covered(log, "fills", subaccount=0, exchange_index=1) == [(hour(0), hour(4))]
    assert covered(log, "fills", subaccount=0) == [(hour(0), hour(2))]


def test_tiers_datasets_and_subaccounts_do_not_cover_for_one_another() -> None:
    log = frame(
        SYNC_LOG,
        entry(0, 2),
        entry(2, 4, tier="historical"),
        entry(4, 6, dataset="transfers"),
        entry(6, 8, subaccount=3),
    )
    assert covered(log, "fills", subaccount=0) == [(hour(0), hour(4))]
    assert covered(log, "fills", subaccount=0, tier="live") == [(hour(0), hour(2))]
    assert covered(log, "fills", subaccount=3) == [(hour(6), hour(8))]


def test_a_deleted_file_reopens_its_utc_day_and_no_more() -> None:
    log = frame(SYNC_LOG, entry(0, 36, partitions=found((0, 4), (1, 2), (2, 1)), rows=7))
    here = reopened(log, {"fills": {date(2026, 1, 1), date(2026, 1, 3)}})
    assert covered(here, "fills", subaccount=0) == [(hour(0), hour(12)), (hour(24), hour(36))]
    assert here["rows"].to_list() == [4, 1]


def test_a_day_that_had_no_rows_or_a_dataset_not_looked_for_stays_covered() -> None:
    log = frame(
        SYNC_LOG, entry(0, 12, partitions=found((0, 0))), entry(0, 12, dataset="transfers", partitions=found((0, 1)))
    )
    assert reopened(log, {"fills": set()}).equals(log)


def test_a_later_answer_without_rows_closes_the_reopened_day_before_and_after_compaction() -> None:
    log = frame(
        SYNC_LOG,
        entry(0, 24, partitions=found((0, 4)), finished_at=hour(30), run_id="a"),
        entry(0, 12, finished_at=hour(40), run_id="b"),
    )
    for rows in (log, compact_log(log)):
        assert covered(reopened(rows, {"fills": set()}), "fills", subaccount=0) == [(hour(0), hour(24))]


def test_compaction_keeps_of_snapshots_only_the_latest() -> None:
    log = frame(
        SYNC_LOG,
        *(entry(n, n, dataset="positions", tier="snapshot", finished_at=hour(n), run_id=str(n)) for n in range(5)),
    )
    assert compact_log(log)["run_id"].to_list() == ["4"]


LOGS = st.lists(
    st.builds(
        lambda span, parts, **rest: entry(
            *sorted(span), partitions=found(*((d, n) for d, n in parts.items())), rows=sum(parts.values()), **rest
        ),
        st.tuples(st.integers(0, HOURS), st.integers(0, HOURS)),
        st.dictionaries(st.integers(0, 5), st.integers(0, 3), max_size=3),
        run_id=st.sampled_from("abcdef"),
        tier=st.sampled_from(["live", "historical"]),
        exchange_index=st.sampled_from([-1, 0, 1]),
        finished_at=st.integers(0, 5).map(hour),
        cutoff=st.none() | st.integers(0, 5).map(hour),
    ),
    max_size=10,
).map(lambda rows: frame(SYNC_LOG, *rows).unique(SYNC_LOG.key, keep="first", maintain_order=True))


@given(LOGS, st.sets(st.integers(0, 5)))
def test_compaction_changes_no_coverage_and_never_hides_a_missing_file(log: pl.DataFrame, days: set[int]) -> None:
    short = compact_log(log)
    assert short.height <= log.height
    SYNC_LOG.refuse_duplicates(short)
    assert compact_log(short).equals(short)
    there = {"fills": {date(2026, 1, 1 + day) for day in days}}
    for tier in ("live", "historical"):
        for shard in (-1, 0, 1):
            ask: dict[str, Any] = {"subaccount": 0, "tier": tier, "exchange_index": shard}
            assert covered(short, "fills", **ask) == covered(log, "fills", **ask)
            reopened_short = cells(covered(reopened(short, there), "fills", **ask))
            assert reopened_short <= cells(covered(reopened(log, there), "fills", **ask))


@given(LOGS)
def test_compaction_keeps_the_newest_cutoff_of_every_question(log: pl.DataFrame) -> None:
    log = log.filter(pl.col("window_from") < pl.col("window_to"))
    question = ["dataset", "tier", "subaccount", "exchange_index"]
    newest = [rows.group_by(question).agg(pl.col("cutoff").max()).sort(question) for rows in (log, compact_log(log))]
    assert newest[0].equals(newest[1])
