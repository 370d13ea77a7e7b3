"""How the exchange says no."""

from __future__ import annotations

import json


class Refusal(Exception):  # noqa: N818  (an answer, not a fault: the transport turns it into a response)
    """A request that the exchange answers with an error. It never leaves the transport.

    Attributes:
        status: The HTTP status.
        code: The error's code.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def body(self) -> bytes:
        """Give the body in the shape that is seen live: the error nested, with code and message."""
        error: dict[str, str] = {"code": self.code, "message": str(self)}
        return json.dumps({"error": error}).encode()


def bad(message: str) -> Refusal:
    """Give the refusal of a request that makes no sense (400)."""
    return Refusal(400, "bad_request", message)


def missing(message: str) -> Refusal:
    """Give the refusal of a request for something that is not there (404)."""
    return Refusal(404, "not_found", message)
