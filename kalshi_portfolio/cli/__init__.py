"""The command line: a thin shell over the public functions.

run      runs a command, tells what went wrong     app       the commands
views    what `demo` and `status` show             tables    frames as tables, JSON, CSV
columns  which columns a table shows
"""

from kalshi_portfolio.cli.run import main

__all__ = ["main"]
