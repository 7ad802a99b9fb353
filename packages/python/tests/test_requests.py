"""How requests are sent, and sent again."""

from __future__ import annotations

import json
import socket
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from conftest import Trackers
from lading import ExperimentTracker, LadingError, ServerError, Unreachable
from lading.http import client
from lading.http.digests import digest_field, sha256_in
from lading.http.retry import LONGEST_DELAY, LONGEST_RETRY_AFTER, delay_before, parse_retry_after
from lading.settings import SettingsError, read_settings
from servers import Answering, send

PROBLEM = {"code": "spool_full", "detail": "no room", "retryable": True}


def test_waits_grow_with_the_attempts_and_are_spread() -> None:
    for attempt in range(2, 100):
        delays = [delay_before(attempt) for _ in range(100)]
        assert 0 <= min(delays) < max(delays) <= LONGEST_DELAY
    assert max(delay_before(2) for _ in range(100)) <= 0.5


def test_a_server_that_says_when_is_waited_for() -> None:
    assert 7 <= delay_before(2, 7.0) <= 8
    assert delay_before(2, 1e9) <= LONGEST_RETRY_AFTER + 1


def test_retry_after_is_read_as_seconds_and_as_a_date() -> None:
    assert parse_retry_after("120", None) == 120
    assert 50 < (parse_retry_after(formatdate(time.time() + 60, usegmt=True), None) or 0) <= 61
    assert parse_retry_after(formatdate(time.time() - 60, usegmt=True), None) == 0
    assert parse_retry_after("soon", None) is None
    assert parse_retry_after(None, None) is None


def test_digest_fields_are_written_and_read() -> None:
    field = digest_field("ab" * 32)
    assert sha256_in(f"md5=:AAAA:, {field}") == "ab" * 32
    assert sha256_in("sha-512=:AAAA:") is None
    assert sha256_in(None) is None


def test_a_busy_server_gets_the_same_request_with_the_same_key_again(trackers: Trackers) -> None:
    def respond(request: BaseHTTPRequestHandler, number: int) -> None:
        if number <= 2:
            send(request, 503, json.dumps(PROBLEM).encode(), Retry_After="0")
        else:
            send(request, 202, b'{"job_id": "j"}')

    with Answering(respond) as server:
        tracker = trackers(server.url)
        tracker.run("r").log_text("x", "x.txt")
        tracker.flush(timeout=30)
        assert len(server.requests) == 3
        assert len({(method, path, headers["Idempotency-Key"]) for method, path, headers in server.requests}) == 1


def test_an_answer_that_is_lost_leads_to_the_same_request_again(trackers: Trackers) -> None:
    def respond(request: BaseHTTPRequestHandler, number: int) -> None:
        if number == 1:
            request.close_connection = True
            request.connection.shutdown(socket.SHUT_RDWR)
        else:
            send(request, 202, b'{"job_id": "j"}')

    with Answering(respond) as server:
        tracker = trackers(server.url)
        tracker.run("r").log_text("x", "x.txt")
        tracker.flush(timeout=30)
        keys = {headers["Idempotency-Key"] for _, _, headers in server.requests}
        assert (len(server.requests), len(keys)) == (2, 1)


def test_a_server_that_reads_nothing_for_longer_than_connecting_may_take_is_waited_for(
    trackers: Trackers, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(client, "CONNECT_SECONDS", 0.3)
    server = socket.create_server(("127.0.0.1", 0))
    read: list[int] = []

    def read_late() -> None:
        connection, _ = server.accept()
        threading.Event().wait(1.0)
        size = 0
        while size < 30_000_000:
            size += len(connection.recv(1024 * 1024))
        read.append(size)
        connection.sendall(b'HTTP/1.1 202 Accepted\r\nContent-Length: 15\r\n\r\n{"job_id": "j"}')

    threading.Thread(target=read_late, daemon=True).start()
    (tmp_path / "model.bin").write_bytes(bytes(30_000_000))
    tracker = trackers(f"http://127.0.0.1:{server.getsockname()[1]}")
    upload = tracker.run("r").log_artifact(tmp_path / "model.bin")
    tracker.flush(timeout=40)
    assert (upload.job_id, len(read)) == ("j", 1)
    server.close()


def test_each_request_says_who_it_is_from_and_what_it_brings(trackers: Trackers) -> None:
    with Answering(lambda request, _: send(request, 202, b'{"job_id": "j"}')) as server:
        tracker = trackers(server.url, api_key="secret")
        tracker.run("r").log_bytes(b"abc", "ü/x y.txt")
        tracker.flush(timeout=30)
        ((method, path, headers),) = server.requests
        assert (method, path) == ("PUT", "/api/v1/experiments/runs/r/artifacts/%C3%BC/x%20y.txt")
        assert headers["Authorization"] == "Bearer secret"
        assert headers["X-Tenant-ID"] == "acme-corp"
        sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        assert sha256_in(headers["Repr-Digest"]) == sha256
        assert headers["Content-Length"] == "3"


def test_a_key_that_is_not_let_in_is_no_reason_to_give_up(trackers: Trackers, outbox: Path) -> None:
    with Answering(lambda request, _: send(request, 401, b'{"code": "unauthorized", "detail": "who?"}')) as server:
        tracker = trackers(server.url)
        upload = tracker.run("r").log_text("x", "x.txt")
        with pytest.raises(LadingError, match="not sent"):
            upload.result(timeout=0.5)
        assert not upload.sent()
    tracker.close(timeout=0)
    assert [folder.name for folder in outbox.iterdir()]


def test_the_key_of_the_api_is_never_on_the_disk(trackers: Trackers, outbox: Path) -> None:
    tracker = trackers("http://127.0.0.1:1", api_key="a-secret-key", offline=True)
    tracker.start_run("x").log_text("x", "x.txt")
    assert all(b"a-secret-key" not in file.read_bytes() for file in outbox.rglob("*") if file.is_file())


def test_an_answer_of_a_proxy_is_an_error_with_its_status(trackers: Trackers) -> None:
    with Answering(lambda request, _: send(request, 404, b"<html>nothing here</html>")) as server:
        tracker = trackers(server.url)
        with pytest.raises(ServerError) as refused:
            tracker.start_run("x")
        assert (refused.value.code, refused.value.status) == ("http_error", 404)
        assert "nothing here" in refused.value.detail


def test_a_body_is_not_sent_to_where_a_redirect_leads(trackers: Trackers) -> None:
    with Answering(lambda request, _: send(request, 307, b"", Location="http://127.0.0.1:1/")) as server:
        upload = trackers(server.url).run("r").log_text("x", "x.txt")
        with pytest.raises(ServerError) as refused:
            upload.result(timeout=30)
        assert refused.value.status == 307
        assert "leads to http://127.0.0.1:1/; LADING_URL" in refused.value.detail
        assert len(server.requests) == 1


def test_a_server_that_is_not_there_is_told(tracker: ExperimentTracker) -> None:
    tracker.patience = 0.0
    away = ExperimentTracker("http://127.0.0.1:1", exit_timeout=0.0)
    away.patience = 0.0
    with pytest.raises(Unreachable) as unreachable:
        away.create_experiment("x")
    assert (unreachable.value.code, unreachable.value.retryable) == ("unreachable", True)
    away.close()


def test_settings_are_read_from_the_environment_and_faults_are_named() -> None:
    settings = read_settings({"LADING_URL": "http://host/", "LADING_OFFLINE": "1", "LADING_EXIT_TIMEOUT": "5"})
    assert (settings.url, settings.offline, settings.exit_timeout) == ("http://host", True, 5.0)
    for name, text in (("LADING_OFFLINE", "perhaps"), ("LADING_EXIT_TIMEOUT", "-1"), ("LADING_ON_ERROR", "x")):
        with pytest.raises(SettingsError, match=name):
            read_settings({name: text})


@pytest.mark.parametrize("url", ["", "localhost:8080", "htp://host", "http:/host", "http//host", "https://"])
def test_an_address_that_is_none_is_told_before_anything_is_logged_for_it(url: str) -> None:
    with pytest.raises(SettingsError, match="LADING_URL"):
        ExperimentTracker(url)


def test_a_key_from_a_file_has_an_end_of_line_that_is_not_sent(trackers: Trackers) -> None:
    with Answering(lambda request, _: send(request, 200, b"{}")) as server:
        trackers(server.url, api_key="secret\n").api.job("x")
        assert server.requests[0][2]["Authorization"] == "Bearer secret"


def test_a_key_that_no_header_can_hold_is_refused_without_telling_it() -> None:
    with pytest.raises(SettingsError, match="LADING_API_KEY") as refused:
        ExperimentTracker(api_key="sec\nret")
    assert "ret" not in str(refused.value).replace("characters", "")


def test_an_outbox_may_be_a_text_and_stays_where_it_is_when_the_program_goes_elsewhere(
    trackers: Trackers, experiment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tracker = trackers(outbox="here")
    run = tracker.start_run(experiment)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run.log_text("x", "x.txt", synchronous=True)
    assert tracker.session.box.folder.parent == tmp_path / "here"
