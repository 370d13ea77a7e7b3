"""The series of the demo account. Every name, rule and figure is invented; no real person occurs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """How the events of a series come about.

    Attributes:
        form: ``ladder`` (above a strike), ``bracket`` (in a range), ``match`` (two sides) or ``field`` (many).
        event: The event's title; ``{when}``, ``{a}``, ``{b}`` and ``{name}`` are filled in.
        market: The market's title; ``{label}`` too.
        unit: How a value is written; ``{}`` stands for the number.
        digits: Its decimals.
        level: Where the quantity starts on average, by month for what has seasons.
        swing: How far that level wanders over the two years.
        sigma: Its standard deviation over an event's life.
        step: The distance between strikes.
        offset: What is taken off a strike, such as 0.01.
        life: Hours from opening to closing.
        closes: The hour of the day (UTC) at which it closes.
        code: What the event ticker says of the date: ``day``, ``month`` or ``hour``.
        settles: Minutes from closing to the result.
        weight: How often the trader looks at it.
        skill: The part of the trader's entries that know better than the market.
        subaccount: Where the trader mostly trades it.
    """

    ticker: str
    title: str
    category: str
    form: str
    event: str
    market: str
    tags: tuple[str, ...] = ()
    frequency: str = "daily"
    unit: str = "{}"
    digits: int = 0
    level: tuple[float, ...] = (0.0,)
    swing: float = 0.0
    sigma: float = 1.0
    step: float = 1.0
    offset: float = 0.0
    life: int = 36
    closes: int = 4
    code: str = "day"
    settles: int = 30
    weight: float = 1.0
    skill: float = 0.1
    subaccount: int = 0
    exchange_index: int = 0
    fee_type: str = "quadratic"
    halved_until: str = ""
    ticks: str = "linear_cent"
    collateral: str = ""
    names: tuple[tuple[str, str], ...] = ()


_NEW_YORK = (39, 42, 50, 61, 71, 80, 85, 83, 76, 65, 54, 44)
_CHICAGO = (32, 36, 47, 59, 70, 80, 84, 82, 75, 62, 48, 36)
_MIAMI = (76, 78, 80, 83, 87, 89, 91, 91, 89, 86, 82, 78)

_BASEBALL = (
    ("NYY", "New York"), ("BOS", "Boston"), ("CHC", "Chicago"), ("SEA", "Seattle"), ("HOU", "Houston"),
    ("ATL", "Atlanta"), ("SD", "San Diego"), ("PHI", "Philadelphia"), ("TOR", "Toronto"), ("STL", "St. Louis"),
)  # fmt: skip
_BASKETBALL = (
    ("DEN", "Denver"), ("MIA", "Miami"), ("PHX", "Phoenix"), ("MEM", "Memphis"), ("SAC", "Sacramento"),
    ("ORL", "Orlando"), ("IND", "Indiana"), ("POR", "Portland"), ("UTA", "Utah"), ("OKC", "Oklahoma City"),
)  # fmt: skip
_FOOTBALL = (
    ("BUF", "Buffalo"), ("KC", "Kansas City"), ("GB", "Green Bay"), ("PIT", "Pittsburgh"), ("TB", "Tampa Bay"),
    ("BAL", "Baltimore"), ("CLE", "Cleveland"), ("JAX", "Jacksonville"), ("NO", "New Orleans"), ("LV", "Las Vegas"),
)  # fmt: skip
_TENNIS = (
    ("VEL", "Velarro"), ("CAS", "Castane"), ("ORL", "Orlovane"), ("HIN", "Hintermoor"), ("SAB", "Sabatelle"),
    ("NYK", "Nykvarn"), ("TAM", "Tamborino"), ("DRO", "Drozdanek"), ("ASH", "Ashgrove-Lind"), ("ITO", "Itogawara"),
)  # fmt: skip
_FILMS = (
    ("GLA", "The Glass"), ("NIN", "Ninth"), ("PAP", "Paper"), ("SAL", "Salt"), ("HOL", "Hollow"), ("CAR", "Carbon"),
    ("LAS", "Last"), ("UND", "Under the"), ("ORC", "Orchard"), ("MER", "Meridian"), ("LAN", "Lantern"),
    ("SIG", "Signal"), ("SEA", "Season"), ("FER", "Ferry"), ("SUN", "Sun"), ("TID", "Tide"),
)  # fmt: skip
_SONGS = (
    ("NEON", "Neon Harvest"), ("SLOW", "Slow Comet"), ("BLUE", "Blue Receipt"), ("HALF", "Half a Summer"),
    ("EASY", "Easy Gravity"),
)  # fmt: skip
_LABS = (
    ("AST", "Asterion"), ("BOR", "Borealis Labs"), ("CAL", "Calyx"), ("DEL", "Delphi Works"), ("EVE", "Evergrid"),
)  # fmt: skip

KINDS = (
    Kind("KXFED", "Fed funds rate", "Economics", "ladder", "Fed funds rate after the {when} meeting?",
         "Will the upper bound of the federal funds rate be {label} after the {when} meeting?",
         ("Fed",), "custom", "{}%", 2, (4.0,), 0.5, 0.22, 0.25, 0, 1300, 18, "month", 10, 5, 0.43),
    Kind("KXCPI", "CPI month over month", "Economics", "ladder", "CPI in {when}?", "Will CPI rise {label} in {when}?",
         ("Inflation",), "monthly", "{}%", 1, (0.3,), 0.1, 0.12, 0.1, 0, 620, 12, "month", 35, 5, 0.4),
    Kind("KXPAYROLLS", "Jobs numbers", "Economics", "ladder", "Jobs report for {when}?",
         "Will the economy add {label} jobs in {when}?",
         ("Employment",), "monthly", "{}", 0, (110000,), 40000, 45000, 25000, 0, 500, 12, "month", 40, 4, 0.29),
    Kind("KXGDP", "US GDP growth", "Economics", "ladder", "GDP growth reported in {when}?",
         "Will real GDP growth reported in {when} be {label}?",
         ("Growth",), "quarterly", "{}%", 1, (2.2,), 0.8, 0.7, 0.5, 0, 1400, 12, "month", 45, 2, 0.25),
    Kind("KXHIGHNY", "Highest temperature in NYC", "Climate and Weather", "bracket",
         "Highest temperature in NYC on {when}?",
         "Will the high temp in NYC be {label} on {when}?",
         ("Daily temperature",), "daily", "{}°", 0, _NEW_YORK, 4, 3.2, 2, 0, 38, 4, "day", 560, 12, 0.47, 1),
    Kind("KXHIGHCHI", "Highest temperature in Chicago", "Climate and Weather", "bracket",
         "Highest temperature in Chicago on {when}?", "Will the high temp in Chicago be {label} on {when}?",
         ("Daily temperature",), "daily", "{}°", 0, _CHICAGO, 4, 3.6, 2, 0, 38, 5, "day", 520, 7, 0.4, 1),
    Kind("KXHIGHMIA", "Highest temperature in Miami", "Climate and Weather", "bracket",
         "Highest temperature in Miami on {when}?", "Will the high temp in Miami be {label} on {when}?",
         ("Daily temperature",), "daily", "{}°", 0, _MIAMI, 2, 1.8, 2, 0, 38, 4, "day", 540, 5, 0.32, 1),
    Kind("KXRAINNYCM", "Rain in NYC this month", "Climate and Weather", "ladder", "Rain in NYC in {when}?",
         "Will it rain {label} in NYC in {when}?",
         ("Rain",), "monthly", "{} in", 1, (3.8,), 1, 1.5, 1, 0, 740, 4, "month", 640, 3, 0.32, 1),
    Kind("KXBTCD", "Bitcoin price", "Crypto", "ladder", "Bitcoin price on {when}?",
         "Bitcoin price {label} on {when}?",
         ("BTC", "Hourly"), "daily", "${}", 2, (92000,), 22000, 1700, 1000, 0.01, 26, 22, "hour", 6, 9, 0.05, 0, 2),
    Kind("KXETHD", "Ethereum price", "Crypto", "ladder", "Ethereum price on {when}?",
         "Ethereum price {label} on {when}?",
         ("ETH", "Hourly"), "daily", "${}", 2, (3300,), 900, 90, 50, 0.01, 26, 22, "hour", 6, 5, 0.04, 0, 2),
    Kind("KXINX", "S&P 500 close", "Financials", "bracket", "S&P 500 close on {when}?",
         "Will the S&P 500 be {label} at the close on {when}?",
         ("S&P",), "daily", "{}", 0, (6300,), 500, 55, 25, 0, 31, 20,
         "day", 75, 6, 0.22, 0, 0, "quadratic", "2026-07-03"),
    Kind("KXWTI", "WTI oil price", "Financials", "ladder", "WTI oil settle on {when}?",
         "Will WTI oil settle {label} on {when}?",
         ("Oil",), "daily", "${}", 2, (71,), 9, 1.2, 0.5, 0.01, 31, 18, "day", 60, 3, 0.14, 0, 2),
    Kind("KXAPRVL", "Presidential approval", "Politics", "ladder", "Presidential approval on {when}?",
         "Will the approval average be {label} on {when}?",
         ("Approval",), "weekly", "{}%", 1, (43,), 3, 0.7, 0.4, 0, 170, 15, "day", 300, 7, 0.29),
    Kind("KXBILLS", "Bills signed into law", "Politics", "ladder", "Bills signed into law in {when}?",
         "Will {label} bills become law in {when}?",
         ("Congress",), "monthly", "{}", 0, (9,), 4, 3.2, 2, 0, 730, 4, "month", 900, 3, 0.32),
    Kind("KXATPMATCH", "Tennis match winner", "Sports", "match", "{a} vs {b}", "Will {label} win the {a} vs {b} match?",
         ("Tennis",), "daily", level=(0,), life=30, closes=21, settles=9, weight=7, skill=0.25, exchange_index=3,
         fee_type="quadratic_with_maker_fees", ticks="tapered_deci_cent", collateral="MECNET", names=_TENNIS),
    Kind("KXMLBGAME", "Professional baseball game", "Sports", "match", "{a} vs {b}", "{a} vs {b} winner?",
         ("Baseball",), "daily", level=(0,), life=34, closes=3, settles=12, weight=7, skill=0.2, exchange_index=3,
         fee_type="quadratic_with_maker_fees", collateral="MECNET", names=_BASEBALL),
    Kind("KXNBAGAME", "Professional basketball game", "Sports", "match", "{a} at {b}", "{a} at {b} winner?",
         ("Basketball",), "daily", level=(0,), life=34, closes=3, settles=10, weight=6, skill=0.09, exchange_index=3,
         fee_type="quadratic_with_maker_fees", collateral="MECNET", names=_BASKETBALL),
    Kind("KXNFLGAME", "Professional football game", "Sports", "match", "{a} at {b}", "{a} at {b} winner?",
         ("Football",), "weekly", level=(0,), life=120, closes=21, settles=15, weight=6, skill=0.18,
         fee_type="quadratic_with_maker_fees", collateral="MECNET", names=_FOOTBALL),
    Kind("KXRT", "Film review score", "Entertainment", "ladder", "Review score of '{name}'?",
         "Will '{name}' score {label} on opening weekend?",
         ("Movies",), "weekly", "{}", 0, (72,), 12, 7, 5, 0, 260, 14, "day", 60, 4, 0.36, names=_FILMS),
    Kind("KXTOPSONG", "Top song of the week", "Entertainment", "field", "Top song on {when}?",
         "Will '{label}' be the top song on {when}?",
         ("Music",), "weekly", level=(0,), sigma=1.2, step=0.9, life=160, closes=15, settles=120, weight=3, skill=0.32,
         collateral="MECNET", names=_SONGS),
    Kind("KXTOPMODEL", "Best AI model this month", "Science and Technology", "field",
         "Which lab leads the ranking in {when}?",
         "Will {label} lead the model ranking at the end of {when}?",
         ("AI",), "monthly", level=(0,), sigma=1.1, step=0.8, life=720, closes=15, code="month", settles=90, weight=3,
         skill=0.36, ticks="deci_cent", collateral="MECNET", names=_LABS),
    Kind("KXLAUNCHES", "Orbital launches", "Science and Technology", "ladder", "Orbital launches in {when}?",
         "Will there be {label} orbital launches in {when}?",
         ("Space",), "monthly", "{}", 0, (24,), 5, 3.5, 2, 0, 735, 4, "month", 700, 3, 0.25, 2),
)  # fmt: skip
"""The demo's series, apart from the combinations."""

COMBO = Kind(
    "KXMVESPORTSMULTI", "Sports combos", "Exotics", "combo", "Combo", "{label}",
    ("Combos",), "custom", level=(0,), sigma=0.9, life=48, closes=4, settles=20, weight=2, skill=0.04, subaccount=2,
    exchange_index=1, fee_type="quadratic_with_combo_maker_fees", ticks="centi_cent",
)  # fmt: skip
"""The combinations: several sports markets that must all come true."""
