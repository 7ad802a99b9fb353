"""Proxies, between the program and the server."""

from __future__ import annotations

import base64
import logging

import pytest

from conftest import Trackers
from lading import LadingError
from servers import Answering, send

ACCEPTED = b'{"job_id": "j"}'


@pytest.mark.parametrize("form", ["http://{}", "{}"])
def test_a_proxy_of_the_environment_is_gone_through(
    form: str, trackers: Trackers, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Answering(lambda request, _: send(request, 202, ACCEPTED)) as proxy:
        monkeypatch.setenv("http_proxy", form.format(proxy.url.removeprefix("http://")))
        tracker = trackers("http://lading.example")
        tracker.run("r").log_text("x", "x.txt")
        tracker.flush(timeout=30)
        assert proxy.requests[0][1] == "http://lading.example/api/v1/experiments/runs/r/artifacts/x.txt"


def test_the_credentials_of_a_proxy_are_given_to_it(trackers: Trackers, monkeypatch: pytest.MonkeyPatch) -> None:
    with Answering(lambda request, _: send(request, 202, ACCEPTED)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("://", "://user:p%40ss@"))
        tracker = trackers("http://lading.example")
        tracker.run("r").log_text("x", "x.txt")
        tracker.flush(timeout=30)
        sent = {name.lower(): value for name, value in proxy.requests[0][2].items()}
        credentials = sent["proxy-authorization"]
        assert base64.b64decode(credentials.removeprefix("Basic ")) == b"user:p@ss"


@pytest.mark.parametrize(
    ("status", "body"),
    [(502, b"<html>"), (504, b"<html>"), (404, b"default backend"), (407, b""), (200, b"<html>welcome, please log in")],
)
def test_what_a_proxy_answers_by_itself_is_told_and_gives_nothing_up(
    status: int, body: bytes, trackers: Trackers, caplog: pytest.LogCaptureFixture
) -> None:
    def respond(request: object, number: int) -> None:
        send(request, 202, ACCEPTED) if number > 2 else send(request, status, body)  # type: ignore[arg-type]

    with caplog.at_level(logging.WARNING, "lading"), Answering(respond) as server:
        tracker = trackers(server.url)
        upload = tracker.run("r").log_text("x", "x.txt")
        tracker.flush(timeout=30)
        assert upload.job_id == "j"
        assert "cannot send now, will go on trying: http_error" in caplog.text


def test_a_server_that_fails_at_one_upload_is_told_too(trackers: Trackers, caplog: pytest.LogCaptureFixture) -> None:
    failure = b'{"code": "internal", "detail": "a fault", "retryable": true}'
    with (
        caplog.at_level(logging.WARNING, "lading"),
        Answering(lambda request, _: send(request, 500, failure)) as server,
    ):
        tracker = trackers(server.url)
        tracker.run("r").log_text("x", "x.txt")
        with pytest.raises(LadingError, match="a fault"):
            tracker.flush(timeout=1)
        assert "a fault" in caplog.text
