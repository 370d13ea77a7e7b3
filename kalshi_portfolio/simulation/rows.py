"""The JSON rows that the exchange answers with, field by field as in the API's examples."""

from __future__ import annotations

import json
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from kalshi_portfolio.simulation.amounts import (
    CENT,
    DAY,
    DOLLAR,
    SECOND,
    balance,
    count,
    money,
    price,
    stamp,
    to_micros,
)
from kalshi_portfolio.simulation.world import TICKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kalshi_portfolio.simulation.books import Position
    from kalshi_portfolio.simulation.records import (
        Fill,
        InstanceTransfer,
        Movement,
        Order,
        Settlement,
        SubaccountTransfer,
    )
    from kalshi_portfolio.simulation.world import Event, Market, Series

Row = dict[str, Any]

_SOURCES = [{"name": "Invented Bureau", "url": "https://example.invalid/source"}]


def encode(row: Row) -> bytes:
    """Encode one row."""
    return json.dumps(row, separators=(",", ":"), ensure_ascii=False).encode()


def fill(record: Fill, *, direction: bool = True, origin: bool = True) -> bytes:
    """Encode a fill.

    Args:
        record: The fill.
        direction: Whether ``outcome_side`` and ``book_side`` are there.
        origin: Whether ``fee_cost``, ``subaccount_number`` and ``exchange_index`` are there.
    """
    at, fill_id = record.key
    side, ticker, yes = record.side, record.ticker, record.yes_price
    shard = f'"exchange_index":{record.exchange_index},' if origin else ""
    sides = f'"outcome_side":"{side}","book_side":"{"bid" if side == "yes" else "ask"}",' if direction else ""
    fee = f'"fee_cost":"{money(record.fee)}",' if origin else ""
    subaccount = f'"subaccount_number":{record.subaccount},' if origin else ""
    return (
        f'{{"fill_id":"{fill_id}","trade_id":"{fill_id}","order_id":"{record.order_id}","ticker":"{ticker}",'
        f'"market_ticker":"{ticker}",{shard}"side":"{side}","action":"{record.action}",{sides}'
        f'"count_fp":"{count(record.count)}","yes_price_dollars":"{price(yes)}",'
        f'"no_price_dollars":"{price(DOLLAR - yes)}","is_taker":{"true" if record.is_taker else "false"},'
        f'{fee}"created_time":"{stamp(at)}",{subaccount}"ts":{at // SECOND}}}'
    ).encode()


def order(record: Order, user_id: str) -> Row:
    """Give an order."""
    remaining = 0 if record.status == "canceled" else record.count - record.filled
    return {
        "order_id": record.order_id,
        "user_id": user_id,
        "client_order_id": record.client_order_id,
        "ticker": record.ticker,
        # Orders keep what was clicked: a sale names the side sold (API 4.2); fills name the side acquired.
        "side": record.side if record.action == "buy" else {"yes": "no", "no": "yes"}[record.side],
        "action": record.action,
        "outcome_side": record.side,
        "book_side": "bid" if record.side == "yes" else "ask",
        "type": "limit",
        "status": record.status,
        "yes_price_dollars": price(record.yes_price),
        "no_price_dollars": price(DOLLAR - record.yes_price),
        "fill_count_fp": count(record.filled),
        "remaining_count_fp": count(remaining),
        "initial_count_fp": count(record.count),
        "taker_fill_cost_dollars": money(record.taker_cost),
        "maker_fill_cost_dollars": money(record.maker_cost),
        "taker_fees_dollars": money(record.taker_fees),
        "maker_fees_dollars": money(record.maker_fees),
        "expiration_time": None,
        "created_time": stamp(record.created),
        "last_update_time": stamp(record.updated),
        "self_trade_prevention_type": "taker_at_cross",
        "order_group_id": None,
        "cancel_order_on_pause": False,
        "subaccount_number": record.subaccount,
        "exchange_index": record.exchange_index,
    }


def market_position(books: Position) -> Row:
    """Give a market's position. A settled one has position 0 and its payout in the realised P&L."""
    return {
        "ticker": books.ticker,
        "exchange_index": books.exchange_index,
        "total_traded_dollars": money(books.traded),
        "position_fp": count(books.net),
        "market_exposure_dollars": money(to_micros(books.cost)),
        "realized_pnl_dollars": money(to_micros(books.realized)),
        "fees_paid_dollars": money(books.fees),
        "last_updated_ts": stamp(books.updated),
    }


def event_position(event_ticker: str, parts: Sequence[Position]) -> Row:
    """Give an event's position: the sums over its markets."""
    return {
        "event_ticker": event_ticker,
        "total_cost_dollars": money(sum(p.traded for p in parts)),
        "total_cost_shares_fp": count(sum(p.yes_count + p.no_count for p in parts)),
        "event_exposure_dollars": money(to_micros(sum((p.cost for p in parts), Fraction(0)))),
        "realized_pnl_dollars": money(to_micros(sum((p.realized for p in parts), Fraction(0)))),
        "fees_paid_dollars": money(sum(p.fees for p in parts)),
    }


def settlement(record: Settlement) -> Row:
    """Give a settlement: gross counts and costs, the payout of the net in whole cents."""
    return {
        "ticker": record.ticker,
        "exchange_index": record.exchange_index,
        "event_ticker": record.event_ticker,
        "market_result": record.result,
        "yes_count_fp": count(record.yes_count),
        "yes_total_cost_dollars": money(record.yes_cost),
        "no_count_fp": count(record.no_count),
        "no_total_cost_dollars": money(record.no_cost),
        "revenue": record.payout // CENT,
        "settled_time": stamp(record.at),
        "fee_cost": money(record.fee),
        "value": record.value // 100,
    }


def movement(record: Movement) -> Row:
    """Give a deposit or withdrawal; ``finalized_ts`` is missing while it is pending."""
    row: Row = {
        "id": record.transfer_id,
        "status": record.status,
        "type": record.method,
        "amount_cents": record.amount_cents,
        "fee_cents": record.fee_cents,
        "created_ts": record.created // SECOND,
    }
    if record.finalized is not None:
        row["finalized_ts"] = record.finalized // SECOND
    return row


def subaccount_transfer(record: SubaccountTransfer) -> Row:
    """Give a transfer between subaccounts."""
    return {
        "transfer_id": record.transfer_id,
        "from_subaccount": record.source,
        "to_subaccount": record.target,
        "amount_cents": record.amount_cents,
        "created_ts": record.created // SECOND,
        "exchange_index": record.exchange_index,
    }


def instance_transfer(record: InstanceTransfer) -> Row:
    """Give a transfer between shards, or to and from the margined exchange."""
    return {
        "transfer_id": record.transfer_id,
        "source": record.source,
        "destination": record.target,
        "source_exchange_shard": record.source_shard,
        "destination_exchange_shard": record.target_shard,
        "amount": balance(record.amount),
        "status": "complete",
        "created_ts": record.created // SECOND,
    }


def market(record: Market, at: int) -> Row:
    """Give a market as it stands at a time; its result only once it is determined."""
    status, quote, before = record.status(at), record.quote(at), record.market_price(at - DAY)
    known = status in {"determined", "finalized"}
    strikes = {"floor_strike": record.floor_strike, "cap_strike": record.cap_strike}
    row: Row = {
        "ticker": record.ticker,
        "event_ticker": record.event.ticker,
        "market_type": "binary",
        "title": record.title,
        "subtitle": "",
        "yes_sub_title": record.yes_label,
        "no_sub_title": record.no_label,
        "created_time": stamp(record.opens - DAY),
        "updated_time": stamp(record.opens),
        "open_time": stamp(record.opens),
        "close_time": stamp(record.closes),
        "expected_expiration_time": stamp(record.determined or record.closes),
        "expiration_time": stamp(record.closes + 7 * DAY),
        "latest_expiration_time": stamp(record.closes + 7 * DAY),
        "settlement_timer_seconds": 1800,
        "status": status,
        "yes_bid_dollars": price(quote.bid),
        "yes_bid_size_fp": count(_size(record, quote.bid, 0)),
        "yes_ask_dollars": price(quote.ask),
        "yes_ask_size_fp": count(_size(record, quote.ask, DOLLAR)),
        "no_bid_dollars": price(DOLLAR - quote.ask),
        "no_ask_dollars": price(DOLLAR - quote.bid),
        "last_price_dollars": price(record.last(at)),
        "volume_fp": count(record.volume(at)),
        "volume_24h_fp": count(record.volume_day(at)),
        "result": record.result if known else "",
        "can_close_early": True,
        "open_interest_fp": count(record.volume(at) * 3 // 5),
        "notional_value_dollars": "1.0000",
        "previous_yes_bid_dollars": price(before.bid),
        "previous_yes_ask_dollars": price(before.ask),
        "previous_price_dollars": price(record.last(at - DAY)),
        "settlement_bounds_type": "default",
        "expiration_value": record.outcome if known else "",
        "strike_type": record.strike_type,
        **{name: strike for name, strike in strikes.items() if strike is not None},
        "rules_primary": f"Invented rule: resolves Yes if the outcome is: {record.yes_label}.",
        "rules_secondary": "",
        "price_level_structure": record.ticks,
        "price_ranges": [
            {"start": price(a), "end": price(b), "step": price(step)} for a, b, step in TICKS[record.ticks]
        ],
        "exchange_index": record.event.series.exchange_index,
    }
    if known:
        row["settlement_value_dollars"] = price(record.value)
    if status == "finalized" and record.settled is not None:
        row["settlement_ts"] = stamp(record.settled)
    if record.strike_type == "custom":
        row["custom_strike"] = {"outcome": record.yes_label}
    if record.legs:
        row["mve_collection_ticker"] = f"{record.event.series.ticker}-C"
        row["mve_selected_legs"] = [
            {"event_ticker": leg.event.ticker, "market_ticker": leg.ticker, "side": side}
            for leg, side in zip(record.legs, record.leg_sides, strict=True)
        ]
    return row


def _size(record: Market, side: int, nobody: int) -> int:
    """Give how much is quoted on a side: any number that stays the same, 0 if nobody quotes."""
    return 0 if side == nobody else 1_000 + (record.depth * 7 + side * 13) % 40_000


def event(record: Event) -> Row:
    """Give an event without its markets."""
    row: Row = {
        "event_ticker": record.ticker,
        "series_ticker": record.series.ticker,
        "sub_title": record.sub_title,
        "title": record.title,
        "collateral_return_type": record.collateral_return_type,
        "mutually_exclusive": record.mutually_exclusive,
        "category": record.series.category,
        "strike_period": "",
        "product_metadata": {"cadence": record.series.frequency},
        "settlement_sources": _SOURCES,
        "last_updated_ts": stamp(min((m.opens for m in record.markets), default=0)),
        "exchange_index": record.series.exchange_index,
    }
    if record.strike_date is not None:
        row["strike_date"] = stamp(record.strike_date)
    return row


def series(record: Series, at: int) -> Row:
    """Give a series with the fee terms of a time."""
    terms = record.terms_at(at)
    return {
        "ticker": record.ticker,
        "frequency": record.frequency,
        "title": record.title,
        "category": record.category,
        "categories": [record.category],
        "tags": list(record.tags) or None,
        "settlement_sources": _SOURCES,
        "contract_url": "https://example.invalid/filing.pdf",
        "contract_terms_url": "https://example.invalid/terms.pdf",
        "fee_type": terms.fee_type,
        "fee_multiplier": _plain(terms.multiplier),
        "additional_prohibitions": [],
        "last_updated_ts": stamp(terms.since or min((m.opens for e in record.events for m in e.markets), default=0)),
        "exchange_index": record.exchange_index,
    }


def fee_change(record: Series, number: int) -> Row:
    """Give one change of a series' fee terms."""
    terms = record.terms[number]
    return {
        "id": f"fc-{record.ticker.lower()}-{number}",
        "series_ticker": record.ticker,
        "fee_type": terms.fee_type,
        "fee_multiplier": _plain(terms.multiplier),
        "scheduled_ts": stamp(terms.since),
    }


def _plain(multiplier: Fraction) -> int | float:
    return int(multiplier) if multiplier.denominator == 1 else multiplier.numerator / multiplier.denominator
