"""Who is on what in the demonstration, written out by hand: the matrix is held against this, not against the application."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urljoin, urlsplit

from sqlalchemy import select

from lab.models import Award, Organisation, Person, TeamMember
from tests.faults.client import Answer, Client
from tests.faults.servers import Server

LEAD, MEMBER, MENTOR = "lead@example.org", "member@example.org", "mentor@example.org"
COMMITTEE, OFFICER, FINANCE = "committee@example.org", "officer@example.org", "finance@example.org"
ADMIN = "admin@example.org"
BRAZIL, WEAVING, POTTERY = "lead@costura.example.org", "lead@weaving.example.org", "lead@pottery.example.org"
CARPENTRY = "lead@carpentry.example.org"

# An award goes by its lead's address here.
AWARDS = (
    LEAD, BRAZIL, WEAVING, POTTERY, CARPENTRY, "lead@dyeing.example.org", "lead@repair.example.org", "lead@baking.example.org",
)  # fmt: skip
EVERYWHERE = {COMMITTEE: "committee", OFFICER: "officer", FINANCE: "finance"}
TEAMS = {MEMBER: {LEAD: "member"}, MENTOR: {LEAD: "mentor", BRAZIL: "mentor"}}

_LINK = re.compile(r'(?:href|src)="([^"]+)"')
_ACTION = re.compile(r'<form[^>]*action="([^"]+)"')
_A_SHAPE = 3


def role_on(email: str, award: str) -> str | None:
    """What ``email`` is on the award of that lead; None for everybody who has no business there."""
    if email == award:
        return "lead"
    return EVERYWHERE.get(email) or TEAMS.get(email, {}).get(award)


def codes(server: Server) -> dict[str, str]:
    """The lead's address → the award's code."""
    with server.rows() as session:
        rows = session.execute(
            select(Person.email, Award.code)
            .join(TeamMember, TeamMember.person_id == Person.id)
            .join(Award, Award.id == TeamMember.award_id)
            .where(TeamMember.role == "lead")
        )
        return {email: code for email, code in rows if email in AWARDS}


def marks(server: Server) -> dict[str, tuple[str, ...]]:
    """The lead's address → texts that stand for that award and no other: its organisation and its project."""
    with server.rows() as session:
        rows = session.execute(
            select(Person.email, Award.project, Organisation.legal_name)
            .join(TeamMember, TeamMember.person_id == Person.id)
            .join(Award, Award.id == TeamMember.award_id)
            .join(Organisation, Organisation.id == Award.organisation_id)
            .where(TeamMember.role == "lead")
        )
        return {email: (project, name) for email, project, name in rows if email in AWARDS}


def shape(path: str) -> str:
    """A page's kind: its path without numbers."""
    return re.sub(r"/\d+", "/N", urlsplit(path).path)


def crawl(client: Client, limit: int = 400) -> dict[str, Answer]:
    """Every page that links lead to from the start page, a few of each kind: address → answer."""
    seen: dict[str, Answer] = {}
    shapes: dict[str, int] = {}
    waiting, known = ["/"], {"/"}
    with ThreadPoolExecutor(8) as pool:
        while waiting and len(seen) < limit:
            answers = list(pool.map(client.get, waiting))
            seen.update(zip(waiting, answers, strict=True))
            following: list[str] = []
            for path, answer in zip(waiting, answers, strict=True):
                for link in [*_links(path, answer, _LINK), answer.location]:
                    kind = shape(link) + ("?" if "?" in link else "")
                    if not link or link in known or shapes.get(kind, 0) >= _A_SHAPE:
                        continue
                    known.add(link)
                    shapes[kind] = shapes.get(kind, 0) + 1
                    following.append(link)
            waiting = following
    return seen


def few(paths: Iterable[str]) -> list[str]:
    """One path of each kind about each award, by its own number or by any; of a path without one, itself."""
    kept: dict[str, str] = {}
    for path in sorted(paths):
        kept.setdefault(f"{shape(path)}{'?' if '?' in path else ''}", path)
    return list(kept.values())


def forms(pages: dict[str, Answer]) -> set[str]:
    """Where the forms of these pages are sent."""
    return {link for path, answer in pages.items() for link in _links(path, answer, _ACTION)}


def _links(path: str, answer: Answer, pattern: re.Pattern[str]) -> Iterable[str]:
    if answer.kind != "text/html":
        return
    for found in pattern.findall(answer.text):
        link = urljoin(path, html.unescape(found)).partition("#")[0]
        if link.startswith("/") and not link.startswith(("//", "/static/", "/bootstrap/")):
            yield link
