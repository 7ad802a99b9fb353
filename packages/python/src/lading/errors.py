"""What calls of this package raise."""

from __future__ import annotations


class LadingError(Exception):
    """A failure of Lading, its server or the local outbox.

    `code` is stable and what programs compare: the server's own codes, or one of those below. `status` is the
    HTTP status, or None where no answer came. `detail` names what is wrong and says what to do.
    """

    def __init__(self, code: str, detail: str, status: int | None = None, retryable: bool = False) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.status = status
        self.detail = detail
        self.retryable = retryable

    def __reduce__(self) -> tuple[type[LadingError], tuple[str, str, int | None, bool]]:
        return _rebuilt, (self.code, self.detail, self.status, self.retryable)  # type: ignore[return-value]


def _rebuilt(code: str, detail: str, status: int | None, retryable: bool) -> LadingError:
    return LadingError(code, detail, status, retryable)


class ServerError(LadingError):
    """The server refused: `code`, `status` and `detail` are its own (`docs/errors.md`)."""


class Unreachable(LadingError):
    """No answer came: `code` is `unreachable`. The request may be sent again."""

    def __init__(self, detail: str) -> None:
        super().__init__("unreachable", detail, None, True)


class FileChanged(LadingError):
    """A file is another than when it was logged: `code` is `file_changed`. Nothing of it is kept by the server."""

    def __init__(self, detail: str) -> None:
        super().__init__("file_changed", detail)


class OutboxFailed(LadingError):
    """The local outbox could not take what was logged: `code` is `outbox_full` or `outbox_failed`."""


class LinkRefused(LadingError):
    """A symbolic link, device or socket lies in a directory that is logged: `code` is `link_refused`."""

    def __init__(self, detail: str) -> None:
        super().__init__("link_refused", detail)


class Cancelled(LadingError):
    """The upload was cancelled: `code` is `cancelled`."""

    def __init__(self, detail: str = "the upload was cancelled") -> None:
        super().__init__("cancelled", detail)


class WaitTimeout(LadingError, TimeoutError):
    """What was waited for is still under way: `code` is `wait_timeout`."""

    def __init__(self, detail: str) -> None:
        super().__init__("wait_timeout", detail, None, True)
