"""One place turns each kind of refusal into a page that says what happened and what to do next."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, jsonify, make_response, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response

from lab.extensions import db
from lab.files import StoreUnwell
from lab.rules.errors import Conflict, Invalid, LabError, NotAllowed, NotFound
from lab.web.words import sentence

_STATUS = {NotFound: 404, NotAllowed: 403, Conflict: 409, Invalid: 422}


def _page(code: int, title: str, text: str, remedy: str) -> tuple[Any, int]:
    db.session.rollback()
    if request.headers.get("X-Requested-With"):
        return jsonify(error=text, remedy=remedy), code
    home = url_for("home.index")
    page = render_template(
        "errors/error.html",
        code=code,
        title=title,
        text=text,
        remedy=remedy,
        href=home,
        action=_("Go to the start page"),
    )
    return page, code


def _refused(error: LabError) -> tuple[Any, int]:
    code = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 409)
    titles = {
        404: _("Not found"),
        403: _("Not for your role"),
        409: _("Not possible now"),
        422: _("Something needs correcting"),
    }
    remedies = {
        404: _("Check the address, or start from the list of your awards."),
        403: _("If you think that you should have this role, ask the programme officer of the award."),
        409: _("Nothing was changed. Go back, reload the page, and look at what stands there now."),
        422: _("Nothing was stored. Go back: what you typed is still there."),
    }
    return _page(code, titles[code], sentence(error.reasons), remedies[code])


def _http(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    titles = {400: _("The request was not understood"), 404: _("Not found"), 405: _("Not possible this way")}
    texts = {
        400: _("Something in the request is not as this page expects it."),
        404: _("There is nothing here, or it is not yours to see."),
        405: _("This address cannot be used in this way."),
    }
    title = titles.get(error.code, _("Something went wrong"))
    text = texts.get(error.code, _("The server could not answer this request."))
    return _page(error.code, title, text, _("Go back and try again, or start from the start page."))


def _expired(error: CSRFError) -> tuple[Any, int]:
    return _page(
        400,
        _("This page had expired"),
        _("For your safety a form is only taken from a page of your own, current sign-in."),
        _(
            "Open the page of the form anew, and sign in if it asks you to. A text that you typed is kept on this device,"
            " unless your browser’s scripts are off, and is offered again there."
        ),
    )


def _too_large(error: RequestEntityTooLarge) -> tuple[Any, int]:
    limit = current_app.extensions["lab_config"].upload_limit_mb
    return _page(
        413,
        _("Too large"),
        _("What you sent is larger than is taken here: a file may have up to %(limit)s MB.", limit=limit),
        _("Choose a smaller file, or split it, and send it again. Nothing was stored."),
    )


def _database(error: OperationalError | InterfaceError) -> Response:
    current_app.logger.exception("the database did not answer")
    # The page must not ask the database who is reading it.
    g._login_user = AnonymousUserMixin()
    g.pop("actor", None)
    page, code = _page(
        503,
        _("The database does not answer"),
        _("Nothing of what you sent was stored."),
        _("Wait a minute and send it again."),
    )
    answer = make_response(page, code)
    answer.headers["Retry-After"] = "60"
    return answer


def _store(error: StoreUnwell) -> tuple[Any, int]:
    current_app.logger.error("the store of files is unwell: %s", error)
    return _page(
        507,
        _("Files cannot be reached now"),
        _("Files cannot be stored now or read. Nothing of what you sent was kept."),
        _("Wait a few minutes and try again. If it stays so, tell the programme officer of the award."),
    )


def register(app: Flask) -> None:
    """Hang the handlers."""
    app.register_error_handler(LabError, _refused)
    app.register_error_handler(CSRFError, _expired)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(StoreUnwell, _store)
    app.register_error_handler(InterfaceError, _database)
    app.register_error_handler(HTTPException, _http)
