"""Servers that misbehave, and ways to real ones that can be shut."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import urlsplit

BLOCK = 64 * 1024


class Gate:
    """Passes connections on to a server. While it is shut, it breaks them off, and takes no new ones."""

    def __init__(self, url: str) -> None:
        self.lead_to(url)
        self._open = True
        self._left: int | None = None
        self.count = 0
        """Bytes that have come from the server."""
        self.sent = 0
        """Bytes that have gone to it."""
        self.refused = threading.Event()
        """Somebody has come while it was shut."""
        self._connections: set[socket.socket] = set()
        self._server = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.getsockname()[1]}"

    @property
    def is_open(self) -> bool:
        return self._open

    def lead_to(self, url: str) -> None:
        """Where connections go from now on."""
        self._target = (urlsplit(url).hostname or "", urlsplit(url).port or 80)

    def shut(self) -> None:
        self._open = False
        for connection in list(self._connections):
            _break_off(connection)

    def shut_after(self, size: int) -> None:
        """Shuts itself when so many more bytes have gone to the server."""
        self._left = size

    def open(self) -> None:
        self._left = None
        self._open = True

    def __enter__(self) -> Gate:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.shut()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            if not self._open:
                _break_off(client)
                self.refused.set()
                continue
            server = socket.create_connection(self._target)
            self._connections |= {client, server}
            for source, target, counts in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass_on, args=(source, target, counts), daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket, counts: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(BLOCK):
                if counts and self._left is not None:
                    self._left -= len(data)
                    if self._left < 0:
                        self.shut()
                        return
                self.sent += len(data) if counts else 0
                self.count += 0 if counts else len(data)
                target.sendall(data)
        for connection in (source, target):
            _break_off(connection)
            self._connections.discard(connection)


def _break_off(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()


Respond = Callable[[BaseHTTPRequestHandler, int], None]


class Answering:
    """A server that answers each request as `respond` does; it is told the number of the request, from 1."""

    def __init__(self, respond: Respond) -> None:
        outer = self
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _any(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with lock:
                    outer.requests.append((self.command, self.path, dict(self.headers)))
                    number = len(outer.requests)
                respond(self, number)

            do_GET = do_PUT = do_POST = do_PATCH = _any  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Answering:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


def send(request: BaseHTTPRequestHandler, status: int, body: bytes, **headers: str) -> None:
    request.send_response(status)
    for name, value in headers.items():
        request.send_header(name.replace("_", "-"), value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
