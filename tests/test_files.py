"""The store of uploaded files, on a local folder: whole or absent, and never in memory."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO

import pytest

from lab import files
from lab.config import ConfigError

MEGABYTE = 1024 * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "files"


@pytest.fixture
def store(root: Path) -> files.FileStore:
    return files.open_store(str(root))


def put(store: files.FileStore, data: bytes, limit: int = 10 * MEGABYTE) -> files.StoredFile:
    return store.put_stream(io.BytesIO(data), limit=limit)


def everything(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


class Refusal(Exception):
    """What a check may raise."""


def test_a_check_sees_the_whole_file_before_it_is_kept(store: files.FileStore, root: Path) -> None:
    data, seen = os.urandom(2 * MEGABYTE + 5), []

    def check(file: IO[bytes], stored: files.StoredFile) -> None:
        file.seek(0)
        seen.append((file.read() == data, stored.size, stored.head == data[:8192], store.exists(stored.key)))

    stored = store.put_stream(io.BytesIO(data), limit=3 * MEGABYTE, check=check)
    assert seen == [(True, len(data), True, False)]
    assert b"".join(store.read_stream(stored.key)) == data


def test_what_a_check_raises_leaves_nothing(store: files.FileStore, root: Path) -> None:
    def check(file: IO[bytes], stored: files.StoredFile) -> None:
        raise Refusal

    with pytest.raises(Refusal):
        store.put_stream(io.BytesIO(b"x" * MEGABYTE), limit=MEGABYTE, check=check)
    assert everything(root) == []


class Breaking:
    """A stream that gives some bytes and then breaks, as a lost connection does."""

    def __init__(self, pieces: int) -> None:
        self.pieces = pieces

    def read(self, size: int, /) -> bytes:
        self.pieces -= 1
        if self.pieces < 0:
            raise ConnectionResetError("the line went dead")
        return b"x" * size


def test_a_file_comes_back_as_it_went_in(store: files.FileStore, root: Path) -> None:
    data = os.urandom(3 * MEGABYTE + 17)
    stored = put(store, data)
    assert stored.size == len(data)
    assert stored.sha256 == hashlib.sha256(data).hexdigest()
    assert stored.head == data[:8192]
    assert re.fullmatch(r"[0-9a-f]{32}", stored.key)
    assert store.exists(stored.key)
    assert b"".join(store.read_stream(stored.key)) == data
    assert everything(root) == [f"kept/{stored.key}"]
    assert (root / "kept" / stored.key).stat().st_mode & 0o077 == 0


def test_the_head_is_whole_when_the_stream_gives_little_at_a_time(store: files.FileStore) -> None:
    class Drip(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(size or 0, 700))

    data = os.urandom(20_000)
    assert store.put_stream(Drip(data), limit=MEGABYTE).head == data[:8192]


def test_the_same_bytes_twice_are_two_files(store: files.FileStore) -> None:
    assert put(store, b"same").key != put(store, b"same").key


def test_a_file_of_exactly_the_limit_is_taken_and_one_byte_more_is_not(store: files.FileStore, root: Path) -> None:
    stored = put(store, b"x" * 1000, limit=1000)
    with pytest.raises(files.FileTooLarge) as refused:
        put(store, b"x" * 1001, limit=1000)
    assert refused.value.limit == 1000
    assert everything(root) == [f"kept/{stored.key}"]


def test_a_file_over_the_limit_is_given_up_early(store: files.FileStore, root: Path) -> None:
    endless = Breaking(pieces=50)
    with pytest.raises(files.FileTooLarge):
        store.put_stream(endless, limit=3 * MEGABYTE)
    assert endless.pieces == 46
    assert everything(root) == []


def test_a_file_of_no_bytes_is_refused(store: files.FileStore, root: Path) -> None:
    with pytest.raises(files.FileEmpty):
        put(store, b"")
    assert everything(root) == []


def test_a_broken_upload_leaves_nothing_behind(store: files.FileStore, root: Path) -> None:
    with pytest.raises(ConnectionResetError):
        store.put_stream(Breaking(pieces=2), limit=10 * MEGABYTE)
    assert everything(root) == []


def test_a_failed_landing_leaves_nothing_behind(store: files.FileStore, root: Path) -> None:
    (root / "kept").rmdir()
    with pytest.raises(files.StoreUnwell, match="cannot be kept"):
        put(store, b"data")
    assert everything(root) == []


def test_a_deleted_file_is_gone_and_deleting_it_again_is_no_error(store: files.FileStore) -> None:
    key = put(store, b"data").key
    store.delete(key)
    store.delete(key)
    assert not store.exists(key)
    with pytest.raises(FileNotFoundError):
        store.read_stream(key)


@pytest.mark.parametrize("key", ["", "../secret", "/etc/passwd", "a" * 31, "A" * 32, "a" * 32 + "\n", "a" * 31 + "\0"])
def test_what_is_not_a_key_reaches_no_file(store: files.FileStore, root: Path, key: str) -> None:
    (root / "secret").write_text("mine")
    assert not store.exists(key)
    for use in (store.read_stream, store.delete):
        with pytest.raises(FileNotFoundError):
            use(key)
    assert everything(root) == ["secret"]


def test_a_well_store_passes_its_check_and_keeps_no_probe(store: files.FileStore, root: Path) -> None:
    store.check()
    assert everything(root) == []


def test_an_unwell_store_says_why(store: files.FileStore, root: Path) -> None:
    (root / "incoming").rmdir()
    with pytest.raises(files.StoreUnwell, match="No such file or directory"):
        store.check()
    with pytest.raises(files.StoreUnwell, match="cannot be opened"):
        put(store, b"data")


def test_a_sweep_takes_old_orphans_only(store: files.FileStore, root: Path) -> None:
    now = datetime.now(UTC)
    owned, orphan, fresh = (put(store, word).key for word in (b"owned", b"orphan", b"fresh"))
    stale, under_way = root / "incoming" / ("a" * 32), root / "incoming" / ("b" * 32)
    for path in (stale, under_way):
        path.write_bytes(b"half a fi")
    yesterday = (now - timedelta(days=1)).timestamp()
    for path in (root / "kept" / owned, root / "kept" / orphan, stale):
        os.utime(path, (yesterday, yesterday))

    assert store.sweep(lambda key: key == owned, older_than_seconds=3600, now=now) == 2
    assert everything(root) == sorted([f"kept/{owned}", f"kept/{fresh}", f"incoming/{under_way.name}"])
    assert store.sweep(lambda key: key == owned, older_than_seconds=3600, now=now) == 0


def test_a_killed_upload_is_absent_and_swept(store: files.FileStore, root: Path) -> None:
    script = f"""
import os, signal
from lab import files
class Deadly:
    pieces = 3
    def read(self, size):
        self.pieces -= 1
        if not self.pieces:
            os.kill(os.getpid(), signal.SIGKILL)
        return b"x" * size
files.open_store({str(root)!r}).put_stream(Deadly(), limit=2**30)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    assert [name.split("/")[0] for name in everything(root)] == ["incoming"]
    store.sweep(lambda key: True, older_than_seconds=60, now=datetime.now(UTC) + timedelta(hours=1))
    assert everything(root) == []


def test_sixty_megabytes_take_little_memory_in_and_out(root: Path) -> None:
    script = f"""
import io, resource
from lab import files
class Source:
    left = 60
    def read(self, size):
        self.left -= 1
        return bytes(size) if self.left >= 0 else b""
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
store = files.open_store({str(root)!r})
list(store.read_stream(store.put_stream(io.BytesIO(b"warm"), limit=9).key))
before = peak()
stored = store.put_stream(Source(), limit=2**30)
total = sum(len(piece) for piece in store.read_stream(stored.key))
print(stored.size, total, peak() - before)
"""
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    size, total, growth = (int(word) for word in done.stdout.split())
    assert size == total == 60 * MEGABYTE
    assert growth < 30


@pytest.mark.parametrize("url", ["", "files", "./files", "s3://", "s3:///prefix", "https://example.org/files"])
def test_an_address_that_is_no_store_stops_the_start(url: str) -> None:
    with pytest.raises(ConfigError, match="LAB_FILES"):
        files.open_store(url)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")
    with pytest.raises(files.StoreUnwell, match="cannot be opened"):
        files.open_store(str(tmp_path / "taken" / "files"))
