"""Flask-Security's question whether a password will do, answered by our own rule."""

from __future__ import annotations

from typing import Any

from flask_security.password_util import PasswordUtil

from lab.rules.passwords import password_problem
from lab.web.words import say


class LabPasswordUtil(PasswordUtil):
    """Judges a password chosen by a link from a mail as one chosen on our own pages is judged."""

    def validate(self, password: str, is_register: bool, **kwargs: Any) -> tuple[list[str] | None, str]:
        """(what is wrong or None, the password in the form that is hashed)."""
        person = kwargs["user"]
        problem = password_problem(password, person.name, person.email)
        return [say(problem)] if problem else None, self.normalize(password)
