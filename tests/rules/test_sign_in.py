"""How long a sign-in lasts, how long it is fresh, and what it is good for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from lab.rules.facts import Actor, Role
from lab.rules.sign_in import SignInFacts, SignInLimits, Standing, is_alive, is_fresh, standing

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LIMITS = SignInLimits()
TICK = timedelta(microseconds=1)
ROW = SignInFacts(1, 1, NOW, NOW, NOW, None, False, None, False)


@pytest.mark.parametrize("lasting", [False, True])
def test_unused_for_too_long(lasting: bool) -> None:
    row = replace(ROW, lasting=lasting)
    idle = LIMITS.lasting / 2 if lasting else LIMITS.idle
    assert is_alive(row, LIMITS, NOW + idle - TICK)
    assert not is_alive(row, LIMITS, NOW + idle)


@pytest.mark.parametrize("lasting", [False, True])
def test_too_old_however_busy(lasting: bool) -> None:
    whole = LIMITS.lasting if lasting else LIMITS.whole
    row = replace(ROW, lasting=lasting, seen_at=NOW + whole - TICK)
    assert is_alive(row, LIMITS, NOW + whole - TICK)
    assert not is_alive(replace(row, seen_at=NOW + whole), LIMITS, NOW + whole)


def test_ended_is_ended() -> None:
    assert not is_alive(replace(ROW, ended_at=NOW), LIMITS, NOW)


def test_fresh_for_a_while() -> None:
    assert is_fresh(ROW, LIMITS, NOW + LIMITS.fresh - TICK)
    assert not is_fresh(ROW, LIMITS, NOW + LIMITS.fresh)


@pytest.mark.parametrize("role", [None, *Role])
@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("has_factor", [False, True])
@pytest.mark.parametrize("proved", [False, True])
def test_standing(role: Role | None, required: bool, has_factor: bool, proved: bool) -> None:
    """Everybody's factor is asked for; of those who hold an office, one is asked for that they have yet to set up."""
    actor = Actor(1, "Somebody", programme=frozenset({role} if role else ()))
    row = replace(ROW, has_factor=has_factor, proved_at=NOW if proved else None)
    if has_factor:
        expected = Standing.OPEN if proved else Standing.PROVE
    elif required and role in {Role.OFFICER, Role.FINANCE, Role.ADMIN}:
        expected = Standing.SET_UP
    else:
        expected = Standing.OPEN
    assert standing(row, actor, required) is expected
