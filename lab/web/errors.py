"""One place turns each kind of refusal into a page that says what happened and what to do next."""

from __future__ import annotations

from typing import Any

from flask import Flask, current_app, g, jsonify, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import AnonymousUserMixin
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.wrappers import Response

from lab.extensions import db
from lab.files import StoreUnwell
from lab.rules.errors import Conflict, Invalid, LabError, NotAllowed, NotFound
from lab.web import refusals
from lab.web.access import page_above_for_reader
from lab.web.limits import FORM_BYTES
from lab.web.origin import ForeignForm
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
    refusals.note(error)
    code = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), 409)
    titles = {
        404: _("Not found"),
        403: _("Not for your role"),
        409: _("Not possible now"),
        422: _("Something needs correcting"),
    }
    text = sentence(error.reasons)
    elsewhere = isinstance(error, NotAllowed) and g.get("scope") is None
    if elsewhere:
        text = _("This page is for people with another role in the programme.")
    remedies = {
        404: _("Check the address, or begin on the start page, where your awards are."),
        403: _("What is yours to see begins on the start page.")
        if elsewhere
        else _("If you think that you should have this role, ask the programme officer of the award."),
        409: _("Nothing was changed. Go back, reload the page, and look at what stands there now."),
        422: _("Nothing was stored. Go back: what you typed is still there."),
    }
    return _page(code, titles[code], text, remedies[code])


def _http(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:
        return error
    if error.code >= 500:
        # What went wrong may be what the page would ask who is reading it.
        _read_by_nobody()
    titles = {
        400: _("The request was not understood"),
        404: _("Not found"),
        405: _("Not possible this way"),
        414: _("The address is too long"),
        415: _("Not possible this way"),
    }
    texts = {
        400: _("Something in the request is not as this page expects it."),
        404: _("There is nothing here, or it is not yours to see."),
        405: _("This address cannot be used in this way."),
        414: _("No page of this site has an address as long as this one."),
        415: _("What was sent is no form as browsers send it."),
    }
    title = titles.get(error.code, _("Something went wrong"))
    text = texts.get(error.code, _("The server could not answer this request."))
    return _page(error.code, title, text, _("Go back and try again, or start from the start page."))


def _only_for_forms(error: MethodNotAllowed) -> Any:
    """Whoever asks for the address of a form, such as by loading a refused one anew, gets the page that it stands on."""
    asked = request.method == "GET" and not request.headers.get("X-Requested-With")
    page = page_above_for_reader() if asked else None
    return redirect(page, 303) if page else _http(error)


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


def _foreign(error: ForeignForm) -> tuple[Any, int]:
    return _page(
        403,
        _("This form came from elsewhere"),
        _("Your browser says that another site has sent it. Nothing was done."),
        _("If you meant to do it, open the page of the form here and send it from there."),
    )


def _too_large(error: RequestEntityTooLarge) -> tuple[Any, int]:
    limit = current_app.extensions["lab_config"].upload_limit_mb
    return _page(
        413,
        _("Too large"),
        _(
            "What you sent is larger than is taken here: a file may have up to %(limit)s MB, and the texts of a form"
            " together up to %(form)s MB.",
            limit=limit,
            form=FORM_BYTES // 2**20,
        ),
        _("Choose a smaller file, or split it, and send it again. Nothing was stored."),
    )


def _read_by_nobody() -> None:
    g._login_user = AnonymousUserMixin()
    g.pop("actor", None)


def _database(error: OperationalError | InterfaceError) -> Response:
    current_app.logger.exception("the database did not answer")
    # The page must not ask the database who is reading it.
    _read_by_nobody()
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
    app.register_error_handler(ForeignForm, _foreign)
    app.register_error_handler(RequestEntityTooLarge, _too_large)
    app.register_error_handler(OperationalError, _database)
    app.register_error_handler(StoreUnwell, _store)
    app.register_error_handler(InterfaceError, _database)
    app.register_error_handler(MethodNotAllowed, _only_for_forms)
    app.register_error_handler(HTTPException, _http)
