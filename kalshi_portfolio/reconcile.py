"""Do our figures equal the exchange's? Check by check, row by row, with the cause in words where they do not.

Nothing is made to fit. A difference is shown as it is, and what the exchange rounds away is tolerated only to the
precision in which it reports: revenue in whole cents, positions in millionths of a dollar.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from kalshi_portfolio import money
from kalshi_portfolio.display import counted
from kalshi_portfolio.schema import RECONCILIATION, TIME

if TYPE_CHECKING:
    from datetime import datetime

    from kalshi_portfolio.ledger import Linked

_KEY = ["subaccount", "ticker"]
_PER_QUANTITY_UNIT: int = 10 ** (money.MONEY_SCALE - money.QUANTITY_SCALE)
_WHOLE_CENT = 10**money.MONEY_SCALE
_CASH_STEP = 10 ** (money.MONEY_SCALE - 2)  # $0.0001: the step of a direct member's balance
_REPORTED_STEP = 10 ** (money.MONEY_SCALE - 4)  # $0.000001: the last digit of money in a position

_CAUSES = {
    "position": "Fills are missing, or came after the position was read: sync again.",
    "position_fees": "A fee was corrected, or fills are missing.",
    "position_realized_pnl": "Fills are missing, or the exchange counts this market otherwise than by average cost.",
    "position_exposure": "Fills are missing, or collateral return nets this market against others of its event.",
    "settlement_yes_quantity": "Fills are missing.",
    "settlement_no_quantity": "Fills are missing.",
    "settlement_yes_cost": "A fill's price was corrected, or fills are missing.",
    "settlement_no_cost": "A fill's price was corrected, or fills are missing.",
    "settlement_fees": "A fee was corrected, or fills are missing.",
    "settlement_revenue": "The payout was corrected, or collateral return paid part of it before.",
    "settlement_pnl": "See the other checks of this market.",
}
_CENTS_ONLY = "The exchange reports whole cents; the rest is below one."
_BALANCE_STEP_ONLY = "The exchange reports balances in steps of 0.01 cents; the rest is below that."
_STEPS_ONLY = "The exchange reports steps of 0.0001 cents, and average cost is rounded; the rest is below that."
_NEED_FEES = ["position_fees", "settlement_fees", "settlement_pnl"]
_NO_FEES = "The fills came without fees, and nothing tells them."
_UNEXPLAINED = (
    "Unexplained cash: interest, incentives, credits and rebates have no endpoint; resting orders may reserve cash."
)


def reconcile(
    linked: Linked,
    *,
    settlements: pl.DataFrame,
    snapshots: pl.DataFrame,
    transfers: pl.DataFrame,
    balances: pl.DataFrame,
    transfers_complete: bool = True,
) -> pl.DataFrame:
    """Compare our figures with the exchange's own.

    ==============================  ====================================================================
    ``position``                    net contracts from our fills against ``position_fp``
    ``position_fees``               our fees against ``fees_paid``
    ``position_realized_pnl``       our P&L at average cost against ``realized_pnl``
    ``position_exposure``           our average cost of what is held against ``market_exposure``
    ``settlement_yes_quantity``...  gross contracts and costs per side against the settlement row's
    ``settlement_fees``             our fees against its ``fee_cost``
    ``settlement_revenue``          payout of what we held against its ``revenue`` (whole cents)
    ``settlement_pnl``              our net P&L against revenue + min(yes, no) * $1 - costs - fees
    ``cash``                        transfers, fills, payouts and fees of a subaccount against its balance
    ==============================  ====================================================================

    A position is compared as of its ``last_updated_at``, since fills and positions are read at different instants.

    Args:
        linked: Trades linked to positions.
        settlements: Rows of ``schema.SETTLED``; those rebuilt by ourselves are passed over.
        snapshots: The latest row of every position, ``schema.SNAPSHOTS``.
        transfers: Rows of ``schema.TRANSFERS``.
        balances: The latest balance of every subaccount and shard, ``schema.BALANCES``.
        transfers_complete: Whether every kind of transfer could be read.

    Returns:
        One row per check, ``schema.RECONCILIATION``, by check, subaccount and ticker. A figure that the exchange did
        not give is no row.

    Examples:
        >>> from kalshi_portfolio.ledger import link
        >>> from kalshi_portfolio.schema import BALANCES, FILLS, SETTLED, SNAPSHOTS, TRANSFERS
        >>> nothing = link(FILLS.empty())
        >>> tables = {"settlements": SETTLED, "snapshots": SNAPSHOTS, "transfers": TRANSFERS, "balances": BALANCES}
        >>> reconcile(nothing, **{name: table.empty() for name, table in tables.items()}).height
        0
    """
    markets = pl.concat([_positions(linked, snapshots), _settlements(linked, settlements)])
    explained = _with_causes(markets, linked)
    cash = _cash(linked, settlements, transfers, balances, complete=transfers_complete)
    return RECONCILIATION.conform(pl.concat([explained, cash])).sort(RECONCILIATION.order)


def _check(name: str, unit: str, ours: pl.Expr, theirs: pl.Expr, *, within: int = 1) -> list[pl.Expr]:
    """Give the columns of one check of integers at the scale of money; they may differ by less than ``within``."""
    difference = ours.cast(pl.Int128) - theirs.cast(pl.Int128)
    return [
        pl.lit(name).alias("check"),
        pl.col("subaccount"),
        pl.col("ticker"),
        pl.lit(unit).alias("unit"),
        money.money(ours).alias("ours"),
        money.money(theirs).alias("theirs"),
        money.money(difference).alias("difference"),
        (difference.abs() < within).fill_null(value=False).alias("ok"),
    ]


def _contracts(column: pl.Expr) -> pl.Expr:
    """Bring contracts to the scale of money, so that one column holds both."""
    return money.wide_units(column) * _PER_QUANTITY_UNIT


def _all_known(values: pl.Expr) -> pl.Expr:
    """Sum in 128 bits, or null where a part is unknown."""
    return pl.when(values.is_not_null().all()).then(money.wide_units(values).sum())


def _positions(linked: Linked, snapshots: pl.DataFrame) -> pl.DataFrame:
    """Compare what is held, as of the instant of each position's last change."""
    # Rows by which we closed a position ourselves repeat older figures: only what the exchange said is compared.
    reported = snapshots.filter(
        pl.col("closed_at").is_null() | (pl.col("closed_at") <= pl.col("last_updated_at"))
    ).with_columns(until=pl.coalesce("last_updated_at", "last_synced"))
    events = linked.disposals.filter(pl.col("action") != "settlement").join(
        reported.select(*_KEY, "until"), on=_KEY, maintain_order="left"
    )
    past = events.filter(pl.col("at") <= pl.col("until"))
    bought = (pl.col("side") == "yes") == (pl.col("action") == "buy")
    signed = money.wide_units(pl.col("quantity")) * pl.when(bought).then(1).otherwise(-1)
    sold = pl.col("action") == "sell"
    ours = past.group_by(_KEY).agg(
        signed.sum().alias("net"),
        _all_known(pl.col("fee_cents")).alias("fee"),
        pl.when(pl.col("complete").all())
        .then(money.wide_units(pl.col("realized_pnl_cents").filter(sold)).sum())
        .alias("gain"),
        money.wide_units(pl.col("held_cost_cents").last()).alias("cost"),
    )
    joined = reported.join(ours, on=_KEY, how="left").with_columns(net=pl.col("net").fill_null(0) * _PER_QUANTITY_UNIT)
    checks = [
        _check("position", "contracts", pl.col("net"), _contracts(pl.col("net_quantity"))),
        _check("position_fees", "cents", pl.col("fee"), money.wide_units(pl.col("fees_paid_cents"))),
        _check(
            "position_realized_pnl", "cents", pl.col("gain"), money.wide_units(pl.col("realized_pnl_cents")),
            within=_REPORTED_STEP + 1,
        ),
        _check(
            "position_exposure", "cents", pl.col("cost"), money.wide_units(pl.col("market_exposure_cents")),
            within=_REPORTED_STEP + 1,
        ),
    ]  # fmt: skip
    return pl.concat([joined.select(check) for check in checks]).drop_nulls("theirs")


def _settlements(linked: Linked, settlements: pl.DataFrame) -> pl.DataFrame:
    """Compare reported settlements with the fills and lots of their markets."""
    reported = settlements.filter(pl.col("source") == "exchange")
    joined = (
        reported.join(_gross(linked), on=_KEY, how="left")
        .join(_paid(linked), on=_KEY, how="left")
        .join(_net(linked), on=_KEY, how="left")
        .with_columns(pl.col("paid").fill_null(0))
    )
    sides = [
        check
        for side in ("yes", "no")
        for check in (
            _check(
                f"settlement_{side}_quantity",
                "contracts",
                pl.col(f"{side}_contracts").fill_null(0),
                _contracts(pl.col(f"{side}_quantity")),
            ),
            _check(
                f"settlement_{side}_cost",
                "cents",
                pl.col(f"{side}_spent").fill_null(0),
                money.wide_units(pl.col(f"{side}_cost_cents")),
            ),
        )
    ]
    pairs = pl.min_horizontal(_contracts(pl.col("yes_quantity")), _contracts(pl.col("no_quantity"))) * 100
    spent = money.wide_units(pl.col("yes_cost_cents")) + money.wide_units(pl.col("no_cost_cents"))
    revenue, fees = money.wide_units(pl.col("revenue_cents")), money.wide_units(pl.col("fee_cents"))
    checks = [
        *sides,
        _check("settlement_fees", "cents", pl.col("fee"), fees),
        _check("settlement_revenue", "cents", pl.col("paid"), revenue, within=_WHOLE_CENT),
        _check("settlement_pnl", "cents", pl.col("net_pnl"), revenue + pairs - spent - fees, within=_WHOLE_CENT),
    ]
    return pl.concat([joined.select(check) for check in checks]).drop_nulls("theirs")


def _gross(linked: Linked) -> pl.DataFrame:
    """Add our fills up per side, as a settlement row does."""
    cost, amount = money.wide_units(pl.col("total_cost_cents")), _contracts(pl.col("quantity"))
    sides = {side: pl.col("side") == side for side in ("yes", "no")}
    return linked.axis.fills.group_by(_KEY).agg(
        *(amount.filter(mine).sum().alias(f"{side}_contracts") for side, mine in sides.items()),
        *(cost.filter(mine).sum().alias(f"{side}_spent") for side, mine in sides.items()),
        pl.when(pl.col("fee").is_not_null().all()).then(pl.col("fee").cast(pl.Int128).sum()).alias("fee"),
    )


def _paid(linked: Linked) -> pl.DataFrame:
    """Give what settlements paid out for what was held, exactly, per market."""
    lots = linked.lots.filter(pl.col("exit_kind") == "settlement")
    value = money.product(money.units(pl.col("exit_price_cents")), money.units(pl.col("quantity")))
    return lots.group_by(_KEY).agg(pl.when(value.is_not_null().all()).then(value.sum()).alias("paid"))


def _net(linked: Linked) -> pl.DataFrame:
    """Give the net P&L of each market over all its positions; null where any is unknown."""
    return linked.positions.group_by(_KEY).agg(_all_known(pl.col("net_pnl_cents")).alias("net_pnl"))


def _with_causes(checks: pl.DataFrame, linked: Linked) -> pl.DataFrame:
    """Say why a check fails: the market's history first, else what may be behind such a difference."""
    judged = linked.judged
    history = pl.DataFrame(schema={"subaccount": pl.Int32, "ticker": pl.String, "history": pl.String})
    if judged is not None:
        history = judged.filter(~pl.col("complete")).select(*_KEY, history="cause")
    usual = pl.col("check").replace_strict(_CAUSES, default=None, return_dtype=pl.String)
    unknown_fee = pl.col("ours").is_null() & pl.col("check").is_in(
        ["position_fees", "settlement_fees", "settlement_pnl"]
    )
    cause = (
        pl.when(pl.col("ok") & (pl.col("difference") != 0))
        .then(
            pl.when(pl.col("check").str.starts_with("settlement"))
            .then(pl.lit(_CENTS_ONLY))
            .otherwise(pl.lit(_STEPS_ONLY))
        )
        .when("ok")
        .then(None)
        .when(pl.col("history").is_not_null())
        .then("history")
        .when(unknown_fee)
        .then(pl.lit(_NO_FEES))
        .otherwise(usual)
    )
    joined = checks.join(history, on=_KEY, how="left", maintain_order="left")
    return joined.with_columns(cause=cause).drop("history")


def _cash(
    linked: Linked, settlements: pl.DataFrame, transfers: pl.DataFrame, balances: pl.DataFrame, *, complete: bool
) -> pl.DataFrame:
    """Compare the cash that everything adds up to with the balance, per subaccount."""
    latest: datetime | None = balances.select(pl.col("last_synced").max()).item()
    theirs = balances.group_by("subaccount").agg(money.wide_units(pl.col("balance_cents")).sum().alias("balance"))
    flows = pl.concat([_moved(transfers), _traded(linked, latest), _paid_out(linked, latest)])
    ours = flows.group_by("subaccount").agg(pl.col("cash").sum())
    joined = theirs.join(ours, on="subaccount", how="left").with_columns(
        pl.col("cash").fill_null(0), ticker=pl.lit(None, pl.String)
    )
    rows = joined.select(_check("cash", "cents", pl.col("cash"), pl.col("balance"), within=_CASH_STEP))
    reasons = pl.lit(" ".join(_cash_reasons(linked, settlements, complete=complete)))
    tolerated = pl.when(pl.col("difference") != 0).then(pl.lit(_BALANCE_STEP_ONLY))
    return rows.with_columns(cause=pl.when(~pl.col("ok")).then(reasons).otherwise(tolerated))


def _moved(transfers: pl.DataFrame) -> pl.DataFrame:
    """Give what transfers moved in and out of each subaccount."""
    between = transfers.filter(pl.col("kind") == "subaccount")
    gross = money.wide_units(pl.col("gross_cents"))
    return pl.concat(
        [
            transfers.filter(pl.col("kind") != "subaccount")
            .drop_nulls("amount_cents")
            .select("subaccount", cash=money.wide_units(pl.col("amount_cents"))),
            between.select("subaccount", cash=0 - gross),
            between.drop_nulls("to_subaccount").select(subaccount="to_subaccount", cash=gross),
        ]
    )


def _traded(linked: Linked, until: datetime | None) -> pl.DataFrame:
    """Give the cash of every trade leg: a sale brings its price, a purchase takes it, both take the fee."""
    cost = money.wide_units(pl.col("total_cost_cents"))
    sign = pl.when(pl.col("action") == "sell").then(1).otherwise(-1)
    fee = money.wide_units(pl.col("fee_cents")).fill_null(0)
    return linked.trades.filter(pl.col("executed_at") <= pl.lit(until, TIME)).select(
        "subaccount", cash=cost * sign - fee
    )


def _paid_out(linked: Linked, until: datetime | None) -> pl.DataFrame:
    """Give the payouts; a part of less than $0.0001 is not paid (API 5.3)."""
    lots = linked.lots.filter(pl.col("exit_kind") == "settlement", pl.col("closed_at") <= pl.lit(until, TIME))
    value = money.product(money.units(pl.col("exit_price_cents")), money.units(pl.col("quantity")))
    paid = lots.group_by(_KEY).agg(value.sum().alias("paid"))
    return paid.select("subaccount", cash=pl.col("paid") // _CASH_STEP * _CASH_STEP)


def _cash_reasons(linked: Linked, settlements: pl.DataFrame, *, complete: bool) -> list[str]:
    """Name everything that may be behind a difference in cash, with numbers where there are any."""
    reasons = [_UNEXPLAINED]
    judged = linked.judged
    partial = 0 if judged is None else judged.filter(~pl.col("complete")).height
    if partial:
        reasons.append(f"The history of {counted(partial, 'market')} is incomplete.")
    unknown = linked.trades["fee_cents"].null_count()
    if unknown:
        reasons.append(f"The fees of {counted(unknown, 'trade')} are unknown.")
    if not complete:
        reasons.append("Not every kind of transfer could be read.")
    rebuilt = settlements.filter(pl.col("source") == "market").height
    if rebuilt:
        reasons.append(
            f"{counted(rebuilt, 'settlement was', 'settlements were')} rebuilt from results, since the exchange "
            "archived them."
        )
    netted = 0 if linked.markets is None else linked.markets.drop_nulls("collateral_return_type").height
    if netted:
        reasons.append(f"In {counted(netted, 'market')} collateral return may have moved cash, if it is switched on.")
    return reasons
