"""The store of uploaded files: a local folder or an S3-compatible bucket, behind one interface.

A file arrives whole or not at all. It is spooled to disk a mebibyte at a time, never held in memory, and appears
under its key only once its last byte is safe.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from lab.config import ConfigError

if TYPE_CHECKING:
    from obstore import GetResult

CHUNK = 1024 * 1024
HEAD = 8 * 1024
# S3 takes parts of 5 MiB or more; four at a time keep the memory of one upload near 20 MiB.
_PART = 5 * 1024 * 1024
_PARTS_AT_ONCE = 4
_KEPT, _INCOMING = "kept", "incoming"
_KEY = re.compile(r"[0-9a-f]{32}")


class ByteSource(Protocol):
    """Anything that hands out bytes: a request's stream, an open file. An empty answer ends it."""

    def read(self, size: int, /) -> bytes: ...


class FileTooLarge(Exception):
    """More bytes came than ``limit`` (bytes) allows. Nothing was kept."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"the file is larger than {limit} bytes")


class FileEmpty(Exception):
    """The stream ended before its first byte. Nothing was kept."""


class StoreUnwell(OSError):
    """The store does not take or give files now; the text says why, for the operator."""


@dataclass(frozen=True)
class StoredFile:
    """A file that is safely kept: its random key, its size in bytes, its SHA-256 in hex and its first 8 KiB."""

    key: str
    size: int
    sha256: str
    head: bytes


# Looks into a whole file (seekable, to be read only) before it is kept, and raises what it will.
Check = Callable[[IO[bytes], StoredFile], None]


def _take(_file: IO[bytes], _stored: StoredFile) -> None:
    """The check of whoever has none."""


class FileStore(ABC):
    """Files by random key. What differs between a folder and a bucket is only how a finished file lands."""

    def __init__(self, objects: LocalStore | S3Store) -> None:
        self._objects = objects

    @abstractmethod
    def put_stream(self, stream: ByteSource, *, limit: int, check: Check = _take) -> StoredFile:
        """Keep everything that ``stream`` gives, up to ``limit`` bytes, under a new key.

        ``check`` sees the whole file, in a place where nobody finds it, before it is kept. Raises FileTooLarge,
        FileEmpty, StoreUnwell, and whatever the stream or the check raises; in each case nothing is kept.
        """

    @abstractmethod
    def check(self) -> None:
        """Write a tiny probe and remove it. Raises StoreUnwell with the reason when either fails."""

    def read_stream(self, key: str) -> Iterator[bytes]:
        """The file's bytes in pieces of about a mebibyte. Raises FileNotFoundError (at once) or StoreUnwell."""
        try:
            found = obstore.get(self._objects, _path(key))
        except BaseError as error:
            raise _unwell("read", error) from error
        return _pieces(found)

    def exists(self, key: str) -> bool:
        """Whether a file is kept under ``key``. Raises StoreUnwell."""
        try:
            obstore.head(self._objects, _path(key))
        except FileNotFoundError:
            return False
        except BaseError as error:
            raise _unwell("looked for", error) from error
        return True

    def delete(self, key: str) -> None:
        """Remove the file; one that is gone already is no error. Raises StoreUnwell."""
        self._remove(_path(key))

    def sweep(self, keep: Callable[[str], bool], older_than_seconds: int, now: datetime) -> int:
        """Remove what nobody owns and how many that was: leftovers of broken uploads, and kept files whose key
        ``keep`` does not claim. Only what is older than ``older_than_seconds`` goes: an upload under way is safe.

        ``now`` is the wall clock's instant (UTC), since it is compared with the store's own stamps. Raises StoreUnwell.
        """
        before = now - timedelta(seconds=older_than_seconds)
        try:
            orphans = [path for path, changed in self._listed() if changed < before and not _claimed(path, keep)]
        except BaseError as error:
            raise _unwell("listed", error) from error
        for path in orphans:
            self._remove(path)
        return len(orphans)

    def _listed(self) -> Iterator[tuple[str, datetime]]:
        for folder in (_INCOMING, _KEPT):
            for batch in obstore.list(self._objects, folder):
                yield from ((item["path"], item["last_modified"]) for item in batch)

    def _remove(self, path: str) -> None:
        try:
            obstore.delete(self._objects, path)
        except FileNotFoundError:
            return
        except BaseError as error:
            raise _unwell("removed", error) from error


class _FolderStore(FileStore):
    """A folder on this machine: ``incoming/`` while a file arrives, ``kept/`` once it is whole and on the disk."""

    def __init__(self, root: Path) -> None:
        self._kept, self._incoming = root / _KEPT, root / _INCOMING
        for folder in (self._kept, self._incoming):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(LocalStore(root))

    def put_stream(self, stream: ByteSource, *, limit: int, check: Check = _take) -> StoredFile:
        key = uuid4().hex
        partial = self._incoming / key
        try:
            with _opened(partial) as sink:
                stored = _receive(stream, sink, key, limit)
                check(sink, stored)
                _to_disk(sink)
            try:
                partial.rename(self._kept / key)
                _folder_to_disk(self._kept)
            except OSError as error:
                raise _unwell("kept", error) from error
        finally:
            partial.unlink(missing_ok=True)
        return stored

    def check(self) -> None:
        probe = self._incoming / f"probe-{uuid4().hex}"
        try:
            with _opened(probe) as sink:
                _write(sink, b"well")
                _to_disk(sink)
            probe.unlink()
        except StoreUnwell:
            probe.unlink(missing_ok=True)
            raise
        except OSError as error:
            raise _unwell("probed", error) from error


class _BucketStore(FileStore):
    """A bucket. Files are spooled to the temporary folder first, so that a slow or broken upload, one over the limit
    or a killed process leaves no half-made multipart object behind, which would cost money and could not be listed."""

    def put_stream(self, stream: ByteSource, *, limit: int, check: Check = _take) -> StoredFile:
        key = uuid4().hex
        with tempfile.TemporaryFile(buffering=0) as spool:
            stored = _receive(stream, spool, key, limit)
            check(spool, stored)
            spool.seek(0)
            try:
                obstore.put(self._objects, _path(key), spool, chunk_size=_PART, max_concurrency=_PARTS_AT_ONCE)
            except (BaseError, FileNotFoundError) as error:  # a bucket that is not there is "not found"
                raise _unwell("kept", error) from error
        return stored

    def check(self) -> None:
        probe = f"{_INCOMING}/probe-{uuid4().hex}"
        try:
            obstore.put(self._objects, probe, b"well")
        except (BaseError, FileNotFoundError) as error:
            raise _unwell("probed", error) from error
        self._remove(probe)


def open_store(url: str) -> FileStore:
    """The store at ``url``: an absolute folder (made when missing) or ``s3://bucket[/prefix]``.

    Credentials, region and endpoint of a bucket come from the usual ``AWS_*`` variables. Raises ConfigError when the
    address is neither, StoreUnwell when the folder cannot be made.
    """
    if url.startswith("s3://"):
        if not urlsplit(url).netloc:
            raise ConfigError("LAB_FILES names no bucket: write s3://bucket or s3://bucket/prefix.")
        return _BucketStore(_bucket(url))
    if not Path(url).is_absolute():
        raise ConfigError(
            f"LAB_FILES={url!r} is not understood: set it to an absolute folder or to s3://bucket/prefix."
        )
    try:
        return _FolderStore(Path(url))
    except OSError as error:
        raise _unwell("opened", error) from error


def _bucket(url: str) -> S3Store:
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    # Minutes of retries, the library's habit, would hang a page; an operator would rather hear of it.
    return S3Store.from_url(
        url,
        client_options={"allow_http": endpoint.startswith("http://"), "connect_timeout": "5s"},
        retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=20)},
    )


def _path(key: str) -> str:
    """Where ``key`` lives. Anything that is not a key of ours is simply not there, so no path can be smuggled in."""
    if not _KEY.fullmatch(key):
        raise FileNotFoundError(f"no file has the key {key!r}")
    return f"{_KEPT}/{key}"


def _claimed(path: str, keep: Callable[[str], bool]) -> bool:
    folder, _, key = path.partition("/")
    return folder == _KEPT and keep(key)


def _receive(stream: ByteSource, sink: IO[bytes], key: str, limit: int) -> StoredFile:
    """Copy the stream into the sink piece by piece, measuring and hashing on the way."""
    size, digest, head = 0, hashlib.sha256(), b""
    while piece := stream.read(CHUNK):
        size += len(piece)
        if size > limit:
            raise FileTooLarge(limit)
        if len(head) < HEAD:
            head += piece[: HEAD - len(head)]
        digest.update(piece)
        _write(sink, piece)
    if not size:
        raise FileEmpty("the file has no bytes")
    return StoredFile(key, size, digest.hexdigest(), head)


def _write(sink: IO[bytes], piece: bytes) -> None:
    rest = memoryview(piece)
    try:
        while rest:  # an unbuffered file may take less than it is given
            rest = rest[sink.write(rest) :]
    except OSError as error:
        raise _unwell("written", error) from error


def _pieces(found: GetResult) -> Iterator[bytes]:
    try:
        yield from found.stream(min_chunk_size=CHUNK)
    except BaseError as error:
        raise _unwell("read", error) from error


def _opened(path: Path) -> IO[bytes]:
    try:
        # Unbuffered: a full disk is told by write() itself, and not by a later close().
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "r+b", buffering=0)
    except OSError as error:
        raise _unwell("opened", error) from error


def _to_disk(sink: IO[bytes]) -> None:
    try:
        os.fsync(sink.fileno())
    except OSError as error:
        raise _unwell("written", error) from error


def _folder_to_disk(folder: Path) -> None:
    """A renamed file survives a power cut only once its folder's own entry is on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unwell(action: str, error: Exception) -> StoreUnwell:
    reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return StoreUnwell(f"files cannot be {action}: {reason}")
