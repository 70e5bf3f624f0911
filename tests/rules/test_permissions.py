"""Every action × every role, on one's own award, another's, and on none. What each may do is written out in tests/web/test_routes."""

from __future__ import annotations

from itertools import product

import pytest

from lab.rules.facts import SYSTEM, Actor, Role, Scope
from lab.rules.permissions import ALLOWED, Action, can
from tests.web.test_routes import MAY

OWN = Scope(call_id=1, award_id=10)
SAME_CALL = Scope(call_id=1, award_id=11)
ELSEWHERE = Scope(call_id=2, award_id=20)
PROGRAMME = frozenset({Role.OFFICER, Role.FINANCE, Role.ADMIN})
HUMAN = tuple(role for role in Role if role is not Role.SYSTEM)
ACTIONS = tuple(action for action in Action if action not in (Action.PUBLIC, Action.SIGNED_IN))
LISTS = frozenset({Action.SEE_CALLS, Action.SEE_PILOTS})


def somebody(role: Role) -> Actor:
    """A person with that one role, where the role is held."""
    if role in PROGRAMME:
        return Actor(7, "Somebody", programme=frozenset({role}))
    if role is Role.COMMITTEE:
        return Actor(7, "Somebody", committees=frozenset({1}))
    return Actor(7, "Somebody", awards={10: frozenset({role})})


def test_every_action_has_its_roles() -> None:
    assert set(ALLOWED) == set(ACTIONS)
    for action, roles in ALLOWED.items():
        assert roles and Role.SYSTEM not in roles, action


@pytest.mark.parametrize(("role", "action"), list(product(HUMAN, ACTIONS)))
def test_every_role_and_action(role: Role, action: Action) -> None:
    actor = somebody(role)
    may = role.value in MAY[action]
    assert can(actor, action, OWN) is may
    # A team's and a mentor's roles end at their award, a committee's at its call, the programme's nowhere.
    assert can(actor, action, SAME_CALL) is (may and role in PROGRAMME | {Role.COMMITTEE})
    assert can(actor, action, ELSEWHERE) is (may and role in PROGRAMME)
    # Without an object only what is held over the programme counts; lists of calls show a committee its own.
    assert can(actor, action, None) is (may and (role in PROGRAMME or (role is Role.COMMITTEE and action in LISTS)))


def test_nobody_may_do_anything() -> None:
    nobody, former = Actor(None, ""), Actor(8, "Former")
    for action in ACTIONS:
        for scope in (OWN, None):
            assert not can(nobody, action, scope)
            assert not can(former, action, scope)
    assert can(nobody, Action.PUBLIC) and not can(nobody, Action.SIGNED_IN)
    assert can(former, Action.SIGNED_IN)


def test_the_scheduler_is_no_person() -> None:
    """Services let the system pass by name (steps.allow); the predicate gives it no page."""
    for action in ACTIONS:
        assert not can(SYSTEM, action, OWN)
    assert not can(SYSTEM, Action.SIGNED_IN)


def test_roles_add_up() -> None:
    both = Actor(
        9, "Both", awards={10: frozenset({Role.MENTOR}), 11: frozenset({Role.LEAD})}, committees=frozenset({2})
    )
    assert can(both, Action.SUBMIT_WORKPLAN, SAME_CALL) and not can(both, Action.SUBMIT_WORKPLAN, OWN)
    assert can(both, Action.COMMENT_PROTOTYPE, OWN) and not can(both, Action.COMMENT_PROTOTYPE, SAME_CALL)
    assert can(both, Action.RECORD_DECISION, ELSEWHERE) and not can(both, Action.RECORD_DECISION, OWN)


def test_the_two_pairs_of_eyes_on_money_are_different_roles() -> None:
    assert not ALLOWED[Action.PROPOSE_PAYMENT] & ALLOWED[Action.AUTHORISE_PAYMENT]
    assert not ALLOWED[Action.PROPOSE_PAYMENT] & ALLOWED[Action.RECORD_PAYMENT]
    assert not ALLOWED[Action.ENTER_ACCOUNT] & ALLOWED[Action.VERIFY_ACCOUNT]
    assert not ALLOWED[Action.SIGN_FOR_ORGANISATION] & ALLOWED[Action.SIGN_FOR_ILO]
