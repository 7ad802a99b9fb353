"""Files that are hashed while they are sent."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator

import pytest

from lading.outbox import digest_so_far
from lading.outbox.digest_so_far import DigestSoFar

CONTENT = os.urandom(1000)


class Reader:
    """Reads in blocks of 50, and counts."""

    def __init__(self) -> None:
        self.read = 0

    def blocks_of(self, start: int, end: int) -> Iterator[bytes]:
        for position in range(start, end, 50):
            block = CONTENT[position : min(position + 50, end)]
            self.read += len(block)
            yield block


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    monkeypatch.setattr(digest_so_far, "MARK_BYTES", 200)
    return Reader()


def test_a_file_is_read_once(reader: Reader) -> None:
    so_far = DigestSoFar()
    assert b"".join(so_far.passing(reader.blocks_of, 0, 900)) == CONTENT[:900]
    assert so_far.with_last(reader.blocks_of, 900, CONTENT[900:]) == hashlib.sha256(CONTENT).hexdigest()
    assert reader.read == 900


def test_where_the_link_breaks_little_is_read_again(reader: Reader) -> None:
    so_far = DigestSoFar()
    sending = so_far.passing(reader.blocks_of, 0, 900)
    for _ in range(15):
        next(sending)
    sending.close()
    before = reader.read
    # The server has less than was sent.
    assert b"".join(so_far.passing(reader.blocks_of, 650, 900)) == CONTENT[650:900]
    assert reader.read - before == 250 + 50
    assert so_far.with_last(reader.blocks_of, 900, CONTENT[900:]) == hashlib.sha256(CONTENT).hexdigest()


def test_what_another_process_has_sent_is_read_for_its_digest(reader: Reader) -> None:
    so_far = DigestSoFar()
    assert so_far.with_last(reader.blocks_of, 950, CONTENT[950:]) == hashlib.sha256(CONTENT).hexdigest()
    assert reader.read == 950
