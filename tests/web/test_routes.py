"""Every route × every role: who gets in, who is told no, and who is not even told that there is something."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from werkzeug.routing import Rule

from lab.rules.facts import Scope, Stage
from lab.rules.permissions import Action, can
from lab.web.access import DECLARED
from tests.factories import World
from tests.web.pages import PageClient, lint

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
    Action.SEE_WORKPLAN: AROUND,
    Action.EDIT_WORKPLAN: TEAM,
    Action.SUBMIT_WORKPLAN: {"lead"},
    Action.REVIEW_WORKPLAN: {"officer"},
    Action.EXTEND_DEADLINE: {"officer"},
    Action.SEE_AGREEMENT: TEAM | {"officer", "finance"},
    Action.CHECK_DUE_DILIGENCE: {"officer"},
    Action.OPEN_AGREEMENT: {"officer"},
    Action.SIGN_FOR_ORGANISATION: {"lead"},
    Action.SIGN_FOR_ILO: {"officer"},
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
    Action.SEE_LAB: AROUND,
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
}
PEOPLE = ("lead", "member", "mentor", "committee", "officer", "finance", "admin", "other_lead", "other_committee")


def test_every_action_is_in_the_table() -> None:
    assert set(MAY) == set(Action) - {Action.PUBLIC, Action.SIGNED_IN}


def test_every_route_declares_its_action(app: Flask) -> None:
    missing = {rule.endpoint for rule in app.url_map.iter_rules()} - set(DECLARED)
    # Extensions bring routes that nobody may use: the door answers 403 to what is not declared.
    assert {endpoint.split(".")[0] for endpoint in missing} <= {"security"}, missing


@pytest.mark.parametrize("who", PEOPLE)
def test_the_predicate_agrees_with_the_table(world_at: Callable[..., World], who: str) -> None:
    world = world_at()
    actor = world.actor(getattr(world, who))
    scope = Scope(call_id=world.call.id, award_id=world.award.id)
    programme = {Action.SEE_PORTFOLIO, Action.RECORD_AWARD, Action.SEE_PEOPLE, Action.EDIT_PEOPLE, Action.SEE_OUTBOX}
    for action, allowed in MAY.items():
        on = None if action in programme else scope
        assert can(actor, action, on) == (who in allowed), f"{who} {action}"


def _routes(app: Flask) -> list[Rule]:
    return sorted(
        (rule for rule in app.url_map.iter_rules() if DECLARED.get(rule.endpoint) not in (Action.PUBLIC, None)),
        key=lambda rule: rule.rule,
    )


def _path(rule: Rule, world: World) -> str:
    values: dict[str, object] = {}
    for name in rule.arguments:
        values[name] = {
            "award_code": world.code, "call_code": world.call.code, "kind": "progress_report", "chart": "time",
            "section": "summary", "checklist": "due_diligence", "transition": "suspend", "key": "x", "place": "prototype",
        }.get(name, 999_999)  # fmt: skip
    built = rule.build(values, append_unknown=False)
    assert built is not None, rule
    return built[1]


def _on_award(rule: Rule) -> bool:
    return "award_code" in rule.arguments


@pytest.mark.parametrize("who", [*PEOPLE, None])
def test_every_route_for_every_role(
    app: Flask, world_at: Callable[..., World], client_for: Callable[..., PageClient], who: str | None
) -> None:
    world = world_at(Stage.PILOT)
    client = client_for(getattr(world, who) if who else None)
    wrong = []
    for rule in _routes(app):
        action = DECLARED[rule.endpoint]
        path = _path(rule, world)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            if method == "GET":
                answer = client.get(path)
            else:
                answer = client.post(path, data={"csrf_token": client.token()})
            status = answer.status_code
            if answer.mimetype == "text/html" and status not in (301, 302, 303):
                lint(answer.text, f"{method} {path}")
            if who is None:
                fine = status == 302 and "/login" in answer.location
            elif (
                action is Action.SIGNED_IN or who in MAY[action] or (who == "other_committee" and rule.rule == "/calls")
            ):
                # Let in: whatever the page then answers to an empty form, it is neither a refusal of the role nor an error.
                fine = status not in (401, 403, 500) and not (status == 302 and "/login" in answer.location)
            else:
                stranger = who not in AROUND or not _on_award(rule)
                fine = status == (404 if stranger and rule.arguments & {"award_code", "call_code"} else 403)
            if not fine:
                wrong.append(f"{method} {path} ({action}): {status}")
    assert not wrong, "\n".join(wrong)


def test_a_form_without_its_token_is_refused(
    world_at: Callable[..., World], client_for: Callable[..., PageClient]
) -> None:
    world = world_at()
    answer = client_for(world.lead).post("/language", data={"language": "es"})
    assert answer.status_code == 400
    world.session.refresh(world.lead)
    assert world.lead.language == "en"
