"""What the house has agreed on and no single test would notice being broken: read off the source itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from lab.config import ROOT
from lab.models import Base

LAB = ROOT / "lab"
TEMPLATES = sorted((ROOT / "templates").rglob("*.html")) + sorted((ROOT / "templates").rglob("*.txt"))
SOURCES = sorted(path for path in LAB.rglob("*.py") if "migrations" not in path.parts)


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def calls(path: Path) -> Iterator[tuple[int, str, ast.Call]]:
    """(line, what is called, the call) of every call in a module."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func), node


def test_there_is_something_to_read() -> None:
    assert len(SOURCES) > 60 and len(TEMPLATES) > 30


CLOCKS = re.compile(
    r"(.*\.)?(datetime\.(now|utcnow|today|fromtimestamp|utcfromtimestamp)|date\.(today|fromtimestamp))"
    r"|time\.(time|time_ns|localtime|gmtime)|(func\.)(now|current_timestamp)"
)


def test_only_the_clock_reads_the_clock() -> None:
    found = [
        f"{name(path)}:{line}: {called}"
        for path in SOURCES
        if name(path) != "lab/clock.py"
        for line, called, _call in calls(path)
        if CLOCKS.fullmatch(called)
    ]
    assert not found, "\n".join(found)


def test_the_clock_itself_would_be_found() -> None:
    assert [called for _line, called, _call in calls(LAB / "clock.py") if CLOCKS.fullmatch(called)] == ["datetime.now"]
    for called in ("datetime.datetime.now", "datetime.utcnow", "date.today", "dt.date.today", "time.time", "func.now"):
        assert CLOCKS.fullmatch(called)
    for called in ("clock.now", "self.now", "datetime.combine"):
        assert not CLOCKS.fullmatch(called)


# Pictures and durations are measured, not counted; money is.
FLOATS = {"lab/charts.py", "lab/canvas.py"}


def test_no_amount_becomes_a_float() -> None:
    found = [
        f"{name(path)}:{line}"
        for path in SOURCES
        if name(path) not in FLOATS
        for line, called, _call in calls(path)
        if called in ("float", "math.fsum", "statistics.mean")
    ]
    assert not found, "\n".join(found)


def test_no_decimal_is_made_of_a_float() -> None:
    found = [
        f"{name(path)}:{line}"
        for path in SOURCES
        for line, called, call in calls(path)
        if called == "Decimal"
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and isinstance(call.args[0].value, float)
    ]
    assert not found, "\n".join(found)


def test_no_template_rounds_money_through_a_float() -> None:
    found = [
        name(path)
        for path in TEMPLATES
        if re.search(r"%[.\d]*f|\|\s*(float|round)\b", path.read_text(encoding="utf-8"))
    ]
    assert not found


@pytest.mark.parametrize("path", [path for path in TEMPLATES if path.suffix == ".html"], ids=name)
def test_no_style_and_no_script_inside_a_page(path: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.S)
    for what, pattern in {
        "a style attribute": r"\sstyle\s*=",
        "an event attribute": r"<[^>]*\son\w+\s*=",
        "a style sheet": r"<style\b",
        "a script": r"<script(?![^>]*\ssrc=)",
        "a script's text": r"<script[^>]*>\s*[^<\s]",
        "an address of script": r"javascript:",
        "something from elsewhere": r"(src|href|action)\s*=\s*[\"'](https?:)?//",
        "unescaped text": r"\|\s*safe\b|\bautoescape\s+false",
    }.items():
        hit = re.search(pattern, text, re.I)
        assert not hit, f"{name(path)}: {what}: {hit.group(0)!r}"


# Text that is the same in every language: marks, numbers, and names of things.
SAME_EVERYWHERE = re.compile(r"(?:[-–—·…←→|/()%:;,.+\s\d]|&\w+;)*")
VISIBLE_ATTRIBUTES = re.compile(r"\b(?:title|alt|aria-label|placeholder|data-label|label)\s*=\s*\"([^\"]*)\"")


def texts(source: str) -> list[str]:
    """What a template shows by itself: pieces of text and of attributes that come neither from ``_()`` nor from a value."""
    tree = Environment(extensions=["jinja2.ext.i18n"]).parse(source)
    # In the order of the page, so that a tag which one piece opens and the next one closes is one tag.
    pieces = (node for output in tree.find_all(nodes.Output) for node in output.nodes)
    row = "".join(node.data if isinstance(node, nodes.TemplateData) else "\0" for node in pieces)
    found = VISIBLE_ATTRIBUTES.findall(row) + re.split(r"<[^<>]*>", row)
    return [part.strip() for text in found for part in text.split("\0") if not SAME_EVERYWHERE.fullmatch(part)]


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_every_word_of_a_template_goes_through_gettext(path: Path) -> None:
    assert texts(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("<p>{{ _('Fine') }}</p>", []),
        ("<p>Bare</p>", ["Bare"]),
        ("{% if x %}<b>Yes</b>{% else %}{{ y }} – no{% endif %}", ["Yes", "– no"]),
        ('<img alt="A chart">', ["A chart"]),
        ("<td data-label=\"{{ _('Due') }}\">{{ x }} · 3 %</td>", []),
        ('{% macro a() %}<a href="{{ x }}"{% if y %} aria-current="page"{% endif %}>Go</a>{% endmacro %}', ["Go"]),
        ("{% trans %}Said{% endtrans %}{# not shown #}", []),
    ],
)
def test_bare_words_would_be_found(source: str, found: list[str]) -> None:
    assert texts(source) == found


MARKED = re.compile(r"[A-Z].*[a-z]{2}.*[.?!:]$")


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.parent.name in ("rules", "services", "forms", "web")], ids=name
)
def test_every_sentence_for_people_is_marked_for_translation(path: Path) -> None:
    """Sentences as arguments of what shows them (Message, flash, blame, validators) are inside N_(), _(), _l() or ngettext()."""
    shows = {
        "M",
        "Message",
        "flash",
        "press",
        "NextStep",
        "StringField",
        "TextAreaField",
        "SelectField",
        "DataRequired",
        "ValidationError",
    }
    found = [
        f"{name(path)}:{line}: {argument.value!r}"
        for line, called, call in calls(path)
        if called in shows
        for argument in [*call.args, *(keyword.value for keyword in call.keywords)]
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str) and MARKED.match(argument.value)
    ]
    assert not found, "\n".join(found)


def test_no_sentence_is_put_together_before_it_is_translated() -> None:
    """An f-string, or text with its values filled in, is in no catalogue."""
    found = [
        f"{name(path)}:{line}"
        for path in SOURCES
        for line, called, call in calls(path)
        if called in ("_", "_l", "N_", "gettext", "ngettext", "lazy_gettext")
        and call.args
        and isinstance(call.args[0], ast.JoinedStr | ast.BinOp)
    ]
    assert not found, "\n".join(found)


def test_every_public_function_says_what_it_does() -> None:
    missing = [
        f"{name(path)}:{node.lineno}: {node.name}"
        for path in SOURCES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not missing, "\n".join(missing)


def test_no_page_reads_inside_a_loop_of_its_template() -> None:
    """Templates are given what they show: none of them has a way to the database."""
    found = [
        name(path)
        for path in TEMPLATES
        if re.search(r"\bsession\b|\bquery\b|\.execute\(|\.scalars\(", path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_services_do_not_know_requests_and_commit_in_public_functions_alone() -> None:
    wrong = []
    for path in sorted((LAB / "services").glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            # The application's configuration they may ask for; who asks and what was sent is told to them.
            if isinstance(node, ast.ImportFrom) and node.module in ("flask", "flask_login", "werkzeug"):
                asked = {alias.name for alias in node.names} - {"current_app"}
                wrong += [f"{name(path)}:{node.lineno}: imports {one}" for one in asked]
        for function in tree.body:
            if isinstance(function, ast.FunctionDef) and function.name.startswith("_"):
                wrong += [
                    f"{name(path)}:{line.lineno}: {function.name} commits"
                    for line in ast.walk(function)
                    if isinstance(line, ast.Call) and ast.unparse(line.func) == "session().commit"
                ]
    assert not wrong, "\n".join(wrong)


def test_files_stay_short_enough_to_read() -> None:
    long = {
        name(path): count for path in SOURCES if (count := len(path.read_text(encoding="utf-8").splitlines())) > 400
    }
    assert long == {}


def _owned() -> dict[str, str]:
    """Model → whose its rows are: an award's, or one person's; by the foreign keys that they cannot be without."""
    by_table = {mapper.local_table.name: mapper.class_.__name__ for mapper in Base.registry.mappers}
    roots = {"award": "an award", "organisation": "an award", "sign_in": "a person", "passkey": "a person"}
    roots |= {"totp": "a person", "recovery_code": "a person", "invitation": "a person", "mail": "a person"}
    owned = dict(roots)
    # Parents come first in this order.
    for table in Base.metadata.sorted_tables:
        parents = {key.column.table.name for key in table.foreign_keys if not key.parent.nullable} - {"person", "call"}
        if table.name not in owned and any(owned.get(parent) == "an award" for parent in parents):
            owned[table.name] = "an award"
    return {by_table[name]: whose for name, whose in owned.items() if name in by_table}


# (file, function, model) that may find a row by nothing but its id, and why nobody is led to another's by it.
BY_ID_ALONE = {
    ("lab/queries/outbox.py", "get_mail", "Mail"): "the outbox is the administrator's, whoever a mail is to",
    ("lab/outbox.py", "_claimed", "Mail"): "the sender claims a mail by an id that it has just read itself",
    ("lab/services/sign_ins.py", "prove", "SignIn"): "the id is of the sign-in that this request came with",
    ("lab/services/sign_ins.py", "renew", "SignIn"): "the id is of the sign-in that this request came with",
    ("lab/services/sign_ins.py", "replace_all", "SignIn"): "the id is of the sign-in that this request came with",
    ("lab/services/sign_ins.py", "refresh", "SignIn"): "the id is of the sign-in that this request came with",
}


def _by_id_alone(source: str, owned: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(function, model) of every look-up by a bare id: ``get(Model, id)``, ``get_one``, and ``where(Model.id == id)``
    or ``filter_by(id=id)`` without another condition beside it."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in (node for node in ast.walk(function) if isinstance(node, ast.Call)):
            if not isinstance(call.func, ast.Attribute):
                continue
            if call.func.attr in ("get", "get_one") and len(call.args) > 1 and isinstance(call.args[0], ast.Name):
                if call.args[0].id in owned:
                    yield function.name, call.args[0].id
            elif call.func.attr in ("where", "filter") and len(call.args) == 1:
                found = re.fullmatch(r"(\w+)\.id == (.+)", ast.unparse(call.args[0]))
                if not found or found[1] not in owned:
                    continue
                # Another row's column is a join, not an id that somebody gave; a second where narrows the first.
                joined = re.fullmatch(r"[A-Z]\w*\.\w+|\w+\.c\.\w+", found[2])
                if not joined and ast.unparse(call).count(".where(") == 1:
                    yield function.name, found[1]
            elif call.func.attr == "filter_by" and [keyword.arg for keyword in call.keywords] == ["id"]:
                yield function.name, ast.unparse(call.func.value)


def test_nothing_of_an_award_is_found_by_its_id_alone() -> None:
    """What belongs to an award or to a person is loaded through them: another's id then leads nowhere."""
    owned, found, wrong = _owned(), set(), []
    for path in SOURCES:
        if path.parent.name in ("services", "queries", "web") or path.parent == LAB:
            for function, model in _by_id_alone(path.read_text(encoding="utf-8"), owned):
                found.add((name(path), function, model))
                if (name(path), function, model) not in BY_ID_ALONE:
                    wrong.append(f"{name(path)}: {function} finds a {model}, {owned[model]}'s, by its id alone")
    assert not wrong, "\n".join(wrong)
    assert set(BY_ID_ALONE) <= found, "what the code no longer does needs no leave"


def test_a_look_up_by_a_bare_id_would_be_found() -> None:
    owned = _owned()
    assert {"Thread", "Comment", "Upload", "Version", "Tranche", "Condition", "MentorNote", "BankAccount"} <= set(owned)
    assert not {"Person", "Call", "FormKey", "Heartbeat"} & set(owned)
    bad = (
        "session().get(Upload, upload_id)",
        "db.session.get_one(Thread, n, with_for_update=True)",
        "session.scalars(select(Condition).where(Condition.id == condition_id)).one()",
        "session().execute(update(Tranche).where(Tranche.id == number).values(state='x'))",
        "session.query(Comment).filter_by(id=4)",
    )
    good = (
        "session().get(Person, person_id)",
        "select(Upload).where(Upload.award_id == award_id, Upload.id == upload_id)",
        "select(Upload).where(Upload.award_id == award_id).where(Upload.id == upload_id)",
        "select(Version).join(Document).where(Version.id == Thread.version_id)",
        "cells.get(key, '')",
    )
    for line in bad:
        assert len(list(_by_id_alone(f"def f():\n    {line}", owned))) == 1, line
    for line in good:
        assert not list(_by_id_alone(f"def f():\n    {line}", owned)), line
