"""Bodies, fields and headers without measure: refused early, and the workers' memory stays flat."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.faults.client import Client
from tests.faults.people import LEAD, codes
from tests.faults.servers import Server
from tests.faults.table import Figure

MEGABYTE = 1024 * 1024
FORM = "application/x-www-form-urlencoded"
MOST = 50 * MEGABYTE


class Flood:
    """A connection that sends until it is stopped, and then listens."""

    def __init__(self, client: Client, path: str, headers: dict[str, str]) -> None:
        self.socket = socket.create_connection(("127.0.0.1", client.port), 60, source_address=(client.address, 0))
        cookies = "; ".join(f"{name}={value}" for name, value in client.jar.items())
        lines = {"Host": f"127.0.0.1:{client.port}", "Cookie": cookies, **headers}
        head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n"
        self.socket.sendall(head.encode("latin-1"))
        self.sent = 0

    def send(self, pieces: Iterator[bytes]) -> int:
        """The status of the answer (0: hung up without one) and, in ``sent``, how much went out before."""
        try:
            for piece in pieces:
                self.socket.sendall(piece)
                self.sent += len(piece)
        except OSError:
            pass
        return self.status()

    def status(self) -> int:
        with suppress(OSError):
            self.socket.settimeout(60)
            first = self.socket.recv(100)
            if first.startswith(b"HTTP/1."):
                return int(first.split()[1])
        return 0

    def close(self) -> None:
        self.socket.close()


def _pieces(total: int, piece: bytes) -> Iterator[bytes]:
    for _n in range(total // len(piece)):
        yield piece


def _chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    for piece in pieces:
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"


def _warm(server: Server, path: str) -> None:
    """Every worker has refused a body of this kind before memory is looked at: only what grows with the body counts."""
    for _n in range(4 * server.workers):
        client = server.client()
        client.post(path, {"a": "x" * 1000})
    server.forget_peak()


def _report(server: Server, figure: Figure, what: str, before: dict[int, int], statuses: list[int]) -> None:
    after = server.peak()
    assert set(after) == set(before), "a worker died of it"
    grown = max(after[pid] - before[pid] for pid in before)
    refused = all(400 <= status < 500 or status == 0 for status in statuses)
    got = f"{sorted(set(statuses))}, memory +{grown / MEGABYTE:.0f} MB"
    figure(what, tried=len(statuses), got=got, bar="4xx, < +50 MB", passed=refused and grown < MOST)


@pytest.mark.parametrize("path", ["/login", "/reset", "inside"])
def test_three_hundred_megabytes_of_form(one_server: Server, figure: Figure, path: str) -> None:
    """Announced by its length, and in chunks without; by strangers and by somebody who may hand in files."""
    client = one_server.client() if path != "inside" else one_server.enter(LEAD)
    target = path if path != "inside" else f"/awards/{codes(one_server)[LEAD]}/workplan/edit"
    _warm(one_server, "/login")
    before, statuses = one_server.resident(), []
    total, piece = 300 * MEGABYTE, b"a" * MEGABYTE
    for _n in range(2):
        flood = Flood(client, target, {"Content-Type": FORM, "Content-Length": str(total)})
        statuses.append(flood.send(_pieces(total, piece)))
        flood.close()
        flood = Flood(client, target, {"Content-Type": FORM, "Transfer-Encoding": "chunked"})
        statuses.append(flood.send(_chunks(_pieces(total, piece))))
        flood.close()
    assert one_server.client().get("/login").status == 200
    _report(one_server, figure, f"floods: 300 MB of form, {path}", before, statuses)


def test_three_hundred_megabytes_in_parts(one_server: Server, figure: Figure) -> None:
    """A form with parts, where a field and not a file is that large; also where files of up to 200 MB are taken."""
    inside, boundary = one_server.enter(LEAD), "the-boundary"
    code = codes(one_server)[LEAD]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="csrf_token"\r\n\r\n{inside.token()}\r\n--{boundary}\r\n'.encode()
    field, file = (
        b'Content-Disposition: form-data; name="place"\r\n\r\n',
        b'Content-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n',
    )
    _warm(one_server, "/login")
    before, statuses = one_server.resident(), []
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    for path, part, total in (
        ("/login", field, 300), ("/login", file, 300), (f"/awards/{code}/files", field, 150), (f"/awards/{code}/files", file, 300),
    ):  # fmt: skip
        length = len(head + part) + total * MEGABYTE
        flood = Flood(inside, path, kind | {"Content-Length": str(length)})
        flood.socket.sendall(head + part)
        statuses.append(flood.send(_pieces(total * MEGABYTE, b"a" * MEGABYTE)))
        flood.close()
    _report(one_server, figure, "floods: 300 MB in parts", before, statuses)


def test_a_hundred_thousand_fields(one_server: Server, figure: Figure) -> None:
    """Short ones in a body that is not too long, in parts, in the address, and lists in which a form has them."""
    inside = one_server.enter(LEAD)
    token, code = inside.token(), codes(one_server)[LEAD]
    _warm(one_server, "/login")
    before, statuses = one_server.resident(), []
    many = "&".join(f"a{n}=1" for n in range(100_000))
    same = "&".join(["a=1"] * 100_000)
    rows = "&".join(f"activities-{n}-title=x" for n in range(60_000))
    for path in ("/login", "/language", f"/awards/{code}/workplan/edit"):
        for fields in (many, same, rows):
            body = f"csrf_token={token}&{fields}".encode()
            statuses.append(inside.request("POST", path, body, {"Content-Type": FORM}).status)
    boundary = "b"
    parts = "".join(f'--b\r\nContent-Disposition: form-data; name="a{n}"\r\n\r\n1\r\n' for n in range(30_000))
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    statuses.append(inside.request("POST", "/language", f"{parts}--b--\r\n".encode(), kind).status)
    _report(one_server, figure, "floods: 100,000 fields", before, statuses)


def test_headers_and_addresses_without_measure(one_server: Server, figure: Figure) -> None:
    """Ten megabytes in one header, a hundred thousand headers, a path and a query of a megabyte, cookies of a megabyte."""
    _warm(one_server, "/login")
    before, statuses = one_server.resident(), []
    for head in (
        "GET /login HTTP/1.1\r\nHost: x\r\nX-Long: " + "a" * (10 * MEGABYTE),
        "GET /login HTTP/1.1\r\nHost: x\r\n" + "X-Many: 1\r\n" * 100_000,
        "GET /" + "a" * MEGABYTE + " HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /login?" + "a=1&" * (MEGABYTE // 4) + " HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /login HTTP/1.1\r\nHost: x\r\nCookie: " + "a=1; " * (MEGABYTE // 5) + "\r\n\r\n",
        "GET " * 100_000, "\x00" * MEGABYTE, "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        "POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    ):  # fmt: skip
        statuses.append(_raw(one_server, head.encode("latin-1")))
    assert one_server.client().get("/login").status == 200
    _report(one_server, figure, "floods: headers and addresses", before, statuses)


def _raw(server: Server, sent: bytes) -> int:
    with socket.create_connection(("127.0.0.1", server.port), 60) as line:
        with suppress(OSError):
            line.sendall(sent)
            line.shutdown(socket.SHUT_WR)
        line.settimeout(60)
        with suppress(OSError):
            first = line.recv(100)
            if first.startswith(b"HTTP/1."):
                return int(first.split()[1])
    return 0


def test_json_too_deep(one_server: Server, figure: Figure) -> None:
    """Where scripts send data: nested a hundred thousand times, or with numbers and keys without measure."""
    inside = one_server.enter(LEAD)
    token, code = inside.token(), codes(one_server)[LEAD]
    _warm(one_server, "/login")
    before, statuses = one_server.resident(), []
    bodies = (
        "[" * 100_000,
        "[" * 50_000 + "]" * 50_000,
        '{"a":' * 50_000 + "1" + "}" * 50_000,
        "1" * 100_000,
        "[1e400]",
        "NaN",
        '"\\ud800"',
        "{}",
        "[]",
    )
    for path in (f"/awards/{code}/workplan/draft", f"/awards/{code}/lab/versions/draft", "/language", "/login"):
        for body in bodies:
            headers = {"Content-Type": "application/json", "X-CSRFToken": token, "X-Requested-With": "fetch"}
            statuses.append(inside.request("POST", path, body.encode(), headers).status)
    failed = [status for status in statuses if status >= 500]
    after = one_server.peak()
    grown = max(after[pid] - before[pid] for pid in before)
    figure(
        "floods: nested data", tried=len(statuses), got=f"{len(failed)} × 500, memory +{grown / MEGABYTE:.0f} MB", bar="0 × 500, < +50 MB",
        passed=not failed and grown < MOST,
    )  # fmt: skip


def test_bodies_in_pieces_that_are_none(one_server: Server, figure: Figure) -> None:
    """A body that says it comes in pieces and does not is a bad request, never an error of ours."""
    bodies = [
        b"5\r\nemail\r\nZ\r\n", b"zz\r\n", b"5\r\nem", b"ffffffffffffffffffff\r\nx", b"-1\r\n", b"5;\0\r\nemail\r\n0\r\n\r\n",
    ]  # fmt: skip
    kinds = [FORM, "multipart/form-data; boundary=x"]
    wrong = []
    for kind in kinds:
        for body in bodies:
            flood = Flood(one_server.client(), "/login", {"Content-Type": kind, "Transfer-Encoding": "chunked"})
            flood.socket.sendall(body)
            flood.socket.shutdown(socket.SHUT_WR)
            status = flood.status()
            flood.close()
            if status >= 500:
                wrong.append(f"{kind} {body!r}: {status}")
    figure("floods: answers of 500 to broken pieces", tried=len(kinds) * len(bodies), wrong=wrong)
