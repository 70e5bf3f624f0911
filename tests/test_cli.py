"""The operators' commands: what they store, what they print, and how they refuse."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from lab.extensions import db
from lab.models import Call, Event, Person
from tests.factories import CALL_FILE


def _stored(app: Flask) -> tuple[int, int]:
    with app.app_context():
        counts = tuple(db.session.scalar(select(func.count()).select_from(model)) or 0 for model in (Call, Event))
        db.session.rollback()
    return counts[0], counts[1]


def test_load_twice_changes_nothing(app: Flask) -> None:
    run = app.test_cli_runner()
    first = run.invoke(args=["call", "load", str(CALL_FILE)])
    assert (first.exit_code, first.output) == (0, "e-formalisation-2021: created\n")
    second = run.invoke(args=["call", "load", str(CALL_FILE)])
    assert (second.exit_code, second.output) == (0, "e-formalisation-2021: unchanged\n")
    assert _stored(app) == (1, 1)


def test_list(app: Flask) -> None:
    run = app.test_cli_runner()
    assert run.invoke(args=["call", "list"]).output == ""
    run.invoke(args=["call", "load", str(CALL_FILE)])
    code, awards, title = run.invoke(args=["call", "list"]).output.rstrip("\n").split("\t")
    assert (code, awards) == ("e-formalisation-2021", "0")
    assert title


def _changed(tmp_path: Path, old: str, new: str) -> Path:
    source = CALL_FILE.read_text(encoding="utf-8")
    assert old in source
    file = tmp_path / "call.toml"
    file.write_text(source.replace(old, new, 1), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("workplan_days = 21", "workplan_days = -21", "workplan_days"),
        ("workplan_days = 21", 'workplan_days = "three weeks"', "workplan_days"),
        ("workplan_days = 21", "", "workplan_days"),
        ("workplan_days = 21", "workplan_days = 21\nmoon = 1", "moon"),
        ('currency = "USD"', "", "currency"),
    ],
)
def test_a_bad_file_is_refused_whole(app: Flask, tmp_path: Path, old: str, new: str, key: str) -> None:
    file = _changed(tmp_path, old, new)
    answer = app.test_cli_runner().invoke(args=["call", "load", str(file)])
    assert answer.exit_code == 1
    assert str(file) in answer.stderr and key in answer.stderr and "Nothing was stored." in answer.stderr
    assert answer.stdout == ""
    assert _stored(app) == (0, 0)


def test_a_file_that_is_not_toml_is_refused_with_its_line(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "call.toml"
    file.write_text('code = "a"\ntitle = \n', encoding="utf-8")
    answer = app.test_cli_runner().invoke(args=["call", "load", str(file)])
    assert answer.exit_code == 1
    assert "line 2" in answer.stderr
    assert _stored(app) == (0, 0)


@pytest.mark.parametrize("content", [None, b'code = "\xff"'])
def test_a_file_that_cannot_be_read_is_named(app: Flask, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "call.toml"
    if content is not None:
        file.write_bytes(content)
    answer = app.test_cli_runner().invoke(args=["call", "load", str(file)])
    assert answer.exit_code == 1
    assert str(file) in answer.stderr
    assert _stored(app) == (0, 0)


def test_the_first_administrator_is_invited_once(app: Flask) -> None:
    run = app.test_cli_runner()
    first = run.invoke(args=["person", "admin", "Ada Admin", "Ada@ilo.example"])
    assert first.exit_code == 0
    told, link = first.output.splitlines()
    assert told == "An invitation to ada@ilo.example is in the outbox."
    assert link.startswith("Its link, which works once: http://localhost/invitation/")
    assert app.test_client().get(link.split("http://localhost")[1]).status_code == 200
    with app.app_context():
        db.session.scalars(select(Person)).one().password = "she has arrived"
        db.session.commit()
    second = run.invoke(args=["person", "admin", "Eve", "eve@ilo.example"])
    assert (second.exit_code, second.stdout) == (1, "")
    assert "There is an administrator already" in second.stderr and "Nothing was stored." in second.stderr
    with app.app_context():
        assert db.session.scalars(select(Person.email)).all() == ["ada@ilo.example"]


@pytest.mark.parametrize(
    ("name", "email", "told"), [("", "ada@ilo.example", "full name"), ("Ada", "ada", "e-mail address")]
)
def test_an_administrator_without_name_or_address_is_refused(app: Flask, name: str, email: str, told: str) -> None:
    answer = app.test_cli_runner().invoke(args=["person", "admin", name, email])
    assert answer.exit_code == 1 and told in answer.stderr
    with app.app_context():
        assert db.session.scalars(select(Person)).all() == []
