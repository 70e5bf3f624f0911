"""A password is long, and not among those that are tried first. Nothing is asked of its letters."""

from __future__ import annotations

import pytest

from lab.rules.passwords import MAX_PASSWORD, password_problem

ANA = ("Ana María Quispe", "ana.quispe@tejidos.example")


@pytest.mark.parametrize(
    "password",
    [
        "a long enough password", "quite another one", "el perro azul come", "contraseña larga", "ладья поле огонь сова",
        "四つの言葉を選ぶのがよい", "kx9#mQ2vLp", "lluvia tambor cebolla martes", "prototype-2021",
    ],
)  # fmt: skip
def test_taken(password: str) -> None:
    assert password_problem(password, *ANA) is None


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("short", "10 characters or more"),
        ("", "10 characters or more"),
        ("x" * (MAX_PASSWORD + 1), "128 characters at most"),
        ("Ana María Quispe", "your name or address"),
        ("ANA.QUISPE@tejidos.example", "your name or address"),
        ("passwordpassword", "first that would be tried"),
        ("Password123!", "first that would be tried"),
        ("1234567890", "first that would be tried"),
        ("qwertyuiop", "first that would be tried"),
        ("qwertyuiop123", "first that would be tried"),
        ("aaaaaaaaaaaaaaaa", "first that would be tried"),
        ("abcabcabcabc", "first that would be tried"),
        ("iloveyou2020!", "first that would be tried"),
        ("administrator", "first that would be tried"),
        ("drowssapdrowssap", "first that would be tried"),
        ("P@ssw0rd2024", "first that would be tried"),
        ("anaquispe2024", "first that would be tried"),
        ("innovationlab", "first that would be tried"),
        ("Innovation Lab Tracker", "first that would be tried"),
        ("Ana Quispe 2026", "first that would be tried"),
        ("quispe ana 26", "first that would be tried"),
        ("Ana-María Quispe 1", "first that would be tried"),
        ("x7 " * 20, "first that would be tried"),
    ],
)
def test_refused(password: str, told: str) -> None:
    problem = password_problem(password, *ANA)
    assert problem is not None and told in str(problem)


def test_the_longest_is_judged_without_being_read_for_long() -> None:
    assert password_problem("aB1 " * 32, *ANA) is not None
