"""The errors of this package, all under one root.

Every message says what failed, what came, what was expected and what to do.

    KalshiPortfolioError
    ├── ArgumentError            a call that cannot mean anything (also a ValueError)
    ├── SettingsError            no key, unreadable key, contradictory settings
    ├── ApiError                 the exchange answered with an error
    │   ├── BadRequestError      400 and other 4xx
    │   ├── AuthenticationError  401
    │   ├── PermissionDeniedError 403
    │   ├── NotFoundError        404
    │   ├── RateLimitError       429
    │   └── ServerError          5xx
    ├── ConnectionFailedError    no answer: no network, a reset, a timeout
    ├── ProtocolError            an answer that is not what the API documents
    ├── SchemaError              rows that do not conform to a dataset's schema
    └── StoreError               the data folder
        ├── RootNotFoundError    there is no data folder at the path tried
        ├── RootMismatchError    the data folder belongs to another account
        ├── LockedError          another process is syncing this folder
        ├── DamagedFileError     a file that cannot be read; it is left untouched
        └── SchemaVersionError   written by a newer version of this package
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class KalshiPortfolioError(Exception):
    """The root of every error that this package raises on purpose.

    Examples:
        >>> import kalshi_portfolio as kp
        >>> try:
        ...     kp.Portfolio("no/such/folder")
        ... except KalshiPortfolioError as error:
        ...     type(error).__name__
        'RootNotFoundError'
    """


class ArgumentError(KalshiPortfolioError, ValueError):
    """A call that cannot mean anything: an unknown column, a naive datetime, an impossible range."""


class UnknownTickerWarning(UserWarning):
    """A filter names a ticker that nothing on disk has, perhaps by a slip: near ones are named.

    It is no error, since a market that was not traded yet is a fair question with no rows for an answer. To be strict:
    ``warnings.simplefilter("error", kp.errors.UnknownTickerWarning)``.
    """


class NotSyncedWarning(UserWarning):
    """A dataset was asked for that no sync has ever read, so its frame is empty: the sync that fills it is named."""


class SettingsError(KalshiPortfolioError):
    """Settings that are missing, unreadable or contradict each other."""


class ApiError(KalshiPortfolioError):
    """The exchange answered with an error.

    Attributes:
        status: The HTTP status.
        code: The exchange's error code, or an empty string where it gave none.
        endpoint: Method and path without the query, e.g. ``GET /portfolio/fills``.
    """

    def __init__(self, message: str, *, status: int, code: str = "", endpoint: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.endpoint = endpoint


class BadRequestError(ApiError):
    """The exchange refused the request itself (400 and other 4xx)."""


class AuthenticationError(ApiError):
    """The exchange does not accept the key or the signature (401)."""


class PermissionDeniedError(ApiError):
    """The key may not use this endpoint (403)."""


class NotFoundError(ApiError):
    """There is no such thing at the exchange (404)."""


class RateLimitError(ApiError):
    """Too many requests, still after all retries (429)."""


class ServerError(ApiError):
    """The exchange failed, still after all retries (5xx)."""


class ConnectionFailedError(KalshiPortfolioError):
    """No answer came: no network, a reset, a timeout, still after all retries."""


class ProtocolError(KalshiPortfolioError):
    """An answer that is not what the API documents: HTML, cut-off JSON, a repeated cursor."""


class SchemaError(KalshiPortfolioError):
    """Rows that do not conform to the schema of a dataset or frame."""


class StoreError(KalshiPortfolioError):
    """Something about the data folder.

    Attributes:
        path: The file or folder it is about.
    """

    def __init__(self, message: str, *, path: Path) -> None:
        super().__init__(message)
        self.path = path


class RootNotFoundError(StoreError):
    """There is no data folder at the path tried."""


class RootMismatchError(StoreError):
    """The data folder belongs to another account or environment."""


class LockedError(StoreError):
    """Another process holds the lock of the data folder."""


class DamagedFileError(StoreError):
    """A data file that cannot be read. It is named, and left untouched."""


class SchemaVersionError(StoreError):
    """A data file written by a newer version of this package."""
