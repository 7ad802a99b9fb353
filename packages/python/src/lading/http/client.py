"""One request over pooled connections."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Union

import urllib3

from lading.errors import ServerError, Unreachable
from lading.http.pools import READ_SECONDS, pool_for
from lading.http.problem import error_of
from lading.http.retry import parse_date, parse_retry_after
from lading.settings import Settings
from lading.version import __version__

CONNECT_SECONDS = 10.0

Body = Union[bytes, Iterable[bytes]]
"""What raises while it is iterated breaks the request off, and is raised as it is, unless it is an OSError."""


@dataclass(frozen=True)
class Answer:
    """What the server said, whole. Names of headers are found however they are spelt."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body; raises ServerError where it is no JSON, as that of a captive portal."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ServerError("http_error", "the answer is no JSON; is this a Lading server?", self.status) from error


class RetryLater(ServerError):
    """A refusal that may pass; `retry_after` is what the server asks for, in seconds."""

    def __init__(self, refusal: ServerError, retry_after: float | None) -> None:
        super().__init__(refusal.code, refusal.detail, refusal.status, True)
        self.retry_after = retry_after


class HttpClient:
    """Sends requests to one server. Threads may share it; a forked child makes its own."""

    def __init__(self, settings: Settings, connections: int = 8) -> None:
        self._base = settings.url
        self._headers = {"User-Agent": f"lading-python/{__version__}", "Accept": "application/json"}
        if settings.api_key is not None:
            self._headers["Authorization"] = f"Bearer {settings.api_key}"
        if settings.tenant is not None:
            self._headers["X-Tenant-ID"] = settings.tenant
        self._pool = pool_for(settings, connections)
        self._clock: tuple[float, float] | None = None

    def request(
        self,
        method: str,
        path: str,
        *,
        json_body: object | None = None,
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        read_seconds: float = READ_SECONDS,
    ) -> Answer:
        """Sends once, and reads the whole answer.

        Raises Unreachable where no whole answer came, RetryLater for a refusal that may pass, and ServerError
        for one that stays. Redirects are refusals: a body must not go to another server.
        """
        sent = {**self._headers, **(headers or {})}
        if json_body is not None:
            body = json.dumps(json_body).encode()
            sent["Content-Type"] = "application/json"
        response = self._send(method, path, body, sent, read_seconds, preload=True)
        answer = Answer(response.status, response.headers, response.data)
        if 200 <= answer.status < 300:
            return answer
        raise _refusal(response, answer.body)

    def stream(self, path: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        """A GET whose body the caller reads and releases. Raises as `request` does."""
        response = self._send("GET", path, None, {**self._headers, **headers}, READ_SECONDS, preload=False)
        if 200 <= response.status < 300:
            return response
        try:
            raise _refusal(response, response.read(64 * 1024))
        finally:
            response.release_conn()

    def server_time(self) -> float | None:
        """Seconds since 1970 by the server's clock, to a second or so; None before its first answer."""
        if self._clock is None:
            return None
        date, heard = self._clock
        return date + time.monotonic() - heard

    def close(self) -> None:
        self._pool.clear()

    def _send(
        self,
        method: str,
        path: str,
        body: Body | None,
        headers: Mapping[str, str],
        read_seconds: float,
        *,
        preload: bool,
    ) -> urllib3.BaseHTTPResponse:
        try:
            response = self._pool.request(
                method,
                self._base + path,
                body=body,  # pyright: ignore[reportArgumentType]
                headers=headers,
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds),
                retries=False,
                redirect=False,
                preload_content=preload,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unreachable(f"{self._base}: {error}") from error
        except OSError as error:
            raise Unreachable(f"{self._base}: {error}") from error
        date = parse_date(response.headers.get("Date"))
        if date is not None:
            self._clock = (date, time.monotonic())
        return response


def _refusal(response: urllib3.BaseHTTPResponse, body: bytes) -> ServerError:
    refusal = error_of(response.status, body, response.headers.get("Location"))
    if not refusal.retryable:
        return refusal
    return RetryLater(refusal, parse_retry_after(response.headers.get("Retry-After"), response.headers.get("Date")))
