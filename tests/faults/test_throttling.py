"""A thousand wrong passwords over four workers: most are refused before anything is hashed, and no owner is locked out by it."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

import pytest
from sqlalchemy import select

from lab import clock
from lab.models import Mail, SignIn
from lab.rules.throttle import LIMITS, Bucket, Limit, Trial
from lab.services import recovery
from lab.services.sign_ins import token_hash
from tests.faults.client import Answer, Client, addresses
from tests.faults.servers import OTHER_PASSWORD, PASSWORD, Server
from tests.faults.table import Figure

TRIES, FEWER, AT_ONCE = 1000, 300, 16
WRONG = "certainly not this one"


@pytest.fixture(scope="session")
def server(one_server: Server) -> Server:
    """One server; the greatest storm goes against both."""
    return one_server


@dataclass(frozen=True)
class Storm:
    """What a storm of tries came to."""

    answers: Counter[int]
    hashes: int
    seconds: float
    cpu: float

    def allowed(self, limit: Limit) -> int:
        """How many tries the limit lets through in that time."""
        return limit.burst + ceil(timedelta(seconds=self.seconds) / limit.every)

    def __str__(self) -> str:
        return f"{self.hashes} hashed, {self.answers[429]} × 429, {self.cpu:.1f} CPU-s"


def _storm(server: Server, tries: Sequence[Callable[[], Answer]]) -> Storm:
    hashes, cpu, began = server.hashes(), server.cpu_seconds(), time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = Counter(pool.map(lambda one: one().status, tries))
    # The clock's edges: what was given back just before and just after counts as well.
    seconds = time.monotonic() - began + 1
    return Storm(answers, server.hashes() - hashes, seconds, server.cpu_seconds() - cpu)


def _login(client: Client, email: str) -> Callable[[], Answer]:
    return lambda: client.submit("/login", {"email": email, "password": WRONG, "next": ""})


def _ready(clients: list[Client]) -> list[Client]:
    for client in clients:
        client.token()
    return clients


def _report(figure: Figure, what: str, storm: Storm, limit: Limit) -> None:
    assert set(storm.answers) <= {303, 403, 422, 429}, storm.answers
    most, tried = storm.allowed(limit), storm.answers.total()
    passed = storm.hashes <= most and storm.answers[429] >= tried - most
    figure(what, tried=tried, got=storm, bar=f"≤ {most} hashed", passed=passed)


def test_one_account_from_one_address(each_server: Server, figure: Figure) -> None:
    """The owner, on a device of theirs, and everybody elsewhere get in meanwhile and afterwards."""
    each_server.long_after()
    [victim, other] = each_server.newcomers(2, "Owner")
    own_device = each_server.enter(victim)
    assert own_device.submit("/logout").status == 303
    known = own_device.copy()
    known.sign_out_here()
    [attacker] = _ready([each_server.client()])
    attack = _login(attacker, victim)
    got_in: list[int] = []

    def owner() -> Answer:
        got_in.append(known.copy().sign_in(victim, PASSWORD).status)
        got_in.append(each_server.client().sign_in(other, PASSWORD).status)
        return attack()

    tries = [attack] * TRIES
    tries[100] = tries[500] = tries[900] = owner
    before = each_server.hashes()
    storm = _storm(each_server, tries)
    # The owner's own six sign-ins were hashed as well, and are no tries of the stranger's.
    storm = Storm(storm.answers, storm.hashes - len(got_in), storm.seconds, storm.cpu)
    assert each_server.hashes() > before
    assert known.sign_in(victim, PASSWORD).status == 303, "the owner's own device stays open"
    # A stranger's device waits also with the right password: it must not tell that it is the right one.
    right = attacker.sign_in(victim, PASSWORD)
    assert right.status == 429 and int(right.headers["Retry-After"]) > 0
    figure("throttling: owners kept out", tried=len(got_in), got=sum(status != 303 for status in got_in))
    _report(figure, "throttling: one account, one address", storm, LIMITS[Trial.SIGN_IN, Bucket.PAIR])


def test_one_account_from_many_addresses(server: Server, figure: Figure) -> None:
    server.long_after()
    [victim] = server.newcomers(1, "Owner")
    known = server.enter(victim)
    attackers = _ready([server.client(address) for address in addresses(AT_ONCE * 4)])
    storm = _storm(server, [_login(attackers[n % len(attackers)], victim) for n in range(FEWER)])
    known.sign_out_here()
    assert known.sign_in(victim, PASSWORD).status == 303, "the owner's own device stays open"
    _report(figure, "throttling: one account, 64 addresses", storm, LIMITS[Trial.SIGN_IN, Bucket.ACCOUNT])


def test_many_accounts_from_one_address(server: Server, figure: Figure) -> None:
    """Also accounts that nobody has."""
    server.long_after()
    people = server.newcomers(20, "Owner") + [f"nobody-{n}@example.org" for n in range(FEWER - 20)]
    address = addresses(1)[0]
    [attacker] = _ready([server.client(address)])
    storm = _storm(server, [_login(attacker, email) for email in people])
    assert server.client().sign_in(people[0], PASSWORD).status == 303, "from elsewhere it opens as ever"
    _report(figure, "throttling: many accounts, one address", storm, LIMITS[Trial.SIGN_IN, Bucket.ADDRESS])


def test_the_page_that_asks_for_the_password_again(server: Server, figure: Figure) -> None:
    """A thief of an open browser tries passwords on it, on three browsers at once."""
    server.long_after()
    [victim] = server.newcomers(1, "Owner")
    browsers = _ready([server.enter(victim) for _n in range(3)])
    with server.rows() as session:
        for row in session.scalars(select(SignIn).order_by(SignIn.id.desc()).limit(3)):
            row.fresh_at -= timedelta(hours=1)
    fields = {"email": "thief@example.org", "confirm_password": WRONG}
    tries = [lambda n=n: browsers[n % 3].submit("/account/address", fields) for n in range(FEWER)]
    storm = _storm(server, tries)
    assert browsers[0].get("/account").status == 200, "what needs no password goes on"
    _report(figure, "throttling: asked for the password again", storm, LIMITS[Trial.CONFIRM, Bucket.ACCOUNT])


def test_the_form_for_another_password(server: Server, figure: Figure) -> None:
    server.long_after()
    [victim] = server.newcomers(1, "Owner")
    [browser] = _ready([server.enter(victim)])
    fields = {"current": WRONG, "new": OTHER_PASSWORD, "again": OTHER_PASSWORD}
    storm = _storm(server, [lambda: browser.submit("/account/password", fields)] * FEWER)
    assert browser.submit("/account/password", fields | {"current": PASSWORD}).status in (422, 429)
    assert set(storm.answers) <= {422, 429}, storm.answers
    most = storm.allowed(LIMITS[Trial.CONFIRM, Bucket.ACCOUNT])
    figure(
        "throttling: the form for another password",
        tried=storm.answers.total(),
        got=storm,
        bar=f"≤ {most} hashed",
        passed=storm.hashes <= most,
    )


def test_asking_for_links_floods_nobody(server: Server, figure: Figure) -> None:
    """Hundreds of times /reset from many addresses: nothing is hashed, and the owner gets three mails at most."""
    server.long_after()
    [victim] = server.newcomers(1, "Owner")
    attackers = _ready([server.client(address) for address in addresses(50)])
    storm = _storm(server, [lambda n=n: attackers[n % 50].submit("/reset", {"email": victim}) for n in range(FEWER)])
    with server.rows() as session:
        for _round in range(6):
            recovery.answer_resets(clock.now(), clock.wall())
        mails = session.scalars(select(Mail.id).where(Mail.to == victim)).all()
    assert set(storm.answers) <= {200, 429}, storm.answers
    got = f"{storm.hashes} hashed, {len(mails)} mails"
    figure(
        "throttling: links asked for",
        tried=storm.answers.total(),
        got=got,
        bar="0 hashed, ≤ 3 mails",
        passed=not storm.hashes and 0 < len(mails) <= 3,
    )


def test_links_are_not_guessed_by_trying(server: Server, figure: Figure) -> None:
    """Hundreds of links that were made up: no page of a link opens, nothing is hashed."""
    server.long_after()
    [browser] = _ready([server.client()])
    storm = _storm(
        server,
        [lambda n=n: browser.submit(f"/reset/{token_hash(str(n))[:43]}", {"password": WRONG}) for n in range(FEWER)],
    )
    opened = storm.answers[200] + storm.answers[422]
    page = browser.get(f"/reset/{token_hash('none')[:43]}")
    assert page.status == 303 and re.fullmatch("/reset", page.location)
    assert set(storm.answers) <= {303, 429}, storm.answers
    figure(
        "throttling: links that were made up and open",
        tried=storm.answers.total(),
        got=f"{opened}, {storm.hashes} hashed",
        bar="0, 0 hashed",
    )
