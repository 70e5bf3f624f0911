"""A test client that reads every page as a strict visitor would, and forms with their tokens."""

from __future__ import annotations

import hashlib
import os
import re
from typing import Any
from uuid import uuid4

from bs4 import BeautifulSoup, Tag
from flask import has_app_context
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import TestResponse, encode_multipart

from lab.extensions import db


def lint(html: str, where: str) -> BeautifulSoup:
    """Fail on what no page may have; return the parsed page."""
    page = BeautifulSoup(html, "html.parser")
    assert page.html is not None and page.html.get("lang"), f"{where}: html has no lang"
    assert page.title and page.title.text.strip(), f"{where}: no title"
    assert len(page.find_all("h1")) == 1, f"{where}: {len(page.find_all('h1'))} h1"
    ids = [str(tag["id"]) for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids)), f"{where}: ids repeat: {sorted({i for i in ids if ids.count(i) > 1})}"
    for tag in page.find_all(True):
        bad = [name for name in tag.attrs if name == "style" or name.startswith("on")]
        assert not bad, f"{where}: inline {bad} on <{tag.name}>"
    assert not page.find_all("style"), f"{where}: inline style sheet"
    for script in page.find_all("script"):
        assert script.get("src") and not script.text.strip(), f"{where}: inline script"
    for tag in page.find_all(["script", "img", "link", "iframe"]):
        target = str(tag.get("src") or tag.get("href") or "")
        assert not re.match(r"(https?:)?//", target), f"{where}: fetches {target}"
    for control in page.find_all(["input", "select", "textarea"]):
        if control.get("type") in ("hidden", "submit", "button") or control.find_parent("template"):
            continue
        assert _labelled(page, control), f"{where}: unlabelled {control.get('name')}"
    for form in page.find_all("form"):
        if str(form.get("method", "get")).lower() == "post":
            assert form.find("input", {"name": "csrf_token"}), f"{where}: a form to {form.get('action')} has no token"
    return page


def _labelled(page: BeautifulSoup, control: Tag) -> bool:
    if control.get("aria-label") or control.get("aria-labelledby") or control.find_parent("label"):
        return True
    return bool(control.get("id") and page.find("label", {"for": control["id"]}))


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

    def sign_in(self, uniquifier: str) -> None:
        with self.session_transaction() as session:
            session["_user_id"] = uniquifier
            session["_fresh"] = True

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
            lint(answer.text, path)
        return answer
