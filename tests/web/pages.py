"""A test client that reads every page as a strict visitor would, and forms with their tokens."""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter, defaultdict
from typing import Any
from uuid import uuid4

from bs4 import BeautifulSoup, Tag
from flask import has_app_context
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from lab import clock
from lab.extensions import db, reading_only
from lab.models import SignIn
from lab.services import sign_ins
from lab.services.invitations import token_hash
from lab.services.security_events import Place
from lab.web import reader


def lint(html: str, where: str) -> BeautifulSoup:
    """Fail on what no page may have; return the parsed page."""
    page = BeautifulSoup(html, "html.parser")
    assert page.html is not None and page.html.get("lang"), f"{where}: html has no lang"
    assert page.title and page.title.text.strip(), f"{where}: no title"
    # One walk through the page: there are thousands of pages.
    tags: dict[str, list[Tag]] = defaultdict(list)
    ids: Counter[str] = Counter()
    for tag in page.find_all(True):
        tags[tag.name].append(tag)
        bad = [name for name in tag.attrs if name == "style" or name.startswith("on")]
        assert not bad, f"{where}: inline {bad} on <{tag.name}>"
        if "id" in tag.attrs:
            ids[str(tag["id"])] += 1
    assert len(tags["h1"]) == 1, f"{where}: {len(tags['h1'])} h1"
    repeated = sorted(name for name, times in ids.items() if times > 1)
    assert not repeated, f"{where}: ids repeat: {repeated}"
    assert not tags["style"], f"{where}: inline style sheet"
    _lint_what_is_fetched(tags, where)
    labels = {str(tag.get("for")) for tag in tags["label"]}
    for control in (*tags["input"], *tags["select"], *tags["textarea"]):
        if control.get("type") in ("hidden", "submit", "button") or control.find_parent("template"):
            continue
        assert _labelled(control, labels), f"{where}: unlabelled {control.get('name')}"
    for form in tags["form"]:
        if str(form.get("method", "get")).lower() == "post":
            assert form.find("input", {"name": "csrf_token"}), f"{where}: a form to {form.get('action')} has no token"
    return page


def _lint_what_is_fetched(tags: dict[str, list[Tag]], where: str) -> None:
    for script in tags["script"]:
        assert script.get("src") and not script.text.strip(), f"{where}: inline script"
    sheets = [link for link in tags["link"] if "stylesheet" in (link.get("rel") or [])]
    for tag in (*tags["script"], *sheets):
        assert tag.get("nonce"), f"{where}: <{tag.name}> without a nonce will not be taken by browsers"
    for tag in (*tags["script"], *tags["img"], *tags["link"], *tags["iframe"]):
        target = str(tag.get("src") or tag.get("href") or "")
        assert not re.match(r"(https?:)?//", target), f"{where}: fetches {target}"


def _labelled(control: Tag, labels: set[str]) -> bool:
    if control.get("aria-label") or control.get("aria-labelledby") or control.get("id") in labels:
        return True
    return control.find_parent("label") is not None


# What differs between two answers of the same page: tokens and one-time keys.
_PASSING = re.compile(r'(?:nonce|value)="[\w.-]{16,}"')
_linted: set[str] = set()


def lint_once(html: str, where: str) -> None:
    """Lint a page unless one like it, letter by letter, was linted in this run: refusals of a form come by the dozen."""
    mark = hashlib.sha256(_PASSING.sub("", html).encode()).hexdigest()
    if mark not in _linted:
        lint(html, where)
        _linted.add(mark)


class PageClient(FlaskClient):
    """``get`` and ``post`` lint every HTML answer; ``post`` adds the CSRF token and a fresh one-time key."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        """A request in a context of its own: one that a fixture has pushed would lend it its ``g``, and with it who asks.

        The test's own transaction ends first: it would keep the write lock that the request needs. What a test changed
        and did not commit is lost.
        """
        if has_app_context():
            db.session.rollback()
        with self.application.app_context():
            return super().open(*args, **kwargs)

    def sign_in(self, person_id: int) -> None:
        """Signed in as that person, a moment ago, with a second factor given."""
        if has_app_context():
            # The test's own transaction would keep the write lock; what it has loaded stays as it is.
            outer = db.session()
            outer.expire_on_commit = False
            outer.commit()
            outer.expire_on_commit = True
        with self.application.app_context():
            reading_only.set(False)
            wall = clock.wall()
            entered = sign_ins.open_sign_in(person_id, wall, False, Place("192.0.2.1", "a test"))
            row = db.session.scalars(select(SignIn).where(SignIn.token_hash == token_hash(entered.token))).one()
            row.proved_at = wall
            db.session.commit()
        with self.session_transaction() as session:
            session[reader.TOKEN] = entered.token

    def token(self) -> str:
        """A CSRF token of this client's session."""
        with self.session_transaction() as session:
            raw = session.setdefault("csrf_token", hashlib.sha1(os.urandom(64)).hexdigest())
        key = self.application.config["SECRET_KEY"]
        return str(URLSafeTimedSerializer(key, salt="wtf-csrf-token").dumps(raw))

    def page(self, path: str, status: int = 200) -> BeautifulSoup:
        """GET ``path``, which must answer ``status``, as a linted page."""
        answer = self.get(path)
        assert answer.status_code == status, f"GET {path}: {answer.status_code}\n{answer.text[:2000]}"
        return lint(answer.text, path)

    def submit(self, path: str, data: dict[str, Any] | None = None, **options: Any) -> TestResponse:
        """POST a form as the page would send it; a file is given as (stream, file name)."""
        form: dict[str, Any] = {"csrf_token": self.token(), "form_key": uuid4().hex}
        form.update(data or {})
        if any(isinstance(value, tuple) for value in form.values()):
            # Files are encoded in memory: the client's own way leaves the temporary file of a large one open.
            parts = {name: FileStorage(*value) if isinstance(value, tuple) else value for name, value in form.items()}
            boundary, form = encode_multipart(MultiDict(parts))
            options["content_type"] = f'multipart/form-data; boundary="{boundary}"'
        answer = self.post(path, data=form, **options)
        if answer.mimetype == "text/html" and answer.status_code not in (301, 302, 303):
            lint_once(answer.text, path)
        return answer
