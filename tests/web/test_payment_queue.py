"""Finance's page: what waits for whom over all awards, several proposed and authorised at once, each by the same rules."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from lab.models import Event, Obligation, ProgrammeRole, Tranche
from lab.rules.facts import Stage
from lab.rules.obligations import ObligationKind, Party
from lab.services import stages
from lab.services.steps import owe
from tests.conftest import counted
from tests.factories import START, World, add_account, bring_to, make_award
from tests.web.pages import PageClient

WorldAt = Callable[..., World]
Clients = Callable[..., PageClient]


def states(world: World) -> dict[str, str]:
    world.session.expire_all()
    rows = world.session.execute(select(Tranche).order_by(Tranche.id)).scalars()
    return {f"{row.award_id}": row.state for row in rows if row.number == 1}


def another(world: World, number: int) -> Any:
    """One more award of the organisation with everything met."""
    award = make_award(world.session, world.call, world.officer, number=number, code=f"more-{number}")
    award.organisation_id = world.award.organisation_id
    world.session.flush()
    world.session.refresh(award, ["organisation"])
    copy = World(**{**world.__dict__, "award": award})
    bring_to(copy, Stage.PROTOTYPING, START)
    stages.settle(award, START)
    world.session.commit()
    return award


def sections(page: BeautifulSoup) -> dict[str, str]:
    return {section.h2["id"]: section.h2.text for section in page.select("main section[aria-labelledby]")}


def test_each_list_holds_what_waits_and_only_staff_sees_it(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    page = client_for(world.officer).page("/payments")
    assert sections(page) == {"propose-payment": "Due: to be proposed (1)"}
    assert world.award.project in page.text and "USD 30,000.00" in page.text
    for who in ("lead", "member", "mentor", "committee", "admin"):
        client_for(getattr(world, who)).page("/payments", 403)
    finance = client_for(world.finance)
    assert finance.page("/payments").find("input", {"type": "checkbox"}) is None
    client_for(world.officer).submit(f"/awards/{world.code}/payments/1/propose")
    page = finance.page("/payments")
    assert sections(page) == {"authorise-payment": "Proposed: to be authorised (1)"}
    assert "Proposed by Olivia Officer" in page.text
    owe(
        world.award, ObligationKind.RETURN_UNSPENT, Party.TEAM, Party.FINANCE, START, START, amount="1200.00 USD"
    )  # fmt: skip
    world.session.commit()
    assert "1200.00 USD" in finance.page("/payments").text


def test_nothing_waits(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.WORKPLAN)
    assert "No payment waits for anybody" in client_for(world.finance).page("/payments").text


def test_several_are_proposed_and_authorised_each_by_the_rules_of_one(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    others = [another(world, number) for number in (71, 72)]
    officer, finance = client_for(world.officer), client_for(world.finance)
    page = officer.page("/payments")
    names = [box["value"] for box in page.select("input[name=payment]")]
    assert sorted(names) == sorted([f"{world.code}:1", "more-71:1", "more-72:1"])
    # One of them is proposed meanwhile, and one is no payment at all.
    officer.submit("/awards/more-71/payments/1/propose")
    answer = officer.submit("/payments/propose", {"payment": [*names, "nothing:1", f"{world.code}:x"]})
    assert answer.status_code == 422 and "2 payments are proposed." in answer.text
    refused = BeautifulSoup(answer.text, "html.parser").select("main [role=alert] li")
    assert [item.text.split(":")[0] for item in refused] == ["more-71", "nothing", world.code]
    assert "already at another step" in refused[0].text and all(len(item.text) > 14 for item in refused)
    assert set(states(world).values()) >= {"proposed"}
    answer = finance.submit("/payments/authorise", {"payment": names})
    assert answer.status_code == 200 and "3 payments are authorised." in answer.text
    ids = [str(world.award.id), *(str(award.id) for award in others)]
    assert [states(world)[one] for one in ids] == ["authorised"] * 3
    kinds = world.session.scalars(select(Event.kind).where(Event.kind.like("payment_%"))).all()
    assert sorted(kinds) == ["payment_authorised"] * 3 + ["payment_proposed"] * 3
    assert officer.submit("/payments/authorise", {"payment": names}).status_code == 403
    assert finance.submit("/payments/propose", {"payment": names}).status_code == 403


def test_nobody_authorises_what_they_proposed_in_a_batch_either(
    session: Session, world_at: WorldAt, client_for: Clients
) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    session.add(ProgrammeRole(person_id=world.officer.id, role="finance"))
    session.commit()
    officer = client_for(world.officer)
    assert officer.submit("/payments/propose", {"payment": f"{world.code}:1"}).status_code == 200
    page = officer.page("/payments")
    assert page.find("input", {"name": "payment"}) is None and "another person authorises it" in page.text
    answer = officer.submit("/payments/authorise", {"payment": f"{world.code}:1"})
    assert answer.status_code == 422 and "whoever proposed it cannot authorise it" in answer.text
    assert states(world)[str(world.award.id)] == "proposed"


@pytest.mark.parametrize("where", ["propose", "authorise"])
def test_a_batch_of_nothing_says_what_to_do(world_at: WorldAt, client_for: Clients, where: str) -> None:
    world = world_at(Stage.PROTOTYPING)
    who = world.officer if where == "propose" else world.finance
    answer = client_for(who).submit(f"/payments/{where}")
    assert answer.status_code == 422 and "Tick the payments first." in answer.text


def test_the_page_asks_the_same_few_questions_at_any_size(app: Flask, world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    add_account(world)
    finance = client_for(world.finance)
    finance.page("/payments")
    with counted(app) as few:
        finance.page("/payments")
    for number in range(80, 84):
        another(world, number)
    with counted(app) as many:
        page = finance.page("/payments")
    assert len(few) == len(many) <= 8
    assert len(page.select("tbody tr")) == 5


def test_more_than_are_shown_are_counted(world_at: WorldAt, client_for: Clients) -> None:
    world = world_at(Stage.PROTOTYPING)
    for number in range(1, 31):
        world.session.add(
            Tranche(
                award_id=world.award.id, number=100 + number, key="", amount=Decimal(1), currency="USD", state="sent"
            )
        )
        world.session.add(
            Obligation(
                award_id=world.award.id, kind="confirm_receipt", key=f"payment:{100 + number}:confirm_receipt", debtor="team",
                creditor="finance", params={"number": 100 + number}, due_at=START, opened_at=START, state="open",
            )
        )  # fmt: skip
    world.session.commit()
    page = client_for(world.finance).page("/payments")
    assert sections(page) == {"confirm-receipt": "Sent: arrival not confirmed (30)"}
    assert "and 20 more, due later" in page.text and len(page.select("tbody tr")) == 10
    alone = client_for(world.finance).page(page.select_one("main a[href*=list]")["href"])
    assert len(alone.select("tbody tr")) == 30 and sections(alone) == sections(page)
    assert sections(client_for(world.finance).page("/payments?list=nonsense")) == sections(page)
