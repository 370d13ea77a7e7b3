"""Commands that show what is on disk, as the exchange reported it."""

from kalshi_portfolio.cli import columns
from kalshi_portfolio.cli.data import refuse_both, show
from kalshi_portfolio.cli.options import AsCsv, AsJson, Limit, Root, Since, Tickers, Until
from kalshi_portfolio.portfolio import Portfolio


def fills(
    root: Root = None,
    ticker: Tickers = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List fills as the exchange reported them, newest first: the price is that of the side that was taken.

    `trades` has the same rows, linked to positions.
    """
    refuse_both(as_json=as_json, as_csv=as_csv)
    frame = Portfolio(root).fills(tickers=ticker, since=since, until=until).reverse()
    show(frame, columns.FILLS, limit, as_json=as_json, as_csv=as_csv)


def settlements(
    root: Root = None,
    ticker: Tickers = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List settled markets, newest first.

    Where the exchange no longer lists a settlement, it is rebuilt from the fills and the market's result; `source`
    says so.
    """
    refuse_both(as_json=as_json, as_csv=as_csv)
    frame = Portfolio(root).settlements(tickers=ticker, since=since, until=until).reverse()
    show(frame, columns.SETTLEMENTS, limit, as_json=as_json, as_csv=as_csv)


def transfers(
    root: Root = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List deposits, withdrawals and internal transfers, newest first; an amount is what it did to the cash."""
    refuse_both(as_json=as_json, as_csv=as_csv)
    frame = Portfolio(root).transfers(since=since, until=until).reverse()
    show(frame, columns.TRANSFERS, limit, as_json=as_json, as_csv=as_csv)


def balances(
    root: Root = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = None,
    as_json: AsJson = False,
    as_csv: AsCsv = False,
) -> None:
    """List the cash of each subaccount, newest day first, as each day's last sync found it."""
    refuse_both(as_json=as_json, as_csv=as_csv)
    frame = Portfolio(root).balances(since=since, until=until)
    frame = frame.sort("last_synced", descending=True, maintain_order=True)
    show(frame, columns.BALANCES, limit, as_json=as_json, as_csv=as_csv)


def markets(
    root: Root = None, ticker: Tickers = None, limit: Limit = None, as_json: AsJson = False, as_csv: AsCsv = False
) -> None:
    """List the markets ever traded, those that close last first, with results and last quotes."""
    refuse_both(as_json=as_json, as_csv=as_csv)
    frame = Portfolio(root).markets(tickers=ticker)
    frame = frame.sort("close_time", descending=True, nulls_last=True, maintain_order=True)
    show(frame, columns.MARKETS, limit, as_json=as_json, as_csv=as_csv)


def coverage(root: Root = None, limit: Limit = None, as_json: AsJson = False, as_csv: AsCsv = False) -> None:
    """List which stretches of time are on disk, and which are missing. `status` says the same in words."""
    refuse_both(as_json=as_json, as_csv=as_csv)
    show(Portfolio(root).coverage(), columns.COVERAGE, limit, as_json=as_json, as_csv=as_csv)
