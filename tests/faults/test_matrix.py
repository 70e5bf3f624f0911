"""Everybody asks the running server for everybody's pages, and sends everybody's forms: who gets what, held against a table by hand."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import select
from werkzeug.routing import Rule

from lab import clock
from lab.models import Award, BankAccount, Call, CommitteeMember, MentorNote, Person, TeamMember
from tests.faults.client import Answer, Client
from tests.faults.people import (
    ADMIN,
    AWARDS,
    BRAZIL,
    CARPENTRY,
    COMMITTEE,
    FINANCE,
    LEAD,
    MEMBER,
    MENTOR,
    OFFICER,
    POTTERY,
    WEAVING,
    codes,
    crawl,
    few,
    forms,
    marks,
    role_on,
)  # fmt: skip
from tests.faults.servers import Server
from tests.faults.table import Figure

TEAM = frozenset({"lead", "member"})
AROUND = TEAM | {"mentor", "committee", "officer", "finance"}
# What comes after an award's code → who of those on the award may read it.
PAGES: tuple[tuple[str, frozenset[str]], ...] = (
    (r"(/timeline)?", AROUND),
    (r"/workplan(/versions/\d+)?", AROUND),
    (r"/workplan/versions/\d+/(changes|workbook)", AROUND),
    (r"/workplan/(edit|check|offline|workbook)", TEAM),
    (r"/workplan/review", frozenset({"officer"})),
    (r"/agreement(\.pdf|/verify|/clauses/\w+|/versions/\d+)?", TEAM | {"officer", "finance"}),
    (r"/agreement/(paper|signatory)/organisation", frozenset({"lead"})),
    (r"/agreement/(paper|signatory)/ilo", frozenset({"officer"})),
    (r"/amendments(/\d+)?", TEAM | {"officer", "finance", "committee"}),
    (r"/amendments/(new|\d+/(edit|check))", frozenset({"lead", "officer"})),
    (r"/payments", TEAM | {"officer", "finance", "committee"}),
    (r"/lab(/versions/\d+)?", AROUND),
    (r"/lab/versions/new", TEAM),
    (r"/lab/boot-camps/[\w-]+", frozenset({"officer", "mentor"})),
    (r"/lab/notes", frozenset({"officer", "mentor"})),
    (r"/reports(/\w+/\d+(/versions/\d+)?)?", AROUND),
    (r"/reports/\w+/\d+/(edit|check)", TEAM),
    (r"/reports/\w+/\d+/review", frozenset({"officer"})),
    (r"/pilot(/indicators/\d+)?", AROUND),
    (r"/closing", TEAM | {"officer", "finance", "committee"}),
    (r"/files/\d+", AROUND),
    (r"/people/\d+/help", frozenset({"officer"})),
)
# Pages of the whole programme.
ELSEWHERE: tuple[tuple[str, frozenset[str]], ...] = (
    (r"/awards|/awards\?.*", frozenset({OFFICER, FINANCE})),
    (r"/awards/new", frozenset({OFFICER})),
    (r"/(people|outbox|security)\b.*", frozenset({ADMIN})),
)
NOTE = "A note that mentors keep to themselves: "
NOBODY = ""
T = TypeVar("T")


@pytest.fixture(scope="session")
def server(one_server: Server) -> Server:
    """One server: who may see what does not hang on the database, and tests/web/test_routes.py asks both."""
    return one_server


@dataclass
class Crowd:
    """Everybody at their browsers, and what each award is known by."""

    server: Server
    browsers: dict[str, Client]
    codes: dict[str, str]
    marks: dict[str, tuple[str, ...]]
    accounts: dict[str, list[str]]
    village: str
    pages: dict[str, Answer] = field(default_factory=dict)
    forms: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)

    def look_around(self) -> None:
        """Everybody opens what their links lead to; what an answer gives away is noted at once."""
        for who in (OFFICER, FINANCE, LEAD, MENTOR, COMMITTEE, ADMIN):
            found = crawl(self.browsers[who])
            self.wrong += [told for path, answer in found.items() for told in _told(self, who, path, answer)]
            self.pages |= found
            self.forms |= forms(found)

    def role(self, who: str, award: str) -> str | None:
        """What somebody is on an award, also those who came for this test."""
        if who == self.village:
            return "committee" if award not in (LEAD, BRAZIL) else None
        return role_on(who, award)

    def award_of(self, path: str) -> str | None:
        """The award that a path is of, by its lead."""
        code = path.split("/")[2].partition("?")[0] if path.startswith("/awards/") else ""
        return next((award for award, known in self.codes.items() if known == code), None)

    def sought(self, path: str, award: str) -> frozenset[str]:
        rest = path.partition("?")[0].removeprefix(f"/awards/{self.codes[award]}")
        found = [roles for pattern, roles in PAGES if re.fullmatch(pattern, rest)]
        assert found, f"{path} is not in the table of who may read what"
        return found[0]


def _crowd(server: Server) -> Crowd:
    village, former, stranger = server.newcomers(3, "Crowd")
    known = codes(server)
    with server.rows() as session:
        ids = dict(session.execute(select(Person.email, Person.id)).tuples().all())
        call = session.scalars(select(Call.id).where(Call.code == "demo-village-workshops")).one()
        session.add(CommitteeMember(call_id=call, person_id=ids[village]))
        award = session.scalars(select(Award).where(Award.code == known[LEAD])).one()
        left = clock.now() - timedelta(days=1)
        session.add(TeamMember(award_id=award.id, person_id=ids[former], role="lead", since=left, until=left))
        for lead in (LEAD, BRAZIL):
            on = session.scalars(select(Award.id).where(Award.code == known[lead])).one()
            session.add(MentorNote(award_id=on, author_id=ids[MENTOR], body=f"{NOTE}{lead}", at=clock.now()))
        numbers = session.execute(
            select(Award.code, BankAccount.number).join(
                BankAccount, BankAccount.organisation_id == Award.organisation_id
            )
        ).all()
    accounts: dict[str, list[str]] = {}
    for lead, code in known.items():
        accounts[lead] = [number for of, number in numbers if of == code]
    who = [
        LEAD,
        MEMBER,
        MENTOR,
        COMMITTEE,
        OFFICER,
        FINANCE,
        ADMIN,
        BRAZIL,
        WEAVING,
        POTTERY,
        village,
        former,
        stranger,
    ]
    browsers = {email: server.enter(email) for email in who} | {NOBODY: server.client()}
    return Crowd(server, browsers, known, marks(server), accounts, village)


def _all(work: Callable[[T], list[str]], items: Iterable[T]) -> list[str]:
    with ThreadPoolExecutor(8) as pool:
        return [wrong for found in pool.map(work, items) for wrong in found]


def _told(crowd: Crowd, who: str, path: str, answer: Answer) -> list[str]:
    """What this answer gives away to somebody who must not have it."""
    text = html.unescape(answer.text) if answer.kind.startswith(("text/", "image/svg", "application/json")) else ""
    wrong = []
    for award in AWARDS:
        role = crowd.role(who, award)
        # An administrator has no part in the programme, and reads names in mails, accounts and the log.
        over_accounts = who == ADMIN and re.match(r"/(people|outbox|security)\b", path)
        if role is None and not over_accounts and any(mark in text for mark in crowd.marks[award]):
            wrong.append(f"{who or 'nobody'} reads of {award} on {path}")
        if role not in ("lead", "officer", "finance") and any(number in text for number in crowd.accounts[award]):
            wrong.append(f"{who or 'nobody'} reads the account of {award} on {path}")
        if role not in ("mentor", "officer") and f"{NOTE}{award}" in text:
            wrong.append(f"{who or 'nobody'} reads a mentor's note on {award} on {path}")
    return wrong


def _read(crowd: Crowd, who: str, path: str) -> list[str]:
    answer = crowd.browsers[who].get(path)
    wrong = _told(crowd, who, path, answer)
    if answer.status >= 500:
        wrong.append(f"{who or 'nobody'} {path}: {answer.status}")
    if answer.status != 200:
        return wrong
    award = crowd.award_of(path)
    if award is not None and crowd.role(who, award) not in crowd.sought(path, award):
        wrong.append(f"{who or 'nobody'} opens {path}")
    for pattern, allowed in ELSEWHERE:
        if re.fullmatch(pattern, path) and who not in allowed:
            wrong.append(f"{who or 'nobody'} opens {path}")
    return wrong


def _matched(crowd: Crowd, method: str, paths: Iterable[str]) -> set[str]:
    """The rules that these paths are of."""
    adapter = crowd.server.app.url_map.bind("127.0.0.1")
    found = set()
    for path in paths:
        if adapter.test(path.partition("?")[0], method):
            found.add(adapter.match(path.partition("?")[0], method, return_rule=True)[0].rule)
    return found


def _rules(crowd: Crowd, method: str) -> list[Rule]:
    """The rules about an award that answer to ``method``."""
    return [
        rule
        for rule in crowd.server.app.url_map.iter_rules()
        if method in (rule.methods or ()) and "award_code" in rule.arguments
    ]


@pytest.fixture(scope="module")
def crowd(server: Server) -> Crowd:
    made = _crowd(server)
    made.look_around()
    return made


def test_nobody_reads_what_is_not_theirs(crowd: Crowd, figure: Figure) -> None:
    """Pages that somebody's links lead to are asked for by everybody."""
    paths, wrong = set(crowd.pages), list(crowd.wrong)
    known = _matched(crowd, "GET", paths)
    for rule in _rules(crowd, "GET"):
        if rule.rule not in known:
            # Pages that nobody has a reason to open now, such as that for a review which is done.
            paths |= {path for award in (LEAD, BRAZIL, CARPENTRY) for path in [_built(crowd, rule, award)]}
    # Every file, as each has its own readers; of other kinds of pages one about each award.
    files = {path for path in paths if "/files/" in path}
    paths = {*files, *few(paths - files)}
    asked = [(who, path) for who in crowd.browsers for path in sorted(paths)]
    assert {crowd.award_of(path) for path in paths} >= set(AWARDS)
    # The attack is one only if the pages do open for those whose they are.
    page = html.unescape(crowd.browsers[FINANCE].get(f"/awards/{crowd.codes[LEAD]}/payments").text)
    assert crowd.marks[LEAD][0] in page and any(number in page for number in crowd.accounts[LEAD])
    assert any(re.search(r"/files/\d+$", path) for path in paths) and any("/indicators/" in path for path in paths)
    wrong += _all(lambda pair: _read(crowd, *pair), asked)
    figure("matrix: pages read by people who must not", tried=len(asked), wrong=wrong)


def _built(crowd: Crowd, rule: Rule, award: str, number: int = 1) -> str:
    """A rule's path on an award, with real names where the rule has some."""
    values: dict[str, object] = {
        "kind": "progress_report", "section": "summary", "checklist": "due_diligence", "transition": "suspend", "key": "refine",
        "place": "prototype",
    }  # fmt: skip
    values = {name: values.get(name, number) for name in rule.arguments} | {"award_code": crowd.codes[award]}
    built = rule.build(values, append_unknown=False)
    assert built is not None, rule
    return built[1]


def _sent(crowd: Crowd, who: str, path: str) -> list[str]:
    fields = {
        "body": "Written by a stranger", "title": "Written by a stranger", "reason": "Written by a stranger", "note": "x", "text": "x",
        "name": "A stranger", "email": "stranger@example.org", "role": "member", "next": "/", "how": "x", "evidence": "x",
    }  # fmt: skip
    answer = crowd.browsers[who].submit(path, fields)
    if answer.status in (403, 404, 405) or (who == NOBODY and answer.sends_to_sign_in):
        return _told(crowd, who, path, answer)
    return [f"{who or 'nobody'} POST {path}: {answer.status}"]


def test_nobody_writes_to_what_is_not_theirs(crowd: Crowd, figure: Figure) -> None:
    """Every kind of form of every award is sent, with a good token, by people who are not on that award; the database stays as it is."""
    paths = {path for path in crowd.forms if crowd.award_of(path) is not None}
    paths |= {_built(crowd, rule, award) for rule in _rules(crowd, "POST") for award in (LEAD, CARPENTRY)}
    asked = [
        (who, path)
        for path in few(paths)
        for who in crowd.browsers
        if (award := crowd.award_of(path)) is not None and crowd.role(who, award) is None
    ]
    for browser in crowd.browsers.values():
        browser.token()
    before = crowd.server.contents()
    wrong = _all(lambda pair: _sent(crowd, *pair), asked)
    after = crowd.server.contents()
    wrong += [f"{name} was written to" for name in before if before[name] != after[name]]
    figure(
        "matrix: forms taken from people who must not",
        tried=len(asked),
        wrong=wrong,
    )


def test_an_id_of_one_award_opens_nothing_under_another(crowd: Crowd, figure: Figure) -> None:
    """Ids of files, threads, indicators and conditions are asked for under the code of an award that they are not of."""
    unique = re.compile(r"/(files|threads|indicators|conditions)/\d+")
    reads = {path for path in crowd.pages if crowd.award_of(path) and unique.search(path)}
    writes = {path for path in crowd.forms if crowd.award_of(path) and unique.search(path)}
    assert reads and writes
    asked = []
    for method, paths in (("GET", reads), ("POST", writes)):
        for path in sorted(paths):
            own = crowd.award_of(path)
            for other in AWARDS:
                for who in {other, OFFICER, MENTOR} & set(crowd.browsers):
                    if own is not None and other != own and crowd.role(who, other):
                        moved = path.replace(crowd.codes[own], crowd.codes[other], 1)
                        asked.append((who, method, moved, own))

    def ask(item: tuple[str, str, str, str]) -> list[str]:
        who, method, path, own = item
        browser = crowd.browsers[who]
        answer = browser.get(path) if method == "GET" else browser.submit(path, {"body": "Elsewhere", "note": "x"})
        wrong = [] if answer.status in (403, 404, 405) else [f"{who} {method} {path}: {answer.status}"]
        # A page that there is no such thing may well show the award of the address, but not that of the id.
        return wrong + [
            f"{who} reads of {own} on {path}" for mark in crowd.marks[own] if mark in html.unescape(answer.text)
        ]

    for browser in crowd.browsers.values():
        browser.token()
    before = crowd.server.contents()
    wrong = _all(ask, asked)
    after = crowd.server.contents()
    wrong += [f"{name} was written to" for name in before if before[name] != after[name]]
    figure("matrix: ids opened under another award", tried=len(asked), wrong=wrong)
