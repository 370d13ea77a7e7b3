"""Text that is used like any other and shown to nobody."""

from __future__ import annotations

from typing import Any, NoReturn, Self

SECRET = frozenset({"api_key_id", "private_key", "private_key_password"})
"""The settings that are secret, by name."""


class Secret(str):
    """Text that is used like any other and shown to nobody.

    Its ``repr``, ``str`` and formatted form are all ``[hidden]``: tracebacks with local variables, test runners,
    loggers and notebooks show values by these. It cannot be pickled. Only what asks for the text itself gets it, such
    as ``encode()``, ``==`` or a method of ``str``.

    Examples:
        >>> secret = Secret("hunter2")
        >>> secret, f"{secret}", secret == "hunter2"
        ([hidden], '[hidden]', True)
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Wrap a text; a secret stays the one that it is, for ``str()`` of it is only what is shown of it."""
        return text if isinstance(text, cls) else super().__new__(cls, text)

    def __repr__(self) -> str:
        return "[hidden]"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("A secret is not pickled. Expected settings without one: load them anew where they are needed.")


def conceal(values: dict[str, Any]) -> dict[str, Any]:
    """Hide the secrets among settings by name, in place, so that no traceback with local variables shows them.

    Examples:
        >>> conceal({"private_key": "-----BEGIN...", "environment": "demo"})
        {'private_key': [hidden], 'environment': 'demo'}
    """
    for name in SECRET & values.keys():
        values[name] = hidden(values[name])
    return values


def hidden(text: str | None) -> Secret | None:
    """Wrap a text, if there is one."""
    return None if text is None else Secret(text)
