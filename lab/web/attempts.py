"""Running a service for a form or a button, and showing what it refused where the reader is."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import flash

from lab.extensions import db
from lab.forms.base import ActionForm, LabForm
from lab.forms.base import attempt as _attempt
from lab.web.words import say

Result = TypeVar("Result")


def attempt(form: LabForm, act: Callable[[], Result]) -> Result | None:
    """Validate ``form`` and run the service call ``act``; None when refused, with the reasons in the form and nothing stored."""
    result = _attempt(form, act, say)
    if result is None:
        db.session.rollback()
    return result


def carry_out(form: LabForm, act: Callable[[], object]) -> bool:
    """:func:`attempt` for a service that returns nothing: whether it was done."""

    def acted() -> bool:
        act()
        return True

    return attempt(form, acted) is True


def press(act: Callable[[], object], done: str) -> bool:
    """Run ``act`` for a form that is only a button, flash ``done`` or every reason why not, and say whether it was done."""
    form = ActionForm()
    if carry_out(form, act):
        flash(done, "success")
        return True
    for reason in form.form_errors or [text for field in form for text in field.errors]:
        flash(reason, "danger")
    return False
