"""Lists the tar, tar.gz or zip on standard input: path, whether a directory, mode, seconds, SHA-256; a line of JSON each."""

import calendar
import hashlib
import json
import shutil
import sys
import tarfile
import tempfile
import zipfile


def tell(name, is_directory, mode, seconds, file):
    digest = hashlib.sha256()
    while file and (chunk := file.read(1 << 20)):
        digest.update(chunk)
    print(json.dumps([name.rstrip("/"), is_directory, mode, seconds, digest.hexdigest()]))


with tempfile.TemporaryFile() as archive:
    shutil.copyfileobj(sys.stdin.buffer, archive, 1 << 20)
    archive.seek(0)
    if archive.read(4) == b"PK\x03\x04":
        with zipfile.ZipFile(archive) as entries:
            for entry in entries.infolist():
                mode, seconds = entry.external_attr >> 16 & 0o7777, calendar.timegm(entry.date_time)
                with entries.open(entry) as file:
                    tell(entry.filename, entry.is_dir(), mode, seconds, file)
    else:
        archive.seek(0)
        with tarfile.open(fileobj=archive) as entries:
            for entry in entries:
                tell(entry.name, entry.isdir(), entry.mode, int(entry.mtime), entries.extractfile(entry))
