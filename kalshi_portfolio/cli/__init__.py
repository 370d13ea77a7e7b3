"""The command line: a thin shell over the public functions.

run         runs a command, tells what went wrong   app        lists the commands
frames      commands that compute a table           datasets   commands that show what is on disk
syncing     `demo` and `sync`                       watch      `sync --watch`: round after round
checking    `status` and `doctor`                   report     `report`: the account as one page
options     what several commands understand
views       screens that are no table               columns    which columns a table shows
tables      tables that fit the terminal            data       JSON and CSV for other programs
completion  what the Tab key offers              interruption   what Ctrl-C leaves
"""

from kalshi_portfolio.cli.run import main

__all__ = ["main"]
