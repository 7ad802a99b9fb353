"""Connections: directly, or by a proxy; with the TLS that is set."""

from __future__ import annotations

import urllib.request
from typing import Any
from urllib.parse import unquote, urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from lading.settings import Settings

READ_SECONDS = 300.0
"""Silence after which a request has failed. The answer to a large upload takes a flush of the server's disk."""


def pool_for(settings: Settings, connections: int) -> urllib3.PoolManager:
    options: dict[str, Any] = {"maxsize": connections, "block": False}
    if settings.ca_file is not None:
        options["ca_certs"] = settings.ca_file
    if settings.client_cert is not None:
        options["cert_file"] = settings.client_cert
    proxy = _proxy_for(settings.url)
    if proxy is None:
        pool = urllib3.PoolManager(**options)
    else:
        pool = urllib3.ProxyManager(proxy, proxy_headers=_credentials_in(proxy), **options)
    pool.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
    return pool


def _proxy_for(url: str) -> str | None:
    """By `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, as other programs read them: one without a scheme is HTTP."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxy = urllib.request.getproxies().get(parts.scheme)
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy or None


def _credentials_in(proxy: str) -> dict[str, str] | None:
    parts = urlsplit(proxy)
    if parts.username is None:
        return None
    return urllib3.make_headers(proxy_basic_auth=f"{unquote(parts.username)}:{unquote(parts.password or '')}")


class _Http(HTTPConnection):
    def connect(self) -> None:
        """urllib3 goes on with the time for connecting while it sends, in which a busy server may read nothing."""
        super().connect()
        self.sock.settimeout(READ_SECONDS)


class _Https(HTTPSConnection):
    def connect(self) -> None:
        super().connect()
        self.sock.settimeout(READ_SECONDS)


class _HttpPool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Http  # pyright: ignore[reportAssignmentType]


class _HttpsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Https  # pyright: ignore[reportAssignmentType]
