"""``make bench``: what each page costs, against a bare Flask hello under the same server in the same run; words after
``python -m tests.bench`` choose the pages whose names or addresses have one of them.

CPU is that of the server's processes and the database's together, per request, read from the kernel's accounts. The page
and the hello take turns, so that whatever else the machine does meanwhile weighs on both.
"""

from __future__ import annotations

import gzip
import http.client
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from urllib.parse import urlencode, urlsplit

from flask import Flask
from flask_migrate import upgrade
from flask_security.utils import hash_password
from sqlalchemy import event, select, text

from lab import clock, create_app
from lab.config import Config
from lab.extensions import db
from lab.models import Person, SignIn, Totp
from lab.services import sign_ins
from lab.services.security_events import Place
from lab.web import reader
from tests.bench import gate
from tests.bench.data import fill

KEY = "only-for-benchmarks-" + "x" * 32
ROUNDS, REQUESTS, AWARDS = 5, 30, 500
SIGNS_IN, PASSWORD = "bench-lead@example.org", "a long enough password"
# In a process of its own, since another import may have paid already.
DRAWING = """
import time
from datetime import UTC, datetime
from lab.rules.agreement_paper import AgreementPaper
def paper(n):
    rows = tuple((f"Label {k}", "A value that is a line long") for k in range(10))
    clauses = tuple((f"{k}. Clause", "Words of a clause that goes over some lines of its page. " * 8) for k in range(5))
    return AgreementPaper("en", "Agreement", f"Project {n}", "x-1", "Parties", rows, "Text", clauses, "Signatures", (), "Check",
        "How to check it. " * 9, "SHA-256", "0" * 64, "Page {page} of {pages}", datetime(2026, 3, 2, tzinfo=UTC))
marks = [time.process_time()]
from lab.agreement_pdf import agreement_pdf
marks.append(time.process_time())
agreement_pdf(paper(0))
marks.append(time.process_time())
for n in range(1, 11):
    agreement_pdf(paper(n))
marks.append(time.process_time())
cost = [1000 * (after - before) for before, after in zip(marks, marks[1:])]
print(f"a PDF of an agreement: import {cost[0]:.0f}, first file {cost[1]:.0f}, each file after it {cost[2] / 10:.0f} CPU-ms")
"""
# (page, path, cookie, the form that is sent, the bars: statements, times hello, kilobytes)
Line = tuple[str, str, str, dict[str, str] | None, Sequence[int]]
POSTGRES = os.environ.get("LAB_TEST_POSTGRES_URL", "")


def _cpu(pids: list[int]) -> float:
    """Milliseconds used so far by these processes, by the scheduler's nanoseconds: a clock tick is several hellos long."""
    total = 0
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            try:
                total += int(task.read_text().split()[0])
            except (FileNotFoundError, ProcessLookupError):
                continue
    return total / 1e6


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _postgres() -> list[int]:
    return [int(p.name) for p in Path("/proc").iterdir() if p.name.isdigit() and _name(p) == "postgres"]


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except FileNotFoundError:
        return ""


class Server:
    """gunicorn with two workers."""

    def __init__(self, target: str, port: int, env: dict[str, str]) -> None:
        self.base = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-w", "2", "-b", f"127.0.0.1:{port}", "--log-level", "error", target],
            env={**os.environ, **env},
        )
        for _ in range(100):
            try:
                self.get("/login" if target == "app:app" else "/", "")
                break
            except OSError:
                time.sleep(0.1)

    def get(self, path: str, cookie: str, form: dict[str, str] | None = None) -> bytes:
        """One request, a form if there is one; where it is redirected to is not followed."""
        host = urlsplit(self.base).netloc
        connection = http.client.HTTPConnection(host, timeout=60)
        headers = {"Cookie": cookie} if cookie else {}
        if form is None:
            connection.request("GET", path, headers=headers)
        else:
            kind = {"Content-Type": "application/x-www-form-urlencoded"}
            connection.request("POST", path, urlencode(form), headers | kind)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        assert answer.status == (200 if form is None else 303), f"{path}: {answer.status}"
        return body

    def cost(self, path: str, cookie: str = "", form: dict[str, str] | None = None, times: int = REQUESTS) -> float:
        """CPU milliseconds of one request, the mean of a round of them."""
        pids = [self.process.pid, *_children(self.process.pid), *(_postgres() if POSTGRES else [])]
        before = _cpu(pids)
        for _ in range(times):
            self.get(path, cookie, form)
        return (_cpu(pids) - before) / times

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


def _in_turn(hello: Server, lab: Server, path: str, cookie: str, form: dict[str, str] | None) -> tuple[float, float]:
    """CPU milliseconds of a page, and how many times a hello's that is: the medians of rounds of the one and the other."""
    for _ in range(6):
        lab.get(path, cookie, form)
    rounds = [(hello.cost("/", times=3 * REQUESTS), lab.cost(path, cookie, form)) for _ in range(ROUNDS)]
    return median(page for _, page in rounds), median(page / yardstick for yardstick, page in rounds)


def _cookie(app: Flask, person: Person) -> str:
    """The cookie of somebody who has just signed in, with a second factor given."""
    wall = clock.wall()
    entered = sign_ins.open_sign_in(person.id, wall, False, Place("127.0.0.1", "bench"))
    row = db.session.scalars(select(SignIn).where(SignIn.token_hash == sign_ins.token_hash(entered.token))).one()
    row.proved_at = wall
    # Who holds an office is let in only with a second factor set up.
    db.session.add(Totp(person_id=person.id, secret="of the bench", created_at=wall, confirmed_at=wall))
    db.session.commit()
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return "session=" + serializer.dumps({reader.TOKEN: entered.token})


def _newcomer(app: Flask) -> tuple[str, dict[str, str]]:
    """The cookie of a browser on the sign-in page, and the form as it is sent from there."""
    client = app.test_client()
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', client.get("/login").text)
    cookie = client.get_cookie("session")
    assert token is not None and cookie is not None
    return f"session={cookie.value}", {"csrf_token": token[1], "email": SIGNS_IN, "password": PASSWORD, "next": ""}


def _statements(app: Flask, path: str, cookie: str, form: dict[str, str] | None = None) -> int:
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.upper().startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    client = app.test_client()
    client.set_cookie("session", cookie.partition("=")[2])
    answer = client.get(path) if form is None else client.post(path, data=form)
    event.remove(engine, "before_cursor_execute", note)
    assert answer.status_code == (200 if form is None else 303), f"{path}: {answer.status_code}"
    return len(seen)


def _rows(made: dict[str, object]) -> list[tuple[str, str, str, int, int, int]]:
    """(page, path, who, statements, times hello, kilobytes): the bars of each page."""
    return [
        ("award page", f"/awards/{made['award']}", "officer", 12, 40, 30),
        ("award page, team lead", f"/awards/{made['award']}", "lead", 12, 40, 30),
        ("lab with its threads", f"/awards/{made['award']}/lab", "mentor", 12, 40, 30),
        ("reports", f"/awards/{made['award']}/reports", "lead", 12, 40, 30),
        ("payments", f"/awards/{made['award']}/payments", "finance", 12, 40, 30),
        ("agreement", f"/awards/{made['award']}/agreement", "lead", 12, 40, 30),
        # Its letters are in it: two faces and a half, cut down to what is used.
        ("agreement as PDF", f"/awards/{made['award']}/agreement.pdf", "lead", 12, 40, 100),
        ("agreement, check page", f"/awards/{made['award']}/agreement/verify", "lead", 12, 40, 30),
        ("portfolio of 500, a page", "/awards", "officer", 8, 30, 30),
        ("payments of all awards", "/payments", "finance", 8, 30, 30),
        ("home, officer", "/", "officer", 10, 30, 30),
        ("home, team lead", "/", "lead", 10, 30, 30),
        ("pilot", f"/awards/{made['pilot']}/pilot", "lead", 12, 40, 30),
        ("pilot dashboard", f"/calls/{made['call']}/pilots", "committee", 12, 40, 30),
    ]


def _drawing() -> None:
    """What the library that draws PDFs costs: once to import it, at the first file, and for each file after that."""
    done = subprocess.run([sys.executable, "-c", DRAWING], capture_output=True, text=True, check=True)
    print(done.stdout)


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="lab-bench-"))
    url = POSTGRES or f"sqlite:///{folder / 'lab.db'}"
    config = Config(secret_key=KEY, database_url=url, files=str(folder / "files"), testing=True, scheduler=False)
    app = create_app(config)
    with app.app_context():
        if POSTGRES:
            with db.engine.begin() as connection:
                connection.execute(text("drop schema public cascade; create schema public"))
        upgrade()
        made = fill(db.session(), AWARDS, clock.now())
        at_gate = gate.fill_gate(db.session(), made["of"], made["people"], clock.now())
        made["people"]["lead"].password = hash_password(PASSWORD)
        cookies = {name: _cookie(app, person) for name, person in made["people"].items()}
    env = {"LAB_SECRET_KEY": KEY, "LAB_DATABASE_URL": url, "LAB_FILES": config.files, "LAB_SCHEDULER": "0"}
    hello, lab = Server("tests.bench.hello:app", 5091, {}), Server("app:app", 5092, env)
    try:
        yardstick = median(hello.cost("/") for _ in range(ROUNDS))
        print(f"\n{AWARDS} awards on {url.split(':')[0]}; hello: {yardstick:.2f} CPU-ms a request\n")
        print(f"{'page':28} {'SQL':>4} {'bar':>4} {'CPU-ms':>8} {'× hello':>8} {'bar':>4} {'KB gz':>7} {'bar':>4}")
        newcomer, form = _newcomer(app)
        forms: list[Line] = [("sign-in, the form is sent", "/login", newcomer, form, (12, 40, 30))]
        pages: list[Line] = [
            (page, path, cookies[who], None, bars) for page, path, who, *bars in (*_rows(made), *gate.rows(at_gate))
        ]
        if not sys.argv[1:]:
            _drawing()
        for page, path, cookie, sent, (statements, times, size) in forms + pages:
            if sys.argv[1:] and not any(word in page or word in path for word in sys.argv[1:]):
                continue
            body = lab.get(path, cookie, sent)
            cpu, ratio = _in_turn(hello, lab, path, cookie, sent)
            print(
                f"{page:28} {_statements(app, path, cookie, sent):4} {statements:4} {cpu:8.1f} {ratio:8.1f} {times:4} "
                f"{len(gzip.compress(body, 6)) / 1024:7.1f} {size:4}"
            )
    finally:
        hello.stop()
        lab.stop()


if __name__ == "__main__":
    main()
