"""Decode pages of API rows and read their fields column by column, noting what does not fit."""

from __future__ import annotations

import hashlib
import reprlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from operator import attrgetter
from typing import Any, Generic, TypeVar

import msgspec
import polars as pl

from kalshi_portfolio.errors import ProtocolError
from kalshi_portfolio.money import parse_units
from kalshi_portfolio.schema import TIME

Row = TypeVar("Row", bound=msgspec.Struct)

_MILLISECONDS_FROM = 10**11
_YEAR_10000 = 253_402_300_800
_SHOWN = 60
_LONGEST_NAME = 200
_TEXT = {str, type(None)}
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_DAY = datetime(1, 1, 2, tzinfo=UTC)
_LAST_DAY = datetime(9999, 12, 30, tzinfo=UTC)
_UNSET_TIME = "0001-01-01T00:00:00Z"
_NO_NAME = (dict, list, bool, int)


@dataclass(frozen=True, slots=True)
class SetAside:
    """A row that did not fit: kept as it came, with the reason.

    Attributes:
        dataset: The dataset it was meant for.
        raw: The row's JSON text, as sent.
        reason: What did not fit, in words.
        ticker: The market it is about, where that could be read.
        tier: `live` or `historical`.
        subaccount: The subaccount that was asked for; None where the endpoint knows none.
        seen_at: When it was read, by the exchange's clock.
    """

    dataset: str
    raw: str
    reason: str
    ticker: str | None
    tier: str
    subaccount: int | None
    seen_at: datetime

    @property
    def digest(self) -> str:
        """A short hash of dataset and text, by which repeats are recognised."""
        return hashlib.sha256(f"{self.dataset}\n{self.raw}".encode(errors="surrogatepass")).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Source:
    """Where pages came from.

    Attributes:
        seen_at: When they were read, by the exchange's clock.
        tier: `live` or `historical`.
        subaccount: The subaccount that was asked for, or None.
        key_subaccount: The one subaccount that the key is locked to, or None.
    """

    seen_at: datetime
    tier: str = "live"
    subaccount: int | None = None
    key_subaccount: int | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A conforming frame and the rows that did not fit."""

    frame: pl.DataFrame
    set_aside: list[SetAside] = field(default_factory=list)


class Batch(Generic[Row]):
    """The rows of some pages, read column by column.

    A field that cannot be read marks its row with a reason; :meth:`finish` separates the marked rows.
    """

    def __init__(self, pages: list[bytes], rows_key: str, row_type: type[Row], source: Source) -> None:
        self.source = source
        self._pages = pages
        self._rows_key = rows_key
        self._reasons: dict[int, str] = {}
        self._sizes: list[int] = []
        self.rows: list[Row] = []
        for page in pages:
            decoded = self._decode(page, row_type)
            self._sizes.append(len(decoded))
            self.rows.extend(decoded)

    def __len__(self) -> int:
        return len(self.rows)

    def _decode(self, page: bytes, row_type: type[Row]) -> list[Row]:
        try:
            try:
                return getattr(_decoder(self._rows_key, row_type).decode(page), self._rows_key) or []
            except (msgspec.ValidationError, RecursionError):
                return self._decode_one_by_one(page, row_type)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ProtocolError(f"A page of {self._rows_key} is not valid JSON: {error}.") from error

    def _decode_one_by_one(self, page: bytes, row_type: type[Row]) -> list[Row]:
        decoder = msgspec.json.Decoder(row_type, float_hook=str)
        rows = []
        for raw in raw_rows(page, self._rows_key):
            try:
                rows.append(decoder.decode(raw))
            except (msgspec.ValidationError, RecursionError) as error:
                self._reasons.setdefault(len(self.rows) + len(rows), f"not an object with fields: {error}")
                rows.append(row_type())
        return rows

    def refuse(self, bad: pl.Series, reason: str, shown: pl.Series | None = None) -> None:
        """Mark rows as unreadable, with a reason (the first one given to a row stays)."""
        for index in bad.fill_null(value=False).arg_true():
            came = "" if shown is None else f" (came: {str(shown[index])[:_SHOWN]!r})"
            self._reasons.setdefault(index, reason + came)

    def values(self, name: str) -> list[Any]:
        """Give the raw values of one field."""
        return list(map(attrgetter(name), self.rows))

    def refuse_null(self, *names: str) -> None:
        """Mark rows that have such a field and null in it; a field that is not there at all is older than the field.

        The fields have the default ``msgspec.UNSET`` in their row type.
        """
        for name in names:
            values = self.values(name)
            if None in values:
                self.refuse(pl.Series([value is None for value in values]), f"{name} is null")

    def text(self, *names: str, required: bool = False, asked_by: bool = False) -> pl.Series:
        """Read a text field: the first of the names that is present and not empty; numbers become text.

        What is required is a name or an id, and no number: it would make another thing of the same row. Such a one,
        and what the exchange is asked by later (``asked_by``), is of some length and can be shown.
        """
        result = self._one_text(names[0], numbers=not required)
        for name in names[1:]:
            if not result.has_nulls():
                break
            result = _coalesce(result, self._one_text(name, numbers=not required))
        if required:
            self.refuse(result.is_null(), f"{names[0]} is missing")
        if required or asked_by:
            self.refuse(result.str.len_chars() > _LONGEST_NAME, f"{names[0]} is longer than {_LONGEST_NAME} letters")
            self.refuse(result.str.contains(r"\p{C}"), f"{names[0]} holds control characters", shown=result)
        return result

    def _one_text(self, name: str, *, numbers: bool = True) -> pl.Series:
        values = self.values(name)
        if set(map(type, values)) <= _TEXT:  # told beforehand: a list in lists takes Polars minutes
            series = pl.Series(name, values, dtype=pl.String)
        else:
            series = pl.Series(name, list(map(_as_text, values)), dtype=pl.String)
            refused, what = ((dict, list, bool), "neither text nor a number") if numbers else (_NO_NAME, "no text")
            odd = [isinstance(v, refused) for v in values]
            shown = [reprlib.repr(v) if is_odd else None for v, is_odd in zip(values, odd, strict=True)]
            self.refuse(pl.Series(odd), f"{name} is {what}", shown=pl.Series(shown, dtype=pl.String))
        if (series == "").any():
            series = series.set(series == "", None)
        return series.alias(name)

    def number(self, *candidates: tuple[str, str], dtype: pl.Decimal, required: bool = False) -> pl.Series:
        """Read an exact number: the first of the ``(name, unit)`` candidates that is present.

        Returns:
            ``Int64`` units of ``dtype``; null where missing. What cannot be held exactly marks its row.
        """
        result = pl.Series(candidates[0][0], [None] * len(self), dtype=pl.Int64)
        open_rows = pl.Series([True] * len(self), dtype=pl.Boolean)
        for name, unit in candidates:
            if not open_rows.any():
                break
            text = self._one_text(name)
            parsed = parse_units(text, unit=unit, dtype=dtype)
            come = open_rows & text.is_not_null()
            self.refuse(come & parsed.is_null(), f"{name} is no number of {unit} that {dtype} can hold", shown=text)
            result = parsed if come.all() else parsed.zip_with(come, result)
            open_rows = open_rows & ~come
        if required:
            self.refuse(open_rows, f"{candidates[0][0]} is missing")
        return result.alias(candidates[0][0])

    def integer(self, *names: str) -> pl.Series:
        """Read a small whole number that is not negative; null where missing."""
        text = self.text(*names)
        numbers = text.cast(pl.Int32, strict=False)
        bad = text.is_not_null() & (numbers.is_null() | (numbers < 0))
        self.refuse(bad, f"{names[0]} is no whole number of 0 or more", shown=text)
        return numbers

    def flag(self, name: str) -> pl.Series:
        """Read a boolean; anything else is null."""
        values = self.values(name)
        return pl.Series(name, [v if isinstance(v, bool) else None for v in values], dtype=pl.Boolean)

    def time(self, *names: str, required: bool = False) -> pl.Series:
        """Read an RFC 3339 text, or Unix seconds or milliseconds (told apart by size), as UTC microseconds."""
        text = self.text(*names)
        text = text.set((text == _UNSET_TIME).fill_null(value=False), None)  # Go's word for a time that is not set
        result = parse_times(text)
        unread = text.is_not_null() & result.is_null()
        self.refuse(unread, f"{names[0]} is no point in time", shown=text)
        if required:
            self.refuse(result.is_null(), f"{names[0]} is missing")
            self.refuse(result < _BEGINNING, f"{names[0]} is before 1970", shown=text)
        return result.alias(names[0])

    def subaccount(self, name: str | None = None) -> pl.Series:
        """Give each row's subaccount: the row's own, else the one asked for, else the key's, else 0."""
        source = self.source
        known = source.subaccount if source.subaccount is not None else source.key_subaccount
        own = self.integer(name) if name else pl.Series([None] * len(self), dtype=pl.Int32)
        return own.fill_null(known or 0).alias("subaccount")

    def shard(self) -> pl.Series:
        """Give each row's exchange shard: 0 where a row has none, as before there were shards. A null may be any."""
        self.refuse_null("exchange_index")
        return self.integer("exchange_index").fill_null(0)

    def finish(self, dataset: str, frame: pl.DataFrame, tickers: pl.Series | None = None) -> Parsed:
        """Separate the rows that fit from those that were marked."""
        if not self._reasons:
            return Parsed(frame)
        aside = []
        raws = [raw for page in self._pages for raw in raw_rows(page, self._rows_key)]
        for index, reason in sorted(self._reasons.items()):
            ticker = None if tickers is None else tickers[index]
            if ticker is not None and len(ticker) > _LONGEST_NAME:
                ticker = None  # nobody can be asked about it
            source = self.source
            aside.append(
                SetAside(
                    dataset,
                    raws[index].decode(),
                    reason,
                    ticker,
                    source.tier,
                    source.subaccount,
                    source.seen_at,
                )
            )
        keep = pl.Series([i not in self._reasons for i in range(len(self))], dtype=pl.Boolean)
        return Parsed(frame.filter(keep), aside)


def raw_rows(page: bytes, rows_key: str) -> list[bytes]:
    """Give the rows of a page as the bytes that were sent."""
    decoded = _decoder(rows_key, msgspec.Raw).decode(page)
    return [bytes(raw) for raw in getattr(decoded, rows_key) or []]


@cache
def _decoder(rows_key: str, row_type: Any) -> msgspec.json.Decoder[Any]:
    """Make the decoder of a page; numbers with a point stay text, so that none becomes a float."""
    envelope: Any = msgspec.defstruct("Page", [(rows_key, list[row_type] | None, None)])
    return msgspec.json.Decoder(envelope, float_hook=str)


def parse_times(text: pl.Series) -> pl.Series:
    """Read points in time; null where a text is none.

    Args:
        text: RFC 3339 with any offset and 0 to 9 fraction digits (beyond microseconds they are cut), or Unix time. A
            leap second, ``23:59:60``, is the first second of the next minute, as in Unix time.

    Returns:
        Datetimes in UTC, in microseconds, of the years 1 to 9999: Python knows no others, in any time zone.

    Examples:
        >>> parse_times(pl.Series(["2026-07-02T13:03:04.91Z", "1782997384", "soon"])).dt.to_string().to_list()
        ['2026-07-02 13:03:04.910000+00:00', '2026-07-02 13:03:04.000000+00:00', None]
    """
    text = text.cast(pl.String)
    result = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", strict=False, ambiguous="raise")
    result = result.dt.replace_time_zone("UTC")
    if result.null_count() > text.null_count():
        result = result.fill_null(text.str.to_datetime("%+", time_unit="us", time_zone="UTC", strict=False))
    if result.null_count() > text.null_count():
        whole = text.cast(pl.Int64, strict=False)
        unix = pl.select(
            pl.when(whole.is_between(_MILLISECONDS_FROM, _YEAR_10000 * 1000))
            .then(whole * 1000)
            .when(whole.is_between(1, _MILLISECONDS_FROM))
            .then(whole * 1_000_000)
        ).to_series()
        result = result.fill_null(unix.cast(TIME))
    known = result.is_between(_FIRST_DAY, _LAST_DAY).fill_null(value=True)
    return result.cast(TIME) if known.all() else result.set(~known, None).cast(TIME)


def _as_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None


def _coalesce(first: pl.Series, second: pl.Series) -> pl.Series:
    return first.zip_with(first.is_not_null(), second.alias(first.name))
