"""What happened in the account: orders, fills, settlements and movements of cash."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Order:
    """One order. Prices, counts, money and times are in the units of :mod:`.amounts`.

    Attributes:
        residue: What rounding took so far and was not given back, in micro-dollars.
    """

    order_id: str
    client_order_id: str
    ticker: str
    subaccount: int
    exchange_index: int
    side: str
    action: str
    yes_price: int
    count: int
    created: int
    updated: int
    status: str = "executed"
    filled: int = 0
    residue: int = 0
    taker_cost: int = 0
    maker_cost: int = 0
    taker_fees: int = 0
    maker_fees: int = 0

    @property
    def key(self) -> tuple[int, str]:
        """What orders are sorted by."""
        return (self.created, self.order_id)


@dataclass(slots=True)
class Fill:
    """One execution. ``side`` is the outcome acquired; ``cash`` is the change of the balance, fee included.

    Attributes:
        body: Its row, encoded.
        legacy: Its row as the archive has it, encoded when it is first asked for.
    """

    key: tuple[int, str]
    order_id: str
    ticker: str
    subaccount: int
    exchange_index: int
    side: str
    action: str
    count: int
    yes_price: int
    is_taker: bool
    fee: int
    cash: int
    body: bytes = field(default=b"", repr=False)
    legacy: bytes = field(default=b"", repr=False)

    @property
    def fill_id(self) -> str:
        """The exchange's id."""
        return self.key[1]

    @property
    def at(self) -> int:
        """When it happened."""
        return self.key[0]


@dataclass(frozen=True, slots=True)
class Settlement:
    """A market paid out to one subaccount.

    Attributes:
        payout: What was credited, in micro-dollars: a multiple of $0.0001.
        residue: What rounding the payout down took (the "settlement fee"), in micro-dollars.
        fee: The trading fees of the market, in micro-dollars.
    """

    ticker: str
    event_ticker: str
    subaccount: int
    exchange_index: int
    result: str
    value: int
    yes_count: int
    no_count: int
    yes_cost: int
    no_cost: int
    payout: int
    residue: int
    fee: int
    at: int

    @property
    def key(self) -> tuple[int, str]:
        """What settlements are sorted by."""
        return (self.at, f"{self.ticker}/{self.subaccount}")


@dataclass(slots=True)
class Movement:
    """A deposit or a withdrawal; ``kind`` says which. Cents are whole. ``finalized`` is None while pending."""

    kind: str
    transfer_id: str
    method: str
    amount_cents: int
    fee_cents: int
    created: int
    status: str = "pending"
    finalized: int | None = None

    @property
    def key(self) -> tuple[int, str]:
        """What movements are sorted by."""
        return (self.created, self.transfer_id)


@dataclass(frozen=True, slots=True)
class SubaccountTransfer:
    """Cash moved between two subaccounts of one shard."""

    transfer_id: str
    source: int
    target: int
    amount_cents: int
    created: int
    exchange_index: int

    @property
    def key(self) -> tuple[int, str]:
        """What transfers are sorted by."""
        return (self.created, self.transfer_id)


@dataclass(frozen=True, slots=True)
class InstanceTransfer:
    """Cash of the primary subaccount moved between shards, or to and from the margined exchange."""

    transfer_id: str
    source: str
    target: str
    source_shard: int
    target_shard: int
    amount: int
    created: int

    @property
    def key(self) -> tuple[int, str]:
        """What transfers are sorted by."""
        return (self.created, self.transfer_id)
