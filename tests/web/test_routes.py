"""Every route × everybody × every method × ids of others: who gets in, who is told no, and who is not even told that there
is something. Generated from the URL map; what the tables below do not know fails."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import JSON, String, Text, select
from sqlalchemy.orm import Session
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from lab import models
from lab.rules.facts import Scope
from lab.rules.permissions import Action, can
from lab.web.access import DECLARED
from tests.conftest import DATABASES
from tests.factories import World
from tests.web.pages import PageClient, lint
from tests.worlds import KINDS, TOKEN, Place, Worlds, build_worlds, contents, marks_in

# Who may do what on an award of theirs, written out by hand from the domain's table of people.
TEAM = {"lead", "member"}
AROUND = TEAM | {"mentor", "committee", "officer", "finance"}
MAY: dict[Action, set[str]] = {
    Action.SEE_CALLS: {"committee", "officer", "finance"},
    Action.SEE_PILOTS: {"committee", "officer", "finance"},
    Action.SEE_PORTFOLIO: {"officer", "finance"},
    Action.RECORD_AWARD: {"officer"},
    Action.SEE_AWARD: AROUND,
    Action.EDIT_TEAM: {"lead", "officer"},
    Action.HELP_BACK_IN: {"officer"},
    Action.SEE_WORKPLAN: AROUND,
    Action.EDIT_WORKPLAN: TEAM,
    Action.SUBMIT_WORKPLAN: {"lead"},
    Action.REVIEW_WORKPLAN: {"officer"},
    Action.ANSWER_WORKPLAN: TEAM | {"officer"},
    Action.EXTEND_DEADLINE: {"officer"},
    Action.SEE_AGREEMENT: TEAM | {"officer", "finance"},
    Action.CHECK_DUE_DILIGENCE: {"officer"},
    Action.PROVIDE_DOCUMENT: {"lead", "officer"},
    Action.DRAFT_AGREEMENT: {"officer"},
    Action.DISCUSS_CLAUSE: TEAM | {"officer"},
    Action.CHANGE_CLAUSE: {"officer"},
    Action.OPEN_AGREEMENT: {"officer"},
    Action.KEEP_CLAUSE: TEAM | {"officer"},
    Action.SIGN_FOR_ORGANISATION: TEAM,
    Action.SIGN_FOR_ILO: {"officer"},
    Action.ARRANGE_ORGANISATION_SIGNING: {"lead"},
    Action.ARRANGE_ILO_SIGNING: {"officer"},
    Action.SEE_AMENDMENTS: TEAM | {"officer", "finance", "committee"},
    Action.REQUEST_AMENDMENT: {"lead", "officer"},
    Action.DECIDE_AMENDMENT: {"committee"},
    Action.SEE_PAYMENTS: TEAM | {"officer", "finance", "committee"},
    Action.SEE_LEDGER: TEAM | {"officer", "finance"},
    Action.SEE_ACCOUNT: {"lead", "officer", "finance"},
    Action.ENTER_ACCOUNT: {"lead", "officer"},
    Action.VERIFY_ACCOUNT: {"finance"},
    Action.ATTEST_CONDITION: {"officer"},
    Action.PROPOSE_PAYMENT: {"officer"},
    Action.AUTHORISE_PAYMENT: {"finance"},
    Action.SEND_BACK_PAYMENT: {"officer", "finance"},
    Action.RECORD_PAYMENT: {"finance"},
    Action.CONFIRM_RECEIPT: {"lead"},
    Action.RECORD_RETURN: {"finance"},
    Action.DECIDE_PAYMENT: {"officer"},
    Action.SEE_PAYMENT_QUEUE: {"officer", "finance"},
    Action.PROPOSE_PAYMENTS: {"officer"},
    Action.AUTHORISE_PAYMENTS: {"finance"},
    Action.SEE_LAB: AROUND,
    Action.SEE_MENTOR_NOTES: {"officer", "mentor"},
    Action.WRITE_MENTOR_NOTE: {"officer", "mentor"},
    Action.RUN_BOOT_CAMP: {"officer", "mentor"},
    Action.PUBLISH_PROTOTYPE: TEAM,
    Action.COMMENT_PROTOTYPE: {"officer", "mentor"},
    Action.REPLY_THREAD: TEAM | {"officer", "mentor"},
    Action.RESOLVE_THREAD: {"officer", "mentor"},
    Action.SEE_REPORTS: AROUND,
    Action.EDIT_REPORT: TEAM,
    Action.SUBMIT_REPORT: {"lead"},
    Action.REVIEW_REPORT: {"officer"},
    Action.ACCEPT_MILESTONE: {"officer"},
    Action.SEE_PILOT: AROUND,
    Action.DEFINE_INDICATOR: TEAM | {"officer"},
    Action.ENTER_INDICATOR_VALUE: TEAM,
    Action.RECORD_DECISION: {"committee"},
    Action.SEE_CLOSING: TEAM | {"officer", "finance", "committee"},
    Action.CHECK_CLOSING: {"officer"},
    Action.WRITE_LESSON: TEAM | {"officer"},
    Action.CLOSE_AWARD: {"officer"},
    Action.STEER_AWARD: {"officer"},
    Action.WITHDRAW_AWARD: {"lead"},
    Action.ADD_FILE: TEAM | {"officer", "mentor"},
    Action.DOWNLOAD_FILE: AROUND,
    Action.SEE_PEOPLE: {"admin"},
    Action.EDIT_PEOPLE: {"admin"},
    Action.SEE_OUTBOX: {"admin"},
    Action.SEE_SECURITY: {"admin"},
    Action.EXPORT_SECURITY: {"admin"},
}
# What each person is, on which of the awards (``a`` and ``b`` of one call, ``c`` of another).
WHO: dict[str, tuple[str, str]] = {
    "lead": ("lead", "a"), "member": ("member", "a"), "mentor": ("mentor", "a"), "committee": ("committee", "ab"),
    "officer": ("officer", "abc"), "finance": ("finance", "abc"), "admin": ("admin", "abc"),
    "near_lead": ("lead", "b"), "near_member": ("member", "b"), "near_mentor": ("mentor", "b"), "far_lead": ("lead", "c"),
    "far_committee": ("committee", "c"), "former": ("former", "a"),
    # Not let in at all.
    "disabled": ("", ""), "invited": ("", ""), "anonymous": ("", ""),
}  # fmt: skip
STRANGERS = {"disabled", "invited", "anonymous"}
# On pages of the programme as a whole it does not matter whose award it is.
PROGRAMME = {
    Action.SEE_PORTFOLIO, Action.RECORD_AWARD, Action.SEE_PEOPLE, Action.EDIT_PEOPLE, Action.SEE_OUTBOX,
    Action.SEE_SECURITY, Action.EXPORT_SECURITY, Action.SEE_PAYMENT_QUEUE, Action.PROPOSE_PAYMENTS, Action.AUTHORISE_PAYMENTS,
}  # fmt: skip
# A committee's member sees the list of calls, narrowed to their own.
LISTS = {Action.SEE_CALLS, Action.SEE_PILOTS}

# Which marked words (tests.worlds) who may read on an award of theirs.
READERS: dict[str, set[str]] = {
    "leak": AROUND, "project": AROUND, "name": AROUND | {"admin"}, "closing": TEAM | {"officer", "finance", "committee"},
    "agreement": TEAM | {"officer", "finance"}, "diligence": {"officer", "finance"},
    "money": TEAM | {"officer", "finance", "committee"}, "evidence": TEAM | {"officer", "finance", "committee"},
    "reference": {"lead", "officer", "finance"}, "bank": {"lead", "officer", "finance"}, "draft": TEAM | {"officer"},
    "note": {"mentor", "officer"}, "mail": {"admin"}, "security": {"admin"},
}  # fmt: skip

# An id of the world for every part of an address: by endpoint and name, by blueprint and name, or by name alone.
VALUES: dict[str, str] = {
    "award_code": "award_code", "call_code": "call_code", "upload_id": "upload_id", "upload.remove.upload_id": "paper_id",
    "thread_id": "thread_id", "workplan.thread_id": "plan_thread_id",
    "indicator_id": "indicator_id", "condition_id": "condition_id", "decision_id": "decision_id", "mail_id": "mail_id", "kind": "kind", "version": "version",
    "person_id": "person_id", "award.invite_again.person_id": "guest_id", "people.invite_again.person_id": "guest_id",
    "people.revoke.person_id": "guest_id", "sign_in_id": "sign_in_id", "passkey_id": "passkey_id", "token": "=unknown",
    "amendment.number": "amendment", "amendment_edit.number": "amendment", "lab.number": "prototype", "lab.key": "camp", "workplan.number": "plan_version", "workplan_offline.number": "plan_version", "report.number": "report",
    "report.accept_milestone.number": "milestone", "disbursement.number": "tranche", "agreement.key": "diligence_key",
    "closing.key": "closing_key", "clause.key": "clause", "clause.number": "frozen", "clause.obligation_id": "duty", "award.steer.transition": "=suspend", "call.chart": "=time",
}  # fmt: skip
# Parts that name no row: the same word on every award.
WORDS = {"kind", "transition", "chart", "agreement.key", "closing.key", "clause.key"}


# Let in at the door and refused for this row: of papers of a boot camp members take away only their own, and what the
# team asks for is written by the team.
NARROWER = {("upload.remove", "member")} | {
    (f"amendment_edit.{name}", "officer") for name in ("edit", "autosave", "paste", "check", "submit")
} | {
    # The one that waits is the team's: the ILO judges it.
    ("amendment.take_back", "officer"), ("amendment.withdraw", "officer"),
    ("amendment.approve", "lead"), ("amendment.request_changes", "lead"), ("amendment.refuse", "lead"),
}  # fmt: skip
# Nobody here has set an app up; and what is somebody's own: the lead's of the award whose ids are asked with, and nothing to everybody else.
NOBODY_HAS = {"second_factor.remove_app"}
OWN = {"account.end_device", "second_factor.rename_passkey", "second_factor.remove_passkey"}
SCRIPT = {"X-Requested-With": "XMLHttpRequest"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True)
class Try:
    """A request: the rule, on whose award, with whose ids."""

    rule: Rule
    path: str
    award: str
    ids: str

    @property
    def action(self) -> Action:
        return DECLARED[self.rule.endpoint]


def _value(rule: Rule, name: str, place: Place) -> object:
    blueprint = rule.endpoint.split(".")[0]
    for key in (f"{rule.endpoint}.{name}", f"{blueprint}.{name}", name):
        if key in VALUES:
            return VALUES[key][1:] if VALUES[key].startswith("=") else place.ids[VALUES[key]]
    raise AssertionError(f"{rule.rule}: tests.worlds has no {name}: give it one, and name it in VALUES")


def _named(rule: Rule) -> set[str]:
    """The parts of an address that name a row of one award."""
    blueprint = rule.endpoint.split(".")[0]
    return {name for name in rule.arguments - {"award_code", "call_code"} if not {name, f"{blueprint}.{name}"} & WORDS}


def _rules(app: Flask) -> list[Rule]:
    found = (
        rule for rule in app.url_map.iter_rules() if DECLARED.get(rule.endpoint, Action.PUBLIC) is not Action.PUBLIC
    )
    # Signing out comes last: nothing can be asked after it.
    return sorted(found, key=lambda rule: (rule.endpoint == "sign_in.sign_out", rule.rule))


def _tries(app: Flask, worlds: Worlds) -> Iterator[Try]:
    """Every rule on each award with its own ids; on award a with the others' ids, and on the others' with those of a."""
    for rule in _rules(app):
        for award, ids in ("aa", "bb", "cc", "ab", "ac", "ba", "ca"):
            if "award_code" not in rule.arguments and award != ids:
                continue
            if award != ids and not _named(rule):
                continue
            if not rule.arguments and award != "a":
                continue
            values = {name: _value(rule, name, worlds.places[ids]) for name in rule.arguments}
            if "award_code" in values:
                values["award_code"] = worlds.places[award].award.code
            built = rule.build(values, append_unknown=False)
            assert built is not None, rule
            yield Try(rule, built[1], award, ids)


def _allowed(who: str, one: Try) -> bool:
    role, awards = WHO[who]
    if one.action is Action.SIGNED_IN:
        return True
    if role not in MAY[one.action]:
        return False
    return one.action in PROGRAMME or (one.action in LISTS and not one.rule.arguments) or one.award in awards


def _refusal(who: str, one: Try) -> int | None:
    """The status by which the door refuses, None for somebody whom it lets in."""
    role, awards = WHO[who]
    if who in STRANGERS:
        return 302
    if _allowed(who, one):
        return None
    inside = role in AROUND and one.award in awards
    if "award_code" in one.rule.arguments:
        return 403 if inside else 404
    return 404 if "call_code" in one.rule.arguments else 403


def _expected(who: str, one: Try) -> int | None:
    """The status of an answer that is no, None for somebody who gets what they ask for."""
    refused = _refusal(who, one)
    if refused is None and one.rule.endpoint in NOBODY_HAS:
        return 404
    if refused is None and one.rule.endpoint in OWN and WHO[who] != ("lead", one.ids):
        return 404
    if refused is None and one.award != one.ids:
        return 404
    return 403 if refused is None and (one.rule.endpoint, WHO[who][0]) in NARROWER else refused


def _seen(who: str) -> set[tuple[str, str]]:
    """The marked words that this person may meet."""
    role, awards = WHO[who]
    return {(kind, award) for kind, roles in READERS.items() if role in roles for award in awards}


def _text(answer: TestResponse) -> str:
    """All that an answer says, also within a workbook."""
    if not answer.data.startswith(b"PK"):
        return answer.get_data().decode("utf-8", "replace")
    with zipfile.ZipFile(io.BytesIO(answer.data)) as book:
        return "".join(book.read(part).decode() for part in book.namelist())


def _wrong(who: str, me: tuple[str, ...], one: Try, method: str, answer: TestResponse) -> Iterator[str]:
    expected, status = _expected(who, one), answer.status_code
    to_sign_in = status in (302, 303) and "/login" in answer.location
    if expected is None and one.rule.endpoint == "sign_in.sign_out":
        fine = to_sign_in
    elif expected is None:
        fine = status in (200, 302, 303, 409, 422) and not to_sign_in
    else:
        fine = status == expected and (expected != 302 or to_sign_in)
    told = f"{method} {one.path} (award {one.award}, ids of {one.ids}, {one.action}): {status}"
    if not fine:
        yield f"{told}, expected {expected or 'to be let in'}"
    body = _text(answer)
    text = f"{body}\n{answer.headers}".lower()
    # One's own name stands on every page, the address on that of the account.
    for own in me:
        text = text.replace(own, "")
    leaks = marks_in(text) - (_seen(who) if expected is None else set())
    if leaks:
        yield f"{told} shows {sorted(leaks)}"
    if expected is None and one.award == "a" and method == "GET" and answer.mimetype == "text/html" and status == 200:
        lint(body, told)


def _client(client_for: Callable[..., PageClient], worlds: Worlds, who: str) -> PageClient:
    client = client_for(worlds.people[who])
    if who == "invited":
        # Who has followed the link has not arrived by that.
        assert client.get(f"/invitation/{TOKEN}a").status_code == 200
    return client


def _other_methods(app: Flask, worlds: Worlds, client: PageClient, who: str) -> Iterator[str]:
    """What is wrong with the answers to methods that no rule of an address takes, and to OPTIONS, on award a."""
    addresses = app.url_map.bind("localhost")
    tries = [one for one in _tries(app, worlds) if one.award == one.ids == "a"]
    # A script's request: the same answer without the page around it.
    script = SCRIPT | {"X-CSRFToken": client.token()}
    for one in tries:
        for method in METHODS:
            if method != "OPTIONS" and addresses.test(one.path, method):
                continue
            answer = client.open(one.path, method=method, headers=script)
            expected = (_refusal(who, one) or 200) if method == "OPTIONS" else 405
            if answer.status_code != expected or marks_in(answer.text):
                yield f"{method} {one.path}: {answer.status_code}, expected {expected}"


def _form(client: PageClient) -> dict[str, str]:
    """An empty form, and the one word that more than one route wants."""
    return {"csrf_token": client.token(), "role": "officer"}


# Who may do what does not hang on the database: on the second one a few are asked, for what the first one cannot tell.
FEW = ("lead", "officer", "anonymous")


@pytest.mark.parametrize(
    ("store", "who"),
    [(kind, who) for kind in DATABASES for who in (WHO if kind == DATABASES[0] else FEW)],
    indirect=["store"],
)
def test_every_route_for_everybody(
    app: Flask, session: Session, client_for: Callable[..., PageClient], who: str
) -> None:
    worlds = build_worlds(session)
    client, person = _client(client_for, worlds, who), worlds.people[who]
    me = (person.name.lower(), person.email) if person else ()
    tries = list(_tries(app, worlds))
    before, effective = contents(session), []
    wrong = list(_other_methods(app, worlds, client, who))
    for one in tries:
        declared = one.rule.methods or set()
        for method in ("GET", "HEAD", "POST"):
            if method not in declared or (method == "HEAD" and one.award != "a"):
                continue
            if method == "POST" and _expected(who, one) is None:
                effective.append(one)
                continue
            data = _form(client) if method == "POST" else None
            # A script is told the same as a browser, without the page around it: enough of them have seen that page.
            script = _expected(who, one) is not None and (method == "POST" or one.award != "a")
            headers = SCRIPT if script else {}
            wrong += _wrong(who, me, one, method, client.open(one.path, method=method, data=data, headers=headers))
    assert not wrong, "\n".join(wrong)
    after = contents(session)
    assert [name for name in before if before[name] != after[name]] == [], (
        "a refused request, or a GET, stored something"
    )
    for one in effective:
        answer = client.open(one.path, method="POST", data=_form(client))
        wrong += _wrong(who, me, one, "POST", answer)
    assert not wrong, "\n".join(wrong)


def test_every_action_is_in_the_table() -> None:
    assert set(READERS) == set(KINDS)
    assert set(MAY) == set(Action) - {Action.PUBLIC, Action.SIGNED_IN}


def test_every_route_declares_its_action(app: Flask) -> None:
    assert {rule.endpoint for rule in app.url_map.iter_rules()} == set(DECLARED)


# Texts that the awards' people did not write, or that say nothing of an award.
UNMARKED = {
    "alembic_version", "call.definition", "form_key.path", "form_key.answer", "indicator_value.split", "bank_account.currency",
    "condition.params", "person.language", "person.time_zone", "heartbeat.note", "reset_request.email", "invitation.email",
    "totp.secret",
}  # fmt: skip


def test_every_text_of_every_award_carries_its_mark(session: Session) -> None:
    """A new column, or table, has to be filled in tests.worlds: what is not marked is not looked for."""
    build_worlds(session)
    bare = []
    for table in models.Base.metadata.sorted_tables:
        for column in table.columns:
            free = (
                isinstance(column.type, JSON | Text)
                or isinstance(column.type, String)
                and (column.type.length or 0) >= 254
            )
            if not free or f"{table.name}.{column.name}" in UNMARKED or column.name in ("password", "hash"):
                continue
            text = " ".join(repr(value) for value in session.scalars(select(column)))
            if {letter for _kind, letter in marks_in(text)} != set("abc"):
                bare.append(f"{table.name}.{column.name}")
    assert not bare, bare


def test_the_predicate_agrees_with_the_table(session: Session) -> None:
    worlds = build_worlds(session)
    for who in sorted(set(WHO) - STRANGERS):
        person, (role, awards) = worlds.people[who], WHO[who]
        assert person is not None
        for letter, place in worlds.places.items():
            actor = place.world.actor(person)
            scope = Scope(call_id=place.world.call.id, award_id=place.award.id)
            for action, roles in MAY.items():
                everywhere = action in PROGRAMME
                expected = role in roles and (everywhere or letter in awards)
                assert can(actor, action, None if everywhere else scope) == expected, f"{who} {action} on {letter}"


def test_a_form_without_its_token_is_refused(
    world_at: Callable[..., World], client_for: Callable[..., PageClient]
) -> None:
    world = world_at()
    answer = client_for(world.lead).post("/language", data={"language": "es"})
    assert answer.status_code == 400
    world.session.refresh(world.lead)
    assert world.lead.language == "en"
