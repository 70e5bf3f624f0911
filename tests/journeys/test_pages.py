"""Every kind of page of the demonstration, as each person sees it: no axe violation, nothing wider than a phone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask

from lab import demo
from tests.journeys.conftest import Site, Visitor
from tests.test_demo import crawl, person_of, shown, snapshot
from tests.web.pages import PageClient

__all__ = ["shown", "snapshot"]
# The narrowest phone that the bar names, and a desktop.
WIDTHS = (320, 1280)


def _kinds(paths: set[str], *, every_award: bool) -> list[str]:
    """One path for each kind of page; for the officer one for each award as well."""
    chosen: dict[str, str] = {}
    for path in sorted(paths):
        bare = path.split("?")[0]
        if bare.endswith(".svg") or "/files/" in bare:
            continue
        pattern = re.sub(r"/\d+", "/N", bare)
        chosen.setdefault(pattern if every_award else re.sub(r"/awards/[\w-]+-\d+", "/awards/A", pattern), path)
    return list(chosen.values())


# What pages look like does not hang on the database.
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
@pytest.mark.parametrize("width", WIDTHS)
def test_pages(
    shown: Flask, client_for: Callable[..., PageClient], site: Site, visit: Callable[..., Visitor], width: int
) -> None:
    wide = []
    for account in demo.ACCOUNTS:
        name = account.email.split("@")[0]
        paths = crawl(client_for(person_of(shown, account.email)))
        visitor = visit(width=width)
        visitor.sign_in(account.email, shown.extensions["lab_config"].demo_password)
        for path in _kinds(paths, every_award=name == "officer"):
            page = visitor.go(path)
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wide.append(f"{name} {path}")
            visitor.shot(f"{name}{re.sub(r'[^a-z0-9]+', '-', path)}-{width}")
    assert not wide, "wider than the screen: " + ", ".join(wide)
