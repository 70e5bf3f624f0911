"""What tests of reports do before they open a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import BudgetLine, Document
from lab.services import report as service
from tests.conftest import NOON
from tests.factories import World
from tests.web.pages import PageClient

WorldAt = Callable[..., World]
ClientFor = Callable[..., PageClient]
KIND = "progress_report"
SECTIONS = {"progress": "Firms asked.", "results": "Needs known.", "difficulties": "None.", "next_steps": "Build it."}
PDF = b"%PDF-1.7\n1 0 obj\n<< >>\nendobj\n"


def at_report(world: World, rest: str = "", kind: str = KIND, number: int = 1) -> str:
    return f"/awards/{world.code}/reports/{kind}/{number}{rest}"


def lines_of(world: World) -> list[int]:
    query = select(BudgetLine.id).where(BudgetLine.award_id == world.award.id, BudgetLine.own.is_(False))
    return list(world.session.scalars(query.order_by(BudgetLine.number)))


def content_of(world: World, **spending: str) -> dict[str, Any]:
    typed = {
        str(line): spending.get(name, "") for line, name in zip(lines_of(world), ("first", "second"), strict=False)
    }
    more = {"prototype": "It counts stock.", "action_plan": "Ten firms."}
    return {"sections": SECTIONS | more, "spending": typed, "explanations": {}}


def begin(world: World, kind: str = KIND, number: int = 1) -> int:
    return service.start_report(world.actor(world.lead), NOON, world.code, kind, number)


def submit(world: World, kind: str = KIND, number: int = 1, **spending: str) -> int:
    revision = begin(world, kind, number)
    content = content_of(world, **spending)
    return service.submit_report(world.actor(world.lead), NOON, world.code, kind, number, content, revision)


def draft_of(world: World, kind: str = KIND) -> Document:
    world.session.rollback()
    world.session.expire_all()
    return world.session.scalars(select(Document).where(Document.kind == kind)).one()


def form_of(client: PageClient, path: str) -> dict[str, Any]:
    """The fields of the report's form as the page shows them."""
    form = client.page(path).find("form", {"enctype": "multipart/form-data"})
    typed = {one["name"]: one.get("value", "") for one in form.find_all("input") if one.get("type") != "file"}
    typed |= {one["name"]: one.text.removeprefix("\n") for one in form.find_all("textarea")}
    return {name: value for name, value in typed.items() if name not in ("csrf_token", "form_key")}


def count(session: Session, model: type[Any]) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(model)) or 0
