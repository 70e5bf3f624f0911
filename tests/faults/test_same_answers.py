"""Whether an address has an account can be told neither from the answer nor from its time."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from statistics import median

import pytest
from sqlalchemy import update

from lab.models import Person
from tests.faults.client import Answer, Client
from tests.faults.servers import Server
from tests.faults.table import Figure

SAMPLES, ROUNDS, WITHIN = 100, 3, 0.10
WRONG = "certainly not this one"
_ONCE = re.compile(r'(name="(?:csrf_token|form_key)"[^>]*value=")[^"]*|(nonce(?:="|-))[\w+/=-]+')


@pytest.fixture(scope="session")
def server(one_server: Server) -> Server:
    """One server: both databases are asked the same few things in the same order."""
    return one_server


def _plain(answer: Answer, email: str) -> tuple[object, ...]:
    """An answer without what is new in every answer, and without the address that was typed."""
    body = _ONCE.sub(r"\1\2", answer.text).replace(email, "ADDRESS")
    headers = sorted(
        (name.casefold(), _ONCE.sub(r"\1\2", value))
        for name, value in answer.headers.items()
        if name.casefold() not in ("date", "set-cookie", "content-length", "etag")
    )
    # A browser's first form brings it a session, whatever was in it.
    cookies = {cookie.partition("=")[0] for cookie in answer.headers.get_all("Set-Cookie") or []} - {"session"}
    return answer.status, body, tuple(headers), tuple(sorted(cookies))


def _timed(ask: Callable[[Client, str], Answer], client: Client, email: str) -> tuple[float, Answer]:
    began = time.perf_counter()
    answer = ask(client, email)
    return time.perf_counter() - began, answer


def _measure(server: Server, figure: Figure, what: str, known: list[str], ask: Callable[[Client, str], Answer]) -> None:
    """Known and unknown addresses of the same length in turn; on a noisy machine once or twice more, which the row tells."""
    rounds, ratio, alike = 0, 0.0, set()
    while rounds < ROUNDS:
        rounds += 1
        times: dict[bool, list[float]] = {True: [], False: []}
        for n in range(SAMPLES):
            if n % 8 == 0:
                server.long_after()
                client = server.client()
                client.token()
            email = known[n % len(known)]
            unknown = email.replace("owner-", "nobdy-")
            for is_known, typed in ((True, email), (False, unknown)) if n % 2 else ((False, unknown), (True, email)):
                seconds, answer = _timed(ask, client, typed)
                assert answer.status in (200, 422), answer.status
                times[is_known].append(seconds)
                alike.add(_plain(answer, typed))
        ratio = median(times[True]) / median(times[False])
        if abs(ratio - 1) <= WITHIN:
            break
    assert len(alike) == 1, f"{len(alike)} different answers"
    got = f"medians {(ratio - 1) * 100:+.1f} %, {len(alike)} answer" + (f", round {rounds}" if rounds > 1 else "")
    figure(what, tried=2 * SAMPLES * rounds, got=got, bar="± 10 %, 1 answer", passed=abs(ratio - 1) <= WITHIN)


def _sign_in(client: Client, email: str) -> Answer:
    return client.submit("/login", {"email": email, "password": WRONG, "next": ""})


def test_signing_in(server: Server, figure: Figure) -> None:
    """Known are people who have joined, one who has not yet, and one whose account is disabled."""
    known = server.newcomers(8, "Owner")
    with server.rows() as session:
        session.execute(update(Person).where(Person.email == known[6]).values(password=None))
        session.execute(update(Person).where(Person.email == known[7]).values(active=False))
    _measure(server, figure, "known and unknown: sign-in", known, _sign_in)


def test_asking_for_a_link(server: Server, figure: Figure) -> None:
    _measure(
        server, figure, "known and unknown: a link for a new password", server.newcomers(8, "Owner"),
        lambda client, email: client.submit("/reset", {"email": email}),
    )  # fmt: skip


def test_the_answer_to_a_try_too_many(server: Server, figure: Figure) -> None:
    """Also the refusal of one that tried too often is the same for an address that nobody has."""
    alike = set()
    emails = server.newcomers(2, "Owner")
    tried = 0
    for email in [*emails, *(email.replace("owner-", "nobdy-") for email in emails)]:
        server.long_after()
        client = server.client()
        answers = [_sign_in(client, email) for _try in range(12)]
        tried += len(answers)
        assert [answer.status for answer in answers] == [422] * 10 + [429] * 2
        alike.add((_plain(answers[0], email), _plain(answers[10], email)[:2]))
    figure("known and unknown: the refusal of a try too many", tried=tried, got=f"{len(alike)} answer", bar="1 answer")
