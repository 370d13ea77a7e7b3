"""Names that a call does not know: refused before anything is done, and near ones named."""

from __future__ import annotations

import difflib
import inspect
from typing import TYPE_CHECKING, Any

from kalshi_portfolio.errors import ArgumentError
from kalshi_portfolio.settings.chosen import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable


def check_options(given: dict[str, Any], call: Callable[..., object]) -> None:
    """Refuse what is no setting, of what a call took by name beside its own options.

    Args:
        given: What came by name; emptied if it is refused, for a misspelt name may hold a secret.
        call: The function that took it; it names its own options.

    Raises:
        ArgumentError: A name is no setting.
    """
    settings = list(inspect.signature(load_settings).parameters)
    unknown = [name for name in given if name not in settings]
    if not unknown:
        return
    given.clear()
    parameters = inspect.signature(call).parameters.values()
    options = [one.name for one in parameters if one.kind is not inspect.Parameter.VAR_KEYWORD]
    close = difflib.get_close_matches(unknown[0], [*options, *settings], n=2, cutoff=0.6)
    near = f" (near: {', '.join(close)})" if close else ""
    raise ArgumentError(
        f"{call.__name__}() has no option {unknown[0]!r}{near}. Expected its options, {', '.join(options)}, or "
        f"settings, {', '.join(settings)}."
    )
