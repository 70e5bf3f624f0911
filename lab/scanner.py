"""A virus scanner beside the application: clamd, asked over its socket. Off unless LAB_CLAMD is set.

The protocol is clamd's own (``man clamd``, INSTREAM): a command, pieces with their length before them, a piece of no
length, and one line of answer.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import IO
from urllib.parse import urlsplit

_PIECE = 256 * 1024
_MAX_ANSWER = 4096
_TOO_LARGE = "size limit exceeded"
_FOUND = " FOUND"


class ScannerUnwell(Exception):
    """The scanner does not answer, or answers what is no verdict; the text says what, for the operator."""


class ScanTooLarge(Exception):
    """The file has more bytes than the scanner takes (its StreamMaxLength)."""


class Scanner:
    """clamd at ``unix:/path`` or ``tcp://host:port``. Every question opens a connection of its own.

    ``patience`` (seconds) bounds a whole scan, the sending of the file included; ``reach`` (seconds) a connection.
    """

    def __init__(self, address: str, patience: int = 90, reach: int = 2) -> None:
        self.address, self.patience, self.reach = address, patience, reach

    def scan(self, file: IO[bytes]) -> str | None:
        """The name of what the scanner found in ``file``, from its first byte on; None when it found nothing.

        Raises ScannerUnwell, ScanTooLarge.
        """
        file.seek(0)
        answer = self._ask(lambda line: _send(line, file), self.patience)
        if answer.endswith(_FOUND):
            return answer.removeprefix("stream:").removesuffix(_FOUND).strip()
        if _TOO_LARGE in answer.lower():
            raise ScanTooLarge(answer)
        if answer != "stream: OK":
            raise ScannerUnwell(f"clamd at {self.address} answered {answer!r}")
        return None

    def answers(self) -> bool:
        """Whether the scanner is there and answers, within about ``reach`` seconds."""
        try:
            return self._ask(lambda line: line.send(b"zPING\0"), self.reach) == "PONG"
        except ScannerUnwell:
            return False

    def _ask(self, tell: Callable[[_Line], None], seconds: int) -> str:
        try:
            with _connected(self.address, self.reach) as connection:
                line = _Line(connection, seconds)
                # A scanner that has heard enough answers and hangs up while it is still being told.
                with suppress(BrokenPipeError, ConnectionResetError):
                    tell(line)
                answer = line.hear()
        except OSError as error:
            raise ScannerUnwell(f"clamd at {self.address}: {error}") from error
        if not answer:
            raise ScannerUnwell(f"clamd at {self.address} hung up without an answer")
        return answer


class _Line:
    """A connection that must be done with after a number of seconds, however slowly the other side reads or writes."""

    def __init__(self, connection: socket.socket, seconds: int) -> None:
        self._connection, self._end = connection, time.monotonic() + seconds

    def send(self, data: bytes) -> None:
        """Send all of ``data``. Raises OSError."""
        self._connection.settimeout(self._left())
        self._connection.sendall(data)

    def hear(self) -> str:
        """The answer, without the NUL at its end; what there is of it when the other side hangs up."""
        heard = b""
        while not heard.endswith(b"\0") and len(heard) < _MAX_ANSWER:
            self._connection.settimeout(self._left())
            piece = self._connection.recv(_MAX_ANSWER)
            if not piece:
                break
            heard += piece
        return heard.rstrip(b"\0\n").decode("utf-8", "replace")

    def _left(self) -> float:
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("no answer in time")
        return left


def _send(line: _Line, file: IO[bytes]) -> None:
    line.send(b"zINSTREAM\0")
    while piece := file.read(_PIECE):
        line.send(len(piece).to_bytes(4, "big") + piece)
    line.send(bytes(4))


def _connected(address: str, seconds: int) -> socket.socket:
    parts = urlsplit(address)
    if parts.scheme == "tcp":
        return socket.create_connection((parts.hostname, parts.port), seconds)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(seconds)
        connection.connect(parts.path)
    except OSError:
        connection.close()
        raise
    return connection
