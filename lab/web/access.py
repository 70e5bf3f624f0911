"""The door: every route declares its action, and nobody gets past it without the role. Services check again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import Blueprint, Flask, current_app, g, redirect, request, url_for
from flask_login import current_user
from werkzeug.routing import IntegerConverter, Map
from werkzeug.wrappers import Response

from lab.config import Config
from lab.extensions import db, reading_only
from lab.queries import awards, people
from lab.queries import calls as call_queries
from lab.rules.errors import NotAllowed, NotFound
from lab.rules.facts import Actor, Scope
from lab.rules.permissions import Action, can
from lab.rules.sign_in import Standing
from lab.web import reader
from lab.web.limits import form_is_plain
from lab.web.places import page_above, page_of_form

View = TypeVar("View", bound=Callable[..., Any])
ANYBODY = Actor(person_id=None, name="")

# Endpoint → action; the routes test fails on one that is missing. Extensions' endpoints are listed by hand.
DECLARED: dict[str, Action] = {"static": Action.PUBLIC, "bootstrap.static": Action.PUBLIC}
# Endpoint → how many bytes of files it takes; 0 for the configured limit.
UPLOADS: dict[str, int] = {}
FRESH: set[str] = set()
# Open to whoever has yet to set up the second factor that their office asks for.
SETTING_UP: set[str] = {"sign_in.sign_out"}


def door(
    blueprint: Blueprint,
    rule: str,
    action: Action,
    methods: tuple[str, ...] = ("GET",),
    *,
    upload: bool | int = False,
    fresh: bool = False,
    setting_up: bool = False,
) -> Callable[[View], View]:
    """Route ``rule`` to the view and declare its action. ``upload`` raises the body's limit for people who may enter,
    to the configured one (True) or to so many bytes.

    ``fresh``: an unsafe request asks for the password again when its reader has not proved lately to be there (money,
    bank accounts, roles, what protects an account). ``setting_up``: open before the second factor is set up.
    A rule with ``<award_code>`` is judged on that award, one with ``<call_code>`` on that call, others on the programme.
    """

    def wrap(view: View) -> View:
        endpoint = f"{blueprint.name}.{view.__name__}"
        if DECLARED.setdefault(endpoint, action) is not action:
            raise ValueError(f"{endpoint} is declared twice with different actions")
        if upload:
            UPLOADS[endpoint] = 0 if upload is True else upload
        if fresh:
            FRESH.add(endpoint)
        if setting_up:
            SETTING_UP.add(endpoint)
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


def _scope(args: Mapping[str, Any]) -> Scope | None:
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
    answer = _judge()
    if answer is None and request.method not in ("GET", "HEAD", "OPTIONS"):
        db.session.rollback()
        # Parses the body now.
        form_is_plain()
        reading_only.set(False)
    return answer


def page_above_for_reader() -> str | None:
    """The page that the form sent to this address stands on, if there is one and this request's reader may see it."""
    above = page_above(request.path)
    if above is None or not current_user.is_authenticated:
        return None
    path, endpoint, values = above
    action = DECLARED.get(endpoint, Action.PUBLIC)
    try:
        seen = action is not Action.PUBLIC and can(actor(), action, _scope(values))
    except NotFound:
        return None
    return path if seen else None


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
        target = request.full_path.rstrip("?") if request.method == "GET" else page_of_form()
        step = "second_factor.prove" if reader.reader_standing() is Standing.PROVE else "sign_in.sign_in"
        return redirect(url_for(step, next=target))
    if reader.reader_standing() is Standing.SET_UP and request.endpoint not in SETTING_UP:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else page_of_form()
        return redirect(url_for("second_factor.show", next=wanted))
    g.scope = _scope(request.view_args or {})
    if not can(actor(), action, g.scope):
        if g.scope is not None and g.scope.award_id is not None and can(actor(), Action.SEE_AWARD, g.scope):
            raise NotAllowed(action)
        if g.scope is not None:
            raise NotFound("award")
        raise NotAllowed(action)
    if request.endpoint in UPLOADS:
        request.max_content_length = (UPLOADS[request.endpoint] or config().upload_limit) + 1024 * 1024
    return None


def register(app: Flask) -> None:
    """Hang the door before everything else."""
    app.url_map.converters["int"] = RowNumber
    app.before_request(guard)
