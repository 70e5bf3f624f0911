"""The door: every route declares its action, and nobody gets past it without the role. Services check again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Blueprint, Flask, current_app, g, redirect, request, url_for
from flask_login import current_user
from werkzeug.exceptions import BadRequest, HTTPException
from werkzeug.routing import IntegerConverter, Map, RequestRedirect
from werkzeug.wrappers import Response

from lab.config import Config
from lab.extensions import db, reading_only
from lab.queries import awards, people
from lab.queries import calls as call_queries
from lab.rules.errors import NotAllowed, NotFound
from lab.rules.facts import Actor, Scope
from lab.rules.permissions import Action, can

View = TypeVar("View", bound=Callable[..., Any])
ANYBODY = Actor(person_id=None, name="")

# Endpoint → action; the routes test fails on one that is missing. Extensions' endpoints are listed by hand.
DECLARED: dict[str, Action] = {
    "static": Action.PUBLIC,
    "bootstrap.static": Action.PUBLIC,
    "security.static": Action.PUBLIC,
    "security.login": Action.PUBLIC,
    "security.logout": Action.PUBLIC,
    "security.forgot_password": Action.PUBLIC,
    "security.reset_password": Action.PUBLIC,
}
UPLOADS: set[str] = set()


def door(
    blueprint: Blueprint, rule: str, action: Action, methods: tuple[str, ...] = ("GET",), *, upload: bool = False
) -> Callable[[View], View]:
    """Route ``rule`` to the view and declare its action. ``upload`` raises the body's limit for people who may enter.

    A rule with ``<award_code>`` is judged on that award, one with ``<call_code>`` on that call, others on the programme.
    """

    def wrap(view: View) -> View:
        endpoint = f"{blueprint.name}.{view.__name__}"
        if DECLARED.setdefault(endpoint, action) is not action:
            raise ValueError(f"{endpoint} is declared twice with different actions")
        if upload:
            UPLOADS.add(endpoint)
        blueprint.add_url_rule(rule, view_func=view, methods=list(methods))
        return view

    return wrap


def config() -> Config:
    """The running application's configuration."""
    found: Config = current_app.extensions["lab_config"]
    return found


def actor() -> Actor:
    """Who makes this request, with their roles; loaded once."""
    if "actor" not in g:
        g.actor = people.actor_for(db.session(), current_user) if current_user.is_authenticated else ANYBODY
    found: Actor = g.actor
    return found


def allowed(action: Action) -> bool:
    """Whether this request's person may do ``action`` on the award or call of the page."""
    return can(actor(), action, g.get("scope"))


def _scope() -> Scope | None:
    args = request.view_args or {}
    if "award_code" in args:
        return awards.scope_of(db.session(), args["award_code"])
    if "call_code" in args:
        return Scope(call_id=call_queries.id_of(db.session(), args["call_code"]))
    return None


def guard() -> Response | None:
    """Before every request: let in, send to sign in, or raise NotFound or NotAllowed.

    The check only reads; an unsafe request then reads its body before a transaction that may write begins, so that a
    slow sender never holds a lock.
    """
    reading_only.set(True)
    _without_nul((request.path, *request.args.values()))
    answer = _judge()
    if answer is None and request.method not in ("GET", "HEAD", "OPTIONS"):
        db.session.rollback()
        # Parses the body now.
        _without_nul(value for _name, value in request.form.items(multi=True))
        reading_only.set(False)
    return answer


def _without_nul(texts: Iterable[str]) -> None:
    """Nobody types U+0000, and no text column of PostgreSQL can hold it."""
    if any("\0" in text for text in texts):
        raise BadRequest


class RowNumber(IntegerConverter):
    """``<int:…>`` in a rule: a number that a column of the database can hold; a greater one is no page."""

    def __init__(self, url_map: Map, *args: Any, **options: Any) -> None:
        super().__init__(url_map, *args, **{"max": 2**31 - 1, **options})


def _judge() -> Response | None:
    if request.endpoint is None:
        return None
    action = DECLARED.get(request.endpoint)
    if action is None:
        raise NotAllowed(request.endpoint)
    if action is Action.PUBLIC:
        return None
    if not current_user.is_authenticated:
        target = request.full_path.rstrip("?") if request.method == "GET" else _page_of_form()
        return redirect(url_for("security.login", next=target))
    g.scope = _scope()
    if not can(actor(), action, g.scope):
        if g.scope is not None and g.scope.award_id is not None and can(actor(), Action.SEE_AWARD, g.scope):
            raise NotAllowed(action)
        if g.scope is not None:
            raise NotFound("award")
        raise NotAllowed(action)
    if request.endpoint in UPLOADS:
        request.max_content_length = config().upload_limit + 1024 * 1024
    return None


def _page_of_form() -> str | None:
    """The path of the page that this form was sent from, to come back to after signing in; None when it is none of ours."""
    try:
        came_from = urlsplit(request.referrer or "")
        if came_from.netloc != request.host or came_from.scheme not in ("http", "https"):
            return None
        # A form that was refused stands at an address that answers to POST only.
        current_app.url_map.bind_to_environ(request.environ).match(
            came_from.path.removeprefix(request.script_root), "GET"
        )
    except (HTTPException, RequestRedirect, ValueError):
        return None
    return None if came_from.path.startswith("//") else came_from.path


def register(app: Flask) -> None:
    """Hang the door before everything else."""
    app.url_map.converters["int"] = RowNumber
    app.before_request(guard)
