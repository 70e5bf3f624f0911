"""Uploads into a real server process: memory stays flat, and a kill leaves a file whole or absent."""

from __future__ import annotations

import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.config import ROOT
from lab.files import open_store
from lab.models import Upload
from lab.rules.facts import Stage
from lab.services.upload import sweep_files
from tests.conftest import Store
from tests.factories import World
from tests.web.pages import PageClient

MEGABYTE = 1024 * 1024
BOUNDARY = "lab-boundary"
PIECE = b"%PDF-1.7\n".ljust(MEGABYTE, b"\n")


class Server:
    """gunicorn with one worker, on the test's database and a store of its own."""

    def __init__(self, app: Flask, url: str, folder: Path) -> None:
        self.files = folder / "files"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        # A disk for the temporary files too: what is spooled to a memory disk would not be seen in the process.
        spool = folder / "spool"
        spool.mkdir(exist_ok=True)
        given = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
        self.environ = given | {
            "LAB_SECRET_KEY": app.config["SECRET_KEY"], "LAB_DATABASE_URL": url, "LAB_FILES": str(self.files),
            "LAB_SCHEDULER": "0", "TMPDIR": str(spool),
        }  # fmt: skip
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [
            sys.executable, "-m", "gunicorn", "app:app", "--bind", f"127.0.0.1:{self.port}", "--worker-class", "gthread",
            "--threads", "4", "--log-level", "error",
        ]  # fmt: skip
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.environ, start_new_session=True)
        for _try in range(300):
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
                    connection.request("GET", "/login")
                    connection.getresponse().read()
                    connection.close()
                    return
            except OSError:
                time.sleep(0.1)
        raise AssertionError("the server did not answer within 30 seconds")

    def kill(self) -> None:
        """SIGKILL to the server and its worker, as the kernel or a power cut would."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def peak(self) -> int:
        """The most memory (bytes) that the worker ever had resident."""
        assert self.process is not None
        pid = self.process.pid
        [worker] = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        line = next(x for x in Path(f"/proc/{worker}/status").read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024

    def kept(self) -> set[str]:
        """The keys of the files that the store holds as whole."""
        return {path.name for path in (self.files / "kept").iterdir()}


@pytest.fixture
def server(app: Flask, store: Store, tmp_path: Path) -> Iterator[Server]:
    if not Path("/proc/self/status").exists():
        pytest.skip("this machine has no /proc: the memory of a process cannot be read")
    made = Server(app, store.url, tmp_path)
    yield made
    made.kill()


class Sender:
    """The lead of a world's award, sending files by hand so that the line can be cut anywhere."""

    def __init__(self, client: PageClient, world: World, server: Server) -> None:
        self.token, self.server = client.token(), server
        cookie = client.get_cookie("session")
        assert cookie is not None
        self.headers = {
            "Cookie": f"session={cookie.value}",
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        }
        self.path = f"/awards/{world.code}/files"

    def begin(self, megabytes: int) -> http.client.HTTPConnection:
        """Send the head of a form with a file of that many pieces, and none of the pieces."""
        fields = {"csrf_token": self.token, "place": "prototype", "next": "/"}
        head = "".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        head += f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="plan.pdf"\r\n\r\n'
        length = len(head) + megabytes * MEGABYTE + len(self.tail)
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=60)
        connection.putrequest("POST", self.path)
        for name, value in (self.headers | {"Content-Length": str(length)}).items():
            connection.putheader(name, value)
        connection.endheaders(head.encode())
        return connection

    tail = f"\r\n--{BOUNDARY}--\r\n".encode()

    def send(self, megabytes: int, last: bytes = PIECE) -> int:
        """Send a whole file that ends in the piece ``last``, and return the answer's status."""
        connection = self.begin(megabytes)
        for _piece in range(megabytes - 1):
            connection.send(PIECE)
        connection.send(last)
        connection.send(self.tail)
        status = connection.getresponse().status
        connection.close()
        return status


def _uploads(session: Session) -> list[Upload]:
    session.rollback()
    return list(session.scalars(select(Upload).order_by(Upload.id)))


def test_a_large_file_passes_through_in_flat_memory(
    session: Session, world_at: Callable[..., World], client_for: Callable[..., PageClient], server: Server
) -> None:
    world = world_at(Stage.PROTOTYPING)
    sender = Sender(client_for(world.lead), world, server)
    session.rollback()
    server.start()
    assert sender.send(1) == 303  # everything is imported and warm now
    before = server.peak()
    assert sender.send(150) == 303
    assert server.peak() - before < 50 * MEGABYTE
    [_small, large] = _uploads(session)
    assert large.size == 150 * MEGABYTE
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("GET", f"{sender.path}/{large.id}", headers=sender.headers)
    answer, digest, size = connection.getresponse(), hashlib.sha256(), 0
    while piece := answer.read(MEGABYTE):
        digest.update(piece)
        size += len(piece)
    connection.close()
    assert (answer.status, size, digest.hexdigest()) == (200, large.size, large.sha256)
    assert server.peak() - before < 50 * MEGABYTE


def test_a_kill_leaves_a_file_whole_or_absent(
    session: Session, world_at: Callable[..., World], client_for: Callable[..., PageClient], server: Server
) -> None:
    world = world_at(Stage.PROTOTYPING)
    sender = Sender(client_for(world.lead), world, server)
    session.rollback()
    # In the middle of the transfer: nothing is there, neither bytes nor row.
    server.start()
    connection = sender.begin(20)
    for _piece in range(10):
        connection.send(PIECE)
    server.kill()
    connection.close()
    assert (_uploads(session), server.kept()) == ([], set())
    # After the last byte, at moments in which the file is checked, moved and written down.
    for wait in (0.0, 0.03, 0.1):
        server.start()
        connection = sender.begin(20)
        for _piece in range(20):
            connection.send(PIECE)
        connection.send(sender.tail)
        time.sleep(wait)
        server.kill()
        connection.close()
        for upload in _uploads(session):
            data = (server.files / "kept" / upload.key).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (upload.size, upload.sha256)
    # A file whose row was not written in time is swept away once it is certain that nobody comes for it.
    files = open_store(str(server.files))
    assert sweep_files(files, datetime.now(UTC)) == 0
    sweep_files(files, datetime.now(UTC) + timedelta(days=2))
    assert server.kept() == {upload.key for upload in _uploads(session)}
    assert not list((server.files / "incoming").iterdir())
