"""Attacks go against one running server a database, and each puts its figure into a table that the run ends with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.conftest import DATABASES, POSTGRES, Store
from tests.faults import table
from tests.faults.servers import Server
from tests.faults.table import Figure


class Servers:
    """The running servers by the kind of their database: started when first asked for, stopped at the end."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self.factory = factory
        self.running: dict[str, Server] = {}

    def of(self, kind: str) -> Server:
        if kind not in self.running:
            server = Server(kind, self.factory.mktemp(f"attacked-{kind}"), POSTGRES)
            self.running[kind] = server
            server.fill()
            server.start()
        return self.running[kind]


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    if not Path("/proc/self/status").exists():
        pytest.skip("this machine has no /proc: the server's processes cannot be read")
    made = Servers(tmp_path_factory)
    yield made
    for server in made.running.values():
        server.stop()


@pytest.fixture(scope="session", params=DATABASES)
def server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    """The running server, with the demonstration and whatever the attacks before have left."""
    return servers.of(request.param)


@pytest.fixture(scope="session", params=DATABASES)
def each_server(request: pytest.FixtureRequest, servers: Servers) -> Server:
    """The same, for a test of a room whose others make do with one."""
    return servers.of(request.param)


@pytest.fixture(scope="session")
def one_server(servers: Servers) -> Server:
    """The same, for attacks that come to nothing before a database is asked: on PostgreSQL where there is one."""
    return servers.of(DATABASES[-1])


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Figure:
    """Puts a row into the table, and fails if it does not pass: ``figure(attack, tried=…, wrong=[what succeeded])``, or
    ``figure(attack, tried=…, got=…, bar=…)``, with ``passed`` where the bar is no number to be equal to.
    """

    def put(
        attack: str,
        *,
        tried: int,
        wrong: Sequence[str] = (),
        got: object = None,
        bar: object = 0,
        passed: bool | None = None,
    ) -> None:
        used = [value.kind for value in request.node.funcargs.values() if isinstance(value, Server | Store)]
        where = used[0] if used else "sqlite"
        found = len(wrong) if got is None else got
        row = table.row(attack, where, tried, found, bar, found == bar if passed is None else passed)
        # With the report of its test the row reaches the process that prints the table.
        request.node.user_properties.append((table.PROPERTY, asdict(row)))
        table.hold(row, wrong)

    return put
