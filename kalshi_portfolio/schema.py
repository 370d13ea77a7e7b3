"""Every dataset and frame, declared once: columns, dtypes, keys, order, units, meaning.

Datasets are what lies on disk; frames are what :class:`~kalshi_portfolio.Portfolio` computes from them.
Nothing else in the package names a dtype of a column.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import polars as pl

from kalshi_portfolio.errors import SchemaError
from kalshi_portfolio.money import MONEY, PRICE, QUANTITY

VERSION = 1
"""The version of the datasets below. It is written into every file."""

TIME = pl.Datetime("us", "UTC")

_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, dtype, meaning, and whether it may be null."""

    name: str
    dtype: pl.DataType | type[pl.DataType]
    meaning: str
    null: bool = False


@dataclass(frozen=True)
class Table:
    """One dataset or frame.

    Attributes:
        name: The name under which it is stored or returned.
        one_row_per: What a row stands for.
        columns: The columns in order.
        key: The columns that tell one row from another.
        order: The columns that rows are sorted by.
        partition_by: The timestamp column whose UTC date is the partition; None for frames and dimensions.
        key_within_date: Whether the key holds within one date only (snapshots) or over all dates.
    """

    name: str
    one_row_per: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    order: tuple[str, ...]
    partition_by: str | None = None
    key_within_date: bool = False
    schema: pl.Schema = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "schema", pl.Schema({c.name: c.dtype for c in self.columns}))

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that are never null."""
        return tuple(c.name for c in self.columns if not c.null)

    def empty(self) -> pl.DataFrame:
        """Give the frame without rows."""
        return pl.DataFrame(schema=self.schema)

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Bring a frame to this schema, or say why it cannot be.

        Args:
            frame: A frame with at least the columns of this table; others are left out.

        Returns:
            The same rows in the same order, with exactly these columns and dtypes.

        Raises:
            SchemaError: A column is missing, does not fit its dtype without loss, or is null where it may not be.
        """
        missing = [c.name for c in self.columns if c.name not in frame.columns]
        if missing:
            raise SchemaError(f"{self.name}: the columns {missing} are missing; these came: {frame.columns}.")
        conformed = frame.select(self._cast(frame, c) for c in self.columns)
        self._refuse_nulls(conformed)
        return conformed

    def refuse_duplicates(self, frame: pl.DataFrame) -> None:
        """Raise if two rows have the same key.

        Raises:
            SchemaError: It names the first keys that occur more than once.
        """
        twice = frame.filter(pl.struct(self.key).is_duplicated()) if frame.height else frame
        if twice.height:
            keys = twice.select(self.key).unique(maintain_order=True).head(_SHOWN).rows()
            raise SchemaError(
                f"{self.name}: {twice.height} rows share a key. Expected one row per {self.one_row_per}; "
                f"the first keys {self.key} that came twice: {keys}."
            )

    def _cast(self, frame: pl.DataFrame, column: Column) -> pl.Series:
        came, wanted = frame.schema[column.name], column.dtype
        series = frame[column.name]
        if came == wanted:
            return series
        finer = isinstance(came, pl.Decimal) and isinstance(wanted, pl.Decimal) and came.scale > wanted.scale
        lossy = (came.is_float() and not wanted.is_float()) or finer
        try:
            if lossy and series.null_count() != len(series):
                raise SchemaError(
                    f"{self.name}.{column.name}: {came} came, {wanted} was expected; the cast would round silently."
                )
            return series.cast(wanted, strict=True)
        except pl.exceptions.PolarsError as error:
            raise SchemaError(f"{self.name}.{column.name}: {came} does not fit {wanted}: {error}") from error

    def _refuse_nulls(self, frame: pl.DataFrame) -> None:
        counts = frame.select(pl.col(self.required).null_count()).row(0) if frame.height else ()
        bad = {name: n for name, n in zip(self.required, counts, strict=False) if n}
        if bad:
            first = next(iter(bad))
            rows = frame.filter(pl.col(first).is_null()).head(_SHOWN).select(self.key).rows()
            raise SchemaError(f"{self.name}: null where a value is required, {bad}; the first keys {self.key}: {rows}.")


_TICKER = Column("ticker", pl.String, "The market's ticker, unique over the whole exchange.")
_EVENT = Column("event_ticker", pl.String, "The event that the market belongs to.", null=True)
_SERIES = Column("series_ticker", pl.String, "The series that the event belongs to.", null=True)
_CATEGORY = Column("category", pl.String, "The series' category, such as Sports.", null=True)
_TITLE = Column("title", pl.String, "The market's question, as Kalshi shows it.", null=True)
_SUBACCOUNT = Column("subaccount", pl.Int32, "Number of the subaccount; 0 is the primary one.")
_SHARD = Column("exchange_index", pl.Int32, "Number of the exchange shard; 0 where the exchange did not say.")
_TRADE_ID = Column(
    "kalshi_trade_id", pl.String, "The exchange's id of the fill (API `fill_id`, older name `trade_id`)."
)
_SYNCED = Column("synced_at", TIME, "When this row was first seen in its present form (the exchange's clock).")
_LAST_SYNCED = Column("last_synced", TIME, "When this snapshot was read (the exchange's clock).")
_REALIZED = "Realised P&L of closed quantity, in cents, before fees"

FILLS = Table(
    "fills",
    "fill: one execution of an order",
    (
        _TRADE_ID,
        Column("order_id", pl.String, "The order that was executed.", null=True),
        _TICKER,
        _SUBACCOUNT,
        _SHARD,
        Column(
            "side",
            pl.String,
            "`yes` or `no`: the outcome whose exposure this fill took (API `outcome_side`).",
        ),
        Column("quantity", QUANTITY, "Contracts, above 0."),
        Column("price_cents", PRICE, "What one contract of `side` cost, in cents."),
        Column("yes_price_cents", PRICE, "The YES price, in cents; the NO price is 100 minus it."),
        Column("total_cost_cents", MONEY, "`price_cents` times `quantity`."),
        Column(
            "fee_cents",
            MONEY,
            "The fee of this fill, in cents, as charged; null if the exchange gave none.",
            null=True,
        ),
        Column("is_taker", pl.Boolean, "Whether the order removed liquidity.", null=True),
        Column("executed_at", TIME, "When the fill happened."),
        Column("reported_side", pl.String, "The legacy field `side`, as sent.", null=True),
        Column(
            "reported_action",
            pl.String,
            "The legacy field `action`, as sent. It carries no direction.",
            null=True,
        ),
        _SYNCED,
    ),
    key=("kalshi_trade_id",),
    order=("executed_at", "kalshi_trade_id"),
    partition_by="executed_at",
)

SETTLEMENTS = Table(
    "settlements",
    "settled market of a subaccount",
    (
        _TICKER,
        _EVENT,
        _SUBACCOUNT,
        _SHARD,
        Column("market_result", pl.String, "`yes`, `no`, `scalar`, in old rows `void`."),
        Column(
            "yes_payout_cents",
            PRICE,
            "What one YES contract pays, in cents; null if unknown or void.",
            null=True,
        ),
        Column("yes_quantity", QUANTITY, "Contracts ever bought on the YES side, gross."),
        Column("no_quantity", QUANTITY, "Contracts ever bought on the NO side, gross."),
        Column("yes_cost_cents", MONEY, "What the YES contracts cost, in cents, gross."),
        Column("no_cost_cents", MONEY, "What the NO contracts cost, in cents, gross."),
        Column("revenue_cents", MONEY, "Payout of the net contracts held at settlement, in cents."),
        Column(
            "fee_cents",
            MONEY,
            "The trading fees of the market again; never add them to the fills' own.",
            null=True,
        ),
        Column("settled_at", TIME, "When the market paid out."),
        _SYNCED,
    ),
    key=("subaccount", "exchange_index", "ticker"),
    order=("settled_at", "ticker", "subaccount", "exchange_index"),
    partition_by="settled_at",
)

SETTLED = Table(
    "settled",
    "settled market of a subaccount, whether reported or rebuilt at read time",
    (
        *SETTLEMENTS.columns,
        Column(
            "source",
            pl.String,
            "`exchange`: a settlement row; `market`: rebuilt from fills and the market's result.",
        ),
    ),
    key=("subaccount", "ticker"),
    order=("settled_at", "ticker", "subaccount"),
)

JUDGED = Table(
    "judged",
    "market of a subaccount: whether its history is known to be complete",
    (
        _TICKER,
        _SUBACCOUNT,
        Column("complete", pl.Boolean, "Whether the fills known are all there were."),
        Column("cause", pl.String, "Why not, or why a P&L is unknown in spite of it, in plain words.", null=True),
    ),
    key=("subaccount", "ticker"),
    order=("ticker", "subaccount"),
)

SNAPSHOTS = Table(
    "positions",
    "market and subaccount and day: the day's last snapshot of the exchange's own position",
    (
        _TICKER,
        _SUBACCOUNT,
        _SHARD,
        Column("side", pl.String, "`yes` or `no`; null when flat.", null=True),
        Column("quantity", QUANTITY, "Contracts held, at least 0."),
        Column("net_quantity", QUANTITY, "The same, signed: + YES, - NO (API `position_fp`)."),
        Column("avg_price_cents", PRICE, "Exposure per contract, in cents, half-even at 4 decimals.", null=True),
        Column("current_price_cents", PRICE, "The mark: the bid of the held side, in cents.", null=True),
        Column("market_exposure_cents", MONEY, "Cost of the net position, in cents, as reported.", null=True),
        Column("total_traded_cents", MONEY, "As reported, in cents.", null=True),
        Column("realized_pnl_cents", MONEY, f"{_REALIZED}, as reported.", null=True),
        Column("fees_paid_cents", MONEY, "Fees, in cents, as reported.", null=True),
        Column("last_updated_at", TIME, "When the exchange last changed the position.", null=True),
        Column("closed_at", TIME, "When the position was closed, on the row that records it.", null=True),
        _LAST_SYNCED,
    ),
    key=("subaccount", "exchange_index", "ticker"),
    order=("ticker", "subaccount", "exchange_index"),
    partition_by="last_synced",
    key_within_date=True,
)

TRANSFERS = Table(
    "transfers",
    "movement of cash",
    (
        Column(
            "kind",
            pl.String,
            "`deposit`, `withdrawal`, `subaccount` (between two), `margined` (to or from perps, or shards).",
        ),
        Column("transfer_id", pl.String, "The exchange's id."),
        Column(
            "status",
            pl.String,
            "As reported: `pending`, `applied`, `failed`, `returned`, `complete`.",
            null=True,
        ),
        Column("method", pl.String, "As reported: `ach`, `wire`, `crypto`, `debit`, ...", null=True),
        Column(
            "amount_cents",
            MONEY,
            "Effect on the account's cash, signed, in cents; null while not applied; 0 within it.",
            null=True,
        ),
        Column("gross_cents", MONEY, "The amount as reported, in cents, unsigned."),
        Column("fee_cents", MONEY, "The fee as reported, in cents.", null=True),
        Column(
            "subaccount",
            pl.Int32,
            "The subaccount whose cash moved; of a move between two, the one that paid.",
        ),
        Column("to_subaccount", pl.Int32, "Of a move between two subaccounts, the one that received.", null=True),
        _SHARD,
        Column("created_at", TIME, "When it was asked for."),
        Column("finalized_at", TIME, "When it was applied, failed or returned.", null=True),
        _SYNCED,
    ),
    key=("kind", "transfer_id"),
    order=("created_at", "kind", "transfer_id"),
    partition_by="created_at",
)

BALANCES = Table(
    "balances",
    "subaccount, shard and day: the day's last balance",
    (
        _SUBACCOUNT,
        _SHARD,
        Column("balance_cents", MONEY, "Available cash, in cents."),
        Column(
            "portfolio_value_cents",
            MONEY,
            "Of the whole subaccount, repeated on each shard's row; as reported.",
            null=True,
        ),
        Column("updated_at", TIME, "When the exchange last changed the balance.", null=True),
        _LAST_SYNCED,
    ),
    key=("subaccount", "exchange_index"),
    order=("subaccount", "exchange_index"),
    partition_by="last_synced",
    key_within_date=True,
)

MARKETS = Table(
    "markets",
    "market that the account ever traded",
    (
        _TICKER,
        _EVENT,
        _SERIES,
        _CATEGORY,
        _TITLE,
        Column("event_title", pl.String, "The event's title.", null=True),
        Column("series_title", pl.String, "The series' title.", null=True),
        Column("yes_label", pl.String, "What YES stands for.", null=True),
        Column("no_label", pl.String, "What NO stands for.", null=True),
        Column("market_type", pl.String, "`binary` or `scalar`.", null=True),
        Column("status", pl.String, "As reported: `active`, `closed`, `determined`, `finalized`, ...", null=True),
        Column(
            "result",
            pl.String,
            "`yes`, `no`, `scalar`; null until determined. Provisional until `finalized`.",
            null=True,
        ),
        Column(
            "yes_payout_cents",
            PRICE,
            "What one YES contract pays, in cents, exact; null until determined.",
            null=True,
        ),
        Column("open_time", TIME, "When trading opens.", null=True),
        Column("close_time", TIME, "When trading closes.", null=True),
        Column("settled_at", TIME, "When the market paid out.", null=True),
        Column("yes_bid_cents", PRICE, "Best bid for YES, in cents; null when nobody bids.", null=True),
        Column("yes_ask_cents", PRICE, "Best offer of YES, in cents; null when nobody offers.", null=True),
        Column("no_bid_cents", PRICE, "Best bid for NO, in cents; null when nobody bids.", null=True),
        Column("no_ask_cents", PRICE, "Best offer of NO, in cents; null when nobody offers.", null=True),
        Column(
            "last_price_cents",
            PRICE,
            "Last YES price traded, in cents; null before the first trade.",
            null=True,
        ),
        Column("volume", QUANTITY, "Contracts traded by everybody.", null=True),
        Column("open_interest", QUANTITY, "Contracts open with everybody.", null=True),
        Column(
            "collateral_return_type",
            pl.String,
            "`MECNET`, `DIRECNET` or null: cross-market netting of the event.",
            null=True,
        ),
        Column(
            "mutually_exclusive",
            pl.Boolean,
            "Whether at most one market of the event resolves YES.",
            null=True,
        ),
        _SHARD,
        Column("quoted_at", TIME, "When bids, offers and last price were read.", null=True),
        _SYNCED,
    ),
    key=("ticker",),
    order=("ticker",),
)

SYNC_LOG = Table(
    "sync_log",
    "window that a sync covered to its last page",
    (
        Column("run_id", pl.String, "Which sync."),
        Column("dataset", pl.String, "Which dataset."),
        Column("tier", pl.String, "`live`, `historical` or `snapshot`."),
        Column("subaccount", pl.Int32, "Which subaccount was asked for; -1 where the endpoint knows none."),
        Column("exchange_index", pl.Int32, "Which shard was asked for; -1 for all at once."),
        Column("window_from", TIME, "Start of the window, inclusive."),
        Column("window_to", TIME, "End of the window, exclusive."),
        Column("cutoff", TIME, "The exchange's live/historical cutoff when the window was read.", null=True),
        Column("rows", pl.Int64, "Rows found in the window."),
        Column(
            "partitions",
            pl.List(pl.Struct({"date": pl.Date, "rows": pl.Int64})),
            "Rows found, per partition.",
        ),
        Column("finished_at", TIME, "When the window was complete on disk (the exchange's clock)."),
    ),
    key=("run_id", "dataset", "tier", "subaccount", "exchange_index", "window_from"),
    order=("finished_at", "dataset", "tier", "subaccount", "exchange_index", "window_from"),
    partition_by="finished_at",
)

_POSITION_ID = Column("position_id", pl.String, "`{ticker}/{subaccount}/{opening kalshi_trade_id}`.", null=True)

TRADES = Table(
    "trades",
    "trade leg: a fill, or one of the two parts of a fill that closes one position and opens the opposite one",
    (
        _TRADE_ID,
        Column("leg", pl.Int8, "1, or 2 for the opening part of a fill that flipped the position."),
        Column("position_id", pl.String, "The position that this leg opened, grew, shrank or closed."),
        _TICKER,
        _SUBACCOUNT,
        _SHARD,
        Column("side", pl.String, "`yes` or `no`: the side of the position."),
        Column("action", pl.String, "`buy` grows the position, `sell` shrinks it."),
        Column("quantity", QUANTITY, "Contracts of this leg."),
        Column("price_cents", PRICE, "Price of one contract of `side`, in cents."),
        Column("total_cost_cents", MONEY, "`price_cents` times `quantity`: paid on a buy, received on a sell."),
        Column("fee_cents", MONEY, "This leg's part of the fill's fee, in cents; null if unknown.", null=True),
        Column(
            "fee_source",
            pl.String,
            "`fill`, `settlement` (split from the market's fees), or null: unknown.",
            null=True,
        ),
        Column("is_taker", pl.Boolean, "Whether the order removed liquidity.", null=True),
        Column("order_id", pl.String, "The order that was executed.", null=True),
        Column("executed_at", TIME, "When the fill happened."),
        Column("position_after", QUANTITY, "The market's net position after this leg: + YES, - NO."),
        Column("complete", pl.Boolean, "Whether the market's history is known to be complete."),
        Column(
            "realized_pnl_cents",
            MONEY,
            f"{_REALIZED} (FIFO); null on a buy and where history is incomplete.",
            null=True,
        ),
    ),
    key=("kalshi_trade_id", "leg"),
    order=("executed_at", "kalshi_trade_id", "leg"),
)

LOTS = Table(
    "lots",
    "lot: a quantity acquired in one fill and disposed of in one fill or settlement (first in, first out)",
    (
        _POSITION_ID,
        _TICKER,
        _SUBACCOUNT,
        _SHARD,
        Column("side", pl.String, "`yes` or `no`: the outcome that was held."),
        Column("entry_trade_id", pl.String, "The fill that acquired the lot."),
        Column(
            "exit_trade_id",
            pl.String,
            "The fill that disposed of it; null if settled or still open.",
            null=True,
        ),
        Column("exit_kind", pl.String, "`trade`, `settlement` or `open`."),
        Column("quantity", QUANTITY, "Contracts."),
        Column("entry_price_cents", PRICE, "Price paid for one contract of `side`, in cents."),
        Column(
            "exit_price_cents",
            PRICE,
            "Price received for one, in cents; null while open or unknown.",
            null=True,
        ),
        Column("entry_fee_cents", MONEY, "Part of the entry fill's fee, in cents; null if unknown.", null=True),
        Column(
            "exit_fee_cents",
            MONEY,
            "Part of the exit fill's fee, in cents; 0 if settled or open; null if unknown.",
            null=True,
        ),
        Column(
            "realized_pnl_cents",
            MONEY,
            f"{_REALIZED}; null while open or where history is incomplete.",
            null=True,
        ),
        Column("net_pnl_cents", MONEY, "The same after both fees; null if either is unknown.", null=True),
        Column("is_taker", pl.Boolean, "Whether the entry removed liquidity.", null=True),
        Column("complete", pl.Boolean, "Whether the market's history is known to be complete."),
        Column("opened_at", TIME, "When the entry fill happened."),
        Column("closed_at", TIME, "When the exit fill or the settlement happened; null while open.", null=True),
    ),
    key=("entry_trade_id", "exit_trade_id", "exit_kind"),
    order=("opened_at", "entry_trade_id", "closed_at", "exit_trade_id"),
)

DISPOSALS = Table(
    "disposals",
    "purchase, sale or settlement, at average cost",
    (
        _POSITION_ID,
        _TICKER,
        _SUBACCOUNT,
        _SHARD,
        Column("side", pl.String, "`yes` or `no`: the outcome that was held."),
        Column("kalshi_trade_id", pl.String, "The fill; null for a settlement.", null=True),
        Column("action", pl.String, "`buy`, `sell` or `settlement`."),
        Column("quantity", QUANTITY, "Contracts."),
        Column(
            "entry_price_cents", PRICE, "Price paid; of what was sold the average, in cents, half-even at 4 decimals."
        ),
        Column("exit_price_cents", PRICE, "Price received for one contract, in cents; null on a purchase.", null=True),
        Column(
            "entry_fee_cents",
            MONEY,
            "Entry fees of what was sold, in cents; null on a purchase or if unknown.",
            null=True,
        ),
        Column("fee_cents", MONEY, "The fee of this purchase or sale, in cents; null if unknown.", null=True),
        Column("held_cost_cents", MONEY, "Cost of what is held afterwards, in cents, before fees."),
        Column(
            "realized_pnl_cents", MONEY, f"{_REALIZED}, at average cost; null on a purchase or if unknown.", null=True
        ),
        Column("net_pnl_cents", MONEY, "The same after both fees; null if either is unknown.", null=True),
        Column("is_taker", pl.Boolean, "Whether it removed liquidity; null for a settlement.", null=True),
        Column("complete", pl.Boolean, "Whether the market's history is known to be complete."),
        Column("opened_at", TIME, "When the position was opened."),
        Column("at", TIME, "When this happened."),
    ),
    key=("position_id", "kalshi_trade_id", "action"),
    order=("at", "kalshi_trade_id"),
)

POSITIONS = Table(
    "positions",
    "position: one holding of one market by one subaccount, from flat to flat or to settlement",
    (
        Column("position_id", pl.String, "`{ticker}/{subaccount}/{opening kalshi_trade_id}`."),
        Column("sequence", pl.Int32, "1 for the first position in this market by this subaccount, and so on."),
        _TICKER,
        _SUBACCOUNT,
        _SHARD,
        Column(
            "side",
            pl.String,
            "`yes` or `no`; null where only a settlement without fills is known.",
            null=True,
        ),
        Column("status", pl.String, "`open`, `closed` (by trades) or `settled`."),
        Column(
            "complete",
            pl.Boolean,
            "Whether the market's history is known to be complete; if not, P&L is null.",
        ),
        Column("cause", pl.String, "Why the history is not known to be complete.", null=True),
        Column("quantity", QUANTITY, "Contracts held now."),
        Column("bought_quantity", QUANTITY, "Contracts bought over the position's life.", null=True),
        Column(
            "avg_price_cents",
            PRICE,
            "Average entry price, in cents, half-even at 4 decimals: of what is held, else of all bought.",
            null=True,
        ),
        Column(
            "exit_price_cents",
            PRICE,
            "Average exit price, in cents, half-even at 4 decimals; null while nothing was sold.",
            null=True,
        ),
        Column("cost_cents", MONEY, "Cost of what is held now, in cents, before fees.", null=True),
        Column("realized_pnl_cents", MONEY, f"{_REALIZED}.", null=True),
        Column("fee_cents", MONEY, "All fees of the position so far, in cents.", null=True),
        Column("net_pnl_cents", MONEY, "Realised P&L after all fees so far, in cents.", null=True),
        Column(
            "current_price_cents",
            PRICE,
            "The mark of the held side, in cents; null if closed or without a quote.",
            null=True,
        ),
        Column(
            "unrealized_pnl_cents",
            MONEY,
            "(mark - entry) times quantity, in cents, before fees; null if unknown or closed.",
            null=True,
        ),
        Column("trades", pl.Int64, "Trade legs."),
        Column("fee_source", pl.String, "`fill`, `settlement`, `mixed` or null: unknown.", null=True),
        Column(
            "settlement_source",
            pl.String,
            "`exchange` (a settlement row), `market` (rebuilt from fills and result), or null.",
            null=True,
        ),
        Column("opened_at", TIME, "When it was opened.", null=True),
        Column("closed_at", TIME, "When it went flat or was settled; null while open.", null=True),
        _TITLE,
        _EVENT,
        _SERIES,
        _CATEGORY,
    ),
    key=("position_id",),
    order=("opened_at", "position_id"),
)

PNL_VALUES = (
    Column("realized_pnl_cents", MONEY, f"{_REALIZED}; null if none of the group is known.", null=True),
    Column("fee_cents", MONEY, "Fees, in cents; null if none of the group is known.", null=True),
    Column("net_pnl_cents", MONEY, "Realised P&L after fees, in cents.", null=True),
    Column("quantity", QUANTITY, "Contracts closed."),
    Column("lots", pl.Int64, "Lots closed whose P&L is known."),
    Column("unknown_lots", pl.Int64, "Lots left out of the sums, because history or fee is incomplete."),
    Column(
        "win_ratio",
        pl.Float64,
        "Share of the closed lots with a net P&L above 0; null if none closed.",
        null=True,
    ),
)

EQUITY_VALUES = (
    Column("realized_pnl_cents", MONEY, f"{_REALIZED}, of this period."),
    Column("fee_cents", MONEY, "Fees paid in this period, in cents."),
    Column("net_pnl_cents", MONEY, "Realised P&L less fees, in cents."),
    Column("cumulative_net_pnl_cents", MONEY, "Net P&L since the account began, in cents."),
    Column("transfers_cents", MONEY, "Cash that came in (+) or went out (-), in cents."),
    Column(
        "drawdown_cents",
        MONEY,
        "How far the cumulative net P&L lies below its highest so far (or 0), in cents; 0 or negative.",
    ),
    Column("unknown_lots", pl.Int64, "Lots left out of the sums, because history or fee is unknown."),
)

SUMMARY = Table(
    "summary",
    "account",
    (
        Column("net_pnl_cents", MONEY, "Realised P&L after all fees paid, in cents."),
        Column("realized_pnl_cents", MONEY, f"{_REALIZED}."),
        Column("fee_cents", MONEY, "Fees paid, in cents."),
        Column("unrealized_pnl_cents", MONEY, "Of the open positions that have a mark, before fees, in cents."),
        Column("open_exposure_cents", MONEY, "Cost of what is held, in cents."),
        Column(
            "market_value_cents", MONEY, "What is held, at its mark, in cents; positions without a mark count at cost."
        ),
        Column("positions", pl.Int64, "Positions ever held."),
        Column("open_positions", pl.Int64, "Positions held now."),
        Column("unknown_marks", pl.Int64, "Open positions without a mark."),
        Column("incomplete_positions", pl.Int64, "Positions left out of P&L, because their history is incomplete."),
        Column("unknown_fees", pl.Int64, "Complete positions left out of net figures, because a fee is unknown."),
        Column("win_ratio", pl.Float64, "Share of the ended positions with a net P&L above 0.", null=True),
        Column(
            "profit_factor", pl.Float64, "Net gains over net losses of ended positions; null without a loss.", null=True
        ),
        Column("expectancy_cents", MONEY, "Mean net P&L of an ended position, in cents, half-even.", null=True),
        Column("average_holding", pl.Duration("us"), "Mean time from opening to end of a position.", null=True),
        Column("best_position_id", pl.String, "The ended position with the highest net P&L.", null=True),
        Column("best_net_pnl_cents", MONEY, "Its net P&L, in cents.", null=True),
        Column("worst_position_id", pl.String, "The ended position with the lowest net P&L.", null=True),
        Column("worst_net_pnl_cents", MONEY, "Its net P&L, in cents.", null=True),
        Column("max_drawdown_cents", MONEY, "The deepest drawdown at the end of a day, in cents; 0 or negative."),
        Column("transfers_cents", MONEY, "Cash paid in less cash taken out, in cents."),
        Column(
            "return_on_capital",
            pl.Float64,
            "Money-weighted return over the account's life (Modified Dietz).",
            null=True,
        ),
        Column("as_of", TIME, "Up to when.", null=True),
    ),
    key=(),
    order=(),
)

RECONCILIATION = Table(
    "reconciliation",
    "check of one of our figures against the exchange's",
    (
        Column("check", pl.String, "What is compared."),
        _SUBACCOUNT,
        Column("ticker", pl.String, "The market; null for cash.", null=True),
        Column("unit", pl.String, "`contracts` or `cents`: what the three figures count."),
        Column("ours", MONEY, "Our figure.", null=True),
        Column("theirs", MONEY, "The exchange's figure.", null=True),
        Column("difference", MONEY, "Ours less theirs.", null=True),
        Column("ok", pl.Boolean, "Whether they agree, to the precision in which the exchange reports."),
        Column("cause", pl.String, "Why they do not, in words; or what a tolerated difference is.", null=True),
    ),
    key=("check", "subaccount", "ticker"),
    order=("check", "subaccount", "ticker"),
)

COVERAGE = Table(
    "coverage",
    "stretch of time of a dataset and subaccount",
    (
        Column("dataset", pl.String, "Which dataset."),
        _SUBACCOUNT,
        Column("covered_from", TIME, "Start, inclusive."),
        Column("covered_to", TIME, "End, exclusive."),
        Column(
            "status",
            pl.String,
            "`complete`; `missing`: the next sync fetches it; `archived`: the exchange no longer lists it.",
        ),
        Column("note", pl.String, "What that means for you.", null=True),
    ),
    key=("dataset", "subaccount", "covered_from"),
    order=("dataset", "subaccount", "covered_from"),
)

DATASETS = {t.name: t for t in (FILLS, SETTLEMENTS, SNAPSHOTS, TRANSFERS, BALANCES, MARKETS, SYNC_LOG)}
FRAMES = {t.name: t for t in (TRADES, LOTS, POSITIONS, COVERAGE)}
