"""``make bench``: what each page costs, against a bare Flask hello under the same server in the same run.

CPU is that of the server's processes and the database's together, per request, read from the kernel's accounts.
"""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import median

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import event, text

from lab import clock, create_app
from lab.config import Config
from lab.extensions import db
from tests.bench.data import fill

KEY = "only-for-benchmarks-" + "x" * 32
ROUNDS, REQUESTS, AWARDS = 5, 30, 500
TICK = os.sysconf("SC_CLK_TCK")
POSTGRES = os.environ.get("LAB_TEST_POSTGRES_URL", "")


def _cpu(pids: list[int]) -> int:
    """Clock ticks used so far by these processes."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except FileNotFoundError:
            continue
        total += int(fields[11]) + int(fields[12])
    return total


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
                urllib.request.urlopen(self.base + "/", timeout=5).read()
                break
            except OSError:
                time.sleep(0.1)

    def get(self, path: str, cookie: str) -> bytes:
        request = urllib.request.Request(self.base + path, headers={"Cookie": cookie} if cookie else {})
        body: bytes = urllib.request.urlopen(request, timeout=60).read()
        return body

    def cost(self, path: str, cookie: str) -> float:
        """Median CPU milliseconds of one request."""
        for _ in range(6):
            self.get(path, cookie)
        found = []
        for _ in range(ROUNDS):
            pids = [self.process.pid, *_children(self.process.pid), *(_postgres() if POSTGRES else [])]
            before = _cpu(pids)
            for _ in range(REQUESTS):
                self.get(path, cookie)
            found.append((_cpu(pids) - before) * 1000 / TICK / REQUESTS)
        return median(found)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)


def _cookie(app: Flask, uniquifier: str) -> str:
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    return "session=" + serializer.dumps({"_user_id": uniquifier, "_fresh": True})


def _statements(app: Flask, path: str, cookie: str) -> int:
    seen: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        if not statement.upper().startswith(("BEGIN", "PRAGMA")):
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    client = app.test_client()
    client.set_cookie("session", cookie.partition("=")[2])
    answer = client.get(path)
    event.remove(engine, "before_cursor_execute", note)
    assert answer.status_code == 200, f"{path}: {answer.status_code}"
    return len(seen)


def _rows(made: dict[str, object]) -> list[tuple[str, str, str, int, int, int]]:
    """(page, path, who, statements, times hello, kilobytes): the bars of each page."""
    return [
        ("award page", f"/awards/{made['award']}", "officer", 12, 40, 30),
        ("award page, team lead", f"/awards/{made['award']}", "lead", 12, 40, 30),
        ("lab with its threads", f"/awards/{made['award']}/lab", "mentor", 12, 40, 30),
        ("reports", f"/awards/{made['award']}/reports", "lead", 12, 40, 30),
        ("payments", f"/awards/{made['award']}/payments", "finance", 12, 40, 30),
        ("portfolio of 500, a page", "/awards", "officer", 8, 30, 30),
        ("home, officer", "/", "officer", 10, 30, 30),
        ("home, team lead", "/", "lead", 10, 30, 30),
        ("pilot", f"/awards/{made['pilot']}/pilot", "lead", 12, 40, 30),
        ("pilot dashboard", f"/calls/{made['call']}/pilots", "committee", 12, 40, 30),
    ]


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
        cookies = {name: _cookie(app, person.fs_uniquifier) for name, person in made["people"].items()}
    env = {"LAB_SECRET_KEY": KEY, "LAB_DATABASE_URL": url, "LAB_FILES": config.files, "LAB_SCHEDULER": "0"}
    hello, lab = Server("tests.bench.hello:app", 5091, {}), Server("app:app", 5092, env)
    try:
        yardstick = hello.cost("/", "")
        print(f"\n{AWARDS} awards on {url.split(':')[0]}; hello: {yardstick:.2f} CPU-ms a request\n")
        print(f"{'page':28} {'SQL':>4} {'bar':>4} {'CPU-ms':>8} {'× hello':>8} {'bar':>4} {'KB gz':>7} {'bar':>4}")
        for page, path, who, statements, times, size in _rows(made):
            body = lab.get(path, cookies[who])
            cpu = lab.cost(path, cookies[who])
            print(
                f"{page:28} {_statements(app, path, cookies[who]):4} {statements:4} {cpu:8.1f} {cpu / yardstick:8.1f} {times:4} "
                f"{len(gzip.compress(body, 6)) / 1024:7.1f} {size:4}"
            )
    finally:
        hello.stop()
        lab.stop()


if __name__ == "__main__":
    main()
