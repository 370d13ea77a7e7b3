"""Frames that show themselves as what they mean: the summary, the reconciliation, the coverage.

Each is a Polars frame in every respect but how it is displayed. Polars does not support subclasses, which means that
an operation gives a plain frame or one of the subclass, as it pleases. Here both are right: what shows itself as a
whole is only the frame that its constructor made and that still has its columns. What comes out of ``filter``,
``head``, ``select``, ``clone`` and so on is displayed as Polars displays any frame. No method is replaced but
``__str__``, ``__repr__`` and ``_repr_html_``, and those of pickling, so that a frame is whole in another process, too.

A wrapper around a frame, which Polars recommends instead, is no ``pl.DataFrame``: DuckDB, plotting libraries,
``pl.concat`` and ``assert_frame_equal`` refuse it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from kalshi_portfolio.portfolio import shown
from kalshi_portfolio.schema import COVERAGE, RECONCILIATION, SUMMARY

if TYPE_CHECKING:
    from kalshi_portfolio.schema import Table


class _View(pl.DataFrame):
    """A frame of one table that shows itself while it is whole."""

    _table: ClassVar[Table]
    _whole = False  # Polars makes the frames that come out of its methods without the constructor

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._whole = True

    def _text(self) -> str:
        raise NotImplementedError

    def _html(self) -> str:
        raise NotImplementedError

    def _shows_itself(self) -> bool:
        """Whether this is the frame as it was made: columns may have been changed in place."""
        if not self._whole or self.schema != self._table.schema:
            return False
        return not any(self[name].null_count() for name in self._table.required)

    def __str__(self) -> str:
        return self._text() if self._shows_itself() else super().__str__()

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self, *, _from_series: bool = False) -> str:
        if _from_series or not self._shows_itself():
            return super()._repr_html_(_from_series=_from_series)
        return self._html()

    def __getstate__(self) -> tuple[bool, bytes]:  # type: ignore[override]
        return self._whole, super().__getstate__()

    def __setstate__(self, state: tuple[bool, bytes]) -> None:  # type: ignore[override]
        self._whole, frame = state
        super().__setstate__(frame)


class Summary(_View):
    """One row, ``schema.SUMMARY``: shows itself as labels and values in dollars, with what is unknown beside them."""

    _table = SUMMARY

    def _shows_itself(self) -> bool:
        return self.height == 1 and super()._shows_itself()

    def _text(self) -> str:
        return shown.summary_text(self.row(0, named=True))

    def _html(self) -> str:
        return shown.summary_html(self.row(0, named=True))


class Reconciliation(_View):
    """Rows of ``schema.RECONCILIATION``: shows itself as what differs, with the cause, and how many checks agree."""

    _table = RECONCILIATION

    def _text(self) -> str:
        return shown.reconciliation_text(self)

    def _html(self) -> str:
        return shown.reconciliation_html(self)


class Coverage(_View):
    """Rows of ``schema.COVERAGE``: shows itself as what is complete, missing and archived, dataset by dataset."""

    _table = COVERAGE

    def _text(self) -> str:
        return shown.coverage_text(self)

    def _html(self) -> str:
        return shown.coverage_html(self)
