"""Every kind of page of the demonstration, as each person sees it: no axe violation, nothing wider than the screen."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask

from lab import demo
from tests.journeys.conftest import Site, Visitor
from tests.test_demo import crawl, person_of, shown
from tests.web.pages import PageClient

__all__ = ["shown"]
# The narrowest phone that the bar names, and a desktop.
WIDTHS = (320, 1280)


def _kind(path: str, *, every_award: bool) -> str:
    """A page's kind: its path without numbers, and for the officer with the award that it is of."""
    pattern = re.sub(r"/\d+", "/N", path.split("?")[0])
    return pattern if every_award else re.sub(r"/awards/[\w-]+-\d+", "/awards/A", pattern)


def _one_of_each(paths: set[str], kind: Callable[[str], str]) -> list[str]:
    chosen: dict[str, str] = {}
    for path in sorted(paths):
        bare = path.split("?")[0]
        if not (bare.endswith((".svg", ".pdf", "/workbook")) or "/files/" in bare):
            chosen.setdefault(kind(path), path)
    return list(chosen.values())


# What pages look like does not hang on the database.
@pytest.mark.parametrize("store", ["sqlite"], indirect=True)
def test_pages(shown: Flask, client_for: Callable[..., PageClient], site: Site, visit: Callable[..., Visitor]) -> None:
    wide = []
    for account in demo.ACCOUNTS:
        name = account.email.split("@")[0]
        kind = partial(_kind, every_award=name == "officer")
        found = crawl(client_for(person_of(shown, account.email)), partial(_kind, every_award=True))
        paths = _one_of_each(set(found), kind)
        visitor = visit()
        visitor.sign_in(account.email, shown.extensions["lab_config"].demo_password)
        for path in paths:
            for width in WIDTHS:
                visitor.page.set_viewport_size({"width": width, "height": 900})
                # Held against axe when it is opened, on the phone; journeys hold what they open against it on a desktop.
                page = visitor.go(path) if width == WIDTHS[0] else visitor.page
                if page.evaluate("document.documentElement.scrollWidth") > width:
                    wide.append(f"{name} {path} {width}")
                visitor.shot(f"{name}{re.sub(r'[^a-z0-9]+', '-', path)}-{width}")
    assert not wide, "wider than the screen: " + ", ".join(wide)
