"""Administrators see whether files are scanned for viruses; nobody else is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask

from lab.rules.facts import Stage
from lab.scanner import Scanner
from tests.factories import World
from tests.web.pages import PageClient

WorldAt = Callable[..., World]
ClientFor = Callable[..., PageClient]
OFF, DOWN = "No virus scanner is set up", "The virus scanner does not answer"


@pytest.mark.parametrize("path", ["/people", "/outbox"])
def test_what_an_administrator_is_told(
    app: Flask, world_at: WorldAt, client_for: ClientFor, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    admin = client_for(world_at().admin)
    page = admin.page(path)
    assert OFF in page.find(class_="alert-info").text and "LAB_CLAMD" in page.text
    monkeypatch.setitem(app.extensions, "lab_scanner", Scanner("unix:/nowhere/clamd.ctl"))
    page = admin.page(path)
    assert DOWN in page.find(class_="alert-danger").text and OFF not in page.text
    monkeypatch.setattr(Scanner, "answers", lambda self: True)
    page = admin.page(path)
    assert OFF not in page.text and DOWN not in page.text


def test_nobody_else_is_told(world_at: WorldAt, client_for: ClientFor) -> None:
    world = world_at(Stage.PROTOTYPING)
    for person in (None, world.lead, world.officer, world.finance):
        for path in ("/people", "/outbox", "/", f"/awards/{world.code}/lab", "/healthz"):
            answer = client_for(person).get(path)
            assert "scanner" not in answer.text and "CLAMD" not in answer.text
