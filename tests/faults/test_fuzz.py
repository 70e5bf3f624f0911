"""Ten thousand requests of every wrong kind against the real server: none of them is answered by a mistake of ours."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from lab import clock
from lab.models import Person
from lab.services import throttle
from tests.conftest import DATABASES, POSTGRES
from tests.faults import people, servers
from tests.faults.client import Client
from tests.faults.fuzz import Fuzz, Known, Tally, send
from tests.faults.servers import Server
from tests.faults.table import Figure

ROLES = (
    people.LEAD, people.MEMBER, people.MENTOR, people.COMMITTEE, people.OFFICER, people.FINANCE, people.ADMIN, people.BRAZIL,
    people.POTTERY,
)  # fmt: skip
# Ten thousand in all.
REQUESTS = {"sqlite": 9_000 if POSTGRES else 10_000, "postgresql": 1_000}
THREADS = 4
# How many pages everybody looks at first: whoever sends more knows more.
LOOKED_AT = {"sqlite": 130, "postgresql": 60}
# What the view itself says: it was let in, with its token.
THROUGH = frozenset({200, 201, 303, 409, 410, 422, 429})
SEED = 2021


@pytest.fixture(params=DATABASES)
def fuzzed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Server]:
    """A server of its own: what thousands of strange forms have stored is in nobody's way."""
    monkeypatch.setattr(servers, "SCHEMA", "fuzzed")
    made = Server(request.param, tmp_path_factory.mktemp(f"fuzzed-{request.param}"), POSTGRES, workers=2)
    try:
        made.fill()
        made.start()
        yield made
    finally:
        made.stop()


@dataclass(frozen=True)
class Account:
    """What somebody needs to sign in, as it was at first."""

    id: int
    values: dict[str, object]


def _accounts(server: Server) -> dict[str, Account]:
    names = ("email", "password", "active")
    with server.rows() as session:
        found = session.scalars(select(Person).where(Person.email.in_(ROLES)))
        return {one.email: Account(one.id, {name: getattr(one, name) for name in names}) for one in found}


class Part:
    """One thread's share of the run: people of its own at browsers of their own."""

    def __init__(
        self, server: Server, seed: int, known: dict[str, Known], accounts: dict[str, Account], reached: set[str]
    ) -> None:
        self.server = server
        self.known = known
        self.fuzz = {who: Fuzz(seed * 100 + n, known[who], server.app.url_map, reached) for n, who in enumerate(ROLES)}
        self.clients: dict[str, Client] = {}
        self.accounts = accounts
        self.tally = Tally()
        self.again = 0

    def client(self, who: str) -> Client:
        """Their browser, signed in; entered anew when something that was sent has ended that."""
        client = self.clients.get(who)
        if client is None:
            client = self.clients[who] = self.entered(who)
            client.token()
        return client

    def entered(self, who: str, tries: int = 4) -> Client:
        """A sign-in of theirs. Between the account's repair and it, what the other threads send may break it again."""
        self.revive(who)
        try:
            return self.server.enter(who)
        except AssertionError:
            if tries > 1:
                return self.entered(who, tries - 1)
            logging.getLogger(__name__).error(self.server.log.read_text(errors="replace")[-20_000:])
            raise

    def revive(self, who: str) -> None:
        """Undo behind the server's back what keeps this account's owner out: others have disabled it, or changed it."""
        with self.server.rows() as session:
            account = self.accounts[who]
            session.execute(update(Person).where(Person.id == account.id).values(**account.values))
            throttle.forget_full(clock.wall() + timedelta(days=1))

    def run(self, number: int) -> Tally:
        """Send that many."""
        for n in range(number):
            who = ROLES[n % len(ROLES)]
            sent = self.fuzz[who].one(self.client(who))
            status = send(self.clients[who], sent)
            self.tally.add(sent, status, status not in THROUGH)
            self.fuzz[who].reached |= self.tally.reached
            if status == 302 and self.clients[who].get("/account").status != 200:
                del self.clients[who]
                self.again += 1
        return self.tally


def _knowledge(server: Server) -> dict[str, Known]:
    found = {}
    for who in ROLES:
        found[who] = Known()
        found[who].learn(people.crawl(server.enter(who), limit=LOOKED_AT[server.kind]), server.app.url_map)
    # Everybody tries the numbers of everybody else as well.
    of_all: dict[str, set[Any]] = {}
    for known in found.values():
        known.of_all = of_all
        for name, values in known.values.items():
            of_all.setdefault(name, set()).update(values)
    return found


def test_no_request_whatever_is_a_mistake_of_ours(fuzzed: Server, figure: Figure) -> None:
    known, accounts = _knowledge(fuzzed), _accounts(fuzzed)
    workers, number = fuzzed.pids(), REQUESTS[fuzzed.kind]
    reached: set[str] = set()
    parts = [Part(fuzzed, SEED + n, known, accounts, reached) for n in range(THREADS)]
    began = time.monotonic()
    with ThreadPoolExecutor(THREADS) as pool:
        tallies = list(pool.map(lambda part: part.run(number // THREADS), parts))
    took = time.monotonic() - began
    whole = Tally()
    for tally in tallies:
        whole.merge(tally)
    log = fuzzed.log.read_text(errors="replace")
    logging.getLogger(__name__).info(
        f"{took:.0f} s, CPU {fuzzed.cpu_seconds():.0f} s, {dict(sorted(whole.statuses.items()))}, entered anew {sum(p.again for p in parts)} times"
    )
    assert fuzzed.pids() == workers, f"a worker has died:\n{log[-5000:]}"
    traces = [line for line in log.splitlines() if line.startswith("Traceback")]
    if whole.wrong:
        logging.getLogger(__name__).error(log[-60_000:])
    figure("fuzzed requests: answers of 500", tried=sum(whole.statuses.values()), wrong=whole.wrong)
    assert not traces, log[-5000:]
    # It would show nothing if the door or the token had turned nearly everything away. What no page offers, because nobody
    # there has a passkey or an agreement to reopen, is reached by chance alone.
    endpoints = {rule.endpoint for rule in fuzzed.app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    offered = {endpoint for part in parts for fuzz in part.fuzz.values() for endpoint in fuzz.sent_to} & endpoints
    missed = sorted(offered - whole.reached)
    logging.getLogger(__name__).info(
        f"{len(endpoints)} forms, {len(offered)} offered, {len(whole.reached)} reached, missed: {', '.join(missed)}"
    )
    few = number < 8_000
    assert len(offered) > len(endpoints) * 0.45, sorted(endpoints - offered)
    assert len(missed) <= len(offered) // (3 if few else 10), ", ".join(missed)
    assert len(whole.reached) > len(endpoints) * (0.4 if few else 0.75), sorted(endpoints - whole.reached)
    assert sum(whole.statuses[status] for status in THROUGH) > number // 4, whole.statuses
    assert whole.statuses[0] <= number // 200, "lines were cut without an answer"
