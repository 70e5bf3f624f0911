"""An approval that is killed on its way: the award stands as before, or as it was shown; nothing in between."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import AppliedAmendment, Document, Event
from lab.queries.amendment import get_amendment
from lab.rules.amendment import terms_from_json
from lab.rules.facts import Stage
from tests.conftest import Store
from tests.factories import World
from tests.faults.processes import end, lines, start, wait_for
from tests.services.test_amendment import LICENCES, budget, send, standing
from tests.services.test_amendment import joined as joined

KILLS = 5
APPROVER = """
import sys
from lab import clock, create_app
from lab.extensions import db
from lab.models import Person
from lab.queries.amendment import get_amendment, terms_of
from lab.queries.awards import get_award
from lab.queries.people import actor_for
from lab.rules.amendment import AmendmentKind, shown_hash
from lab.rules.amendment_effect import amended
from lab.services import amendment

code, person_id, number = sys.argv[1], *map(int, sys.argv[2:])
app = create_app()
with app.app_context():
    award = get_award(db.session(), code)
    terms, ground = terms_of(db.session(), award, clock.now())
    page = get_amendment(db.session(), award.id, number)
    after = amended(terms, ground, AmendmentKind(page.kind), page.newest.content).after
    actor = actor_for(db.session(), db.session.get_one(Person, person_id))
    db.session.commit()
    print("ready")
    sys.stdin.readline()
    amendment.approve(actor, clock.now(), code, number, 1, shown_hash(terms, after))
    print("done")
"""


@pytest.mark.parametrize("kind", ["scope"])
def test_killed_while_it_is_applied(
    store: Store, session: Session, world_at: Callable[..., World], tmp_path: Path, kind: str
) -> None:
    world = world_at(Stage.PROTOTYPING)
    officer, code, outcomes = str(world.officer.id), world.code, []
    for n in range(KILLS):
        rows = budget(world, b2={"unit_cost": "900"}, b9=LICENCES) if n % 2 == 0 else budget(world)
        plan = {**standing(world).plan, "budget": rows, "summary": f"Told anew, {n}."}
        number = send(world, kind, plan=plan)
        asked = get_amendment(session, world.award.id, number).newest
        assert asked is not None
        before, after = (terms_from_json(asked.content["asked"][side]) for side in ("before", "after"))
        # A transaction that is left open would hold the lock that the approver needs.
        session.rollback()
        name = f"approver-{n}"
        process = start(APPROVER, store.url, tmp_path, name, code, officer, str(number), talk=True)
        try:
            wait_for(lambda name=name: "ready" in lines(tmp_path, name), f"{name} starts")
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.close()
            # The last one is left to finish, so that each side of the promise is seen.
            if n < KILLS - 1:
                time.sleep(0.01 * (n + 1))
                process.kill()
            process.wait(60)
        finally:
            end(process)
        session.rollback()
        stands = standing(world)
        accepted = get_amendment(session, world.award.id, number).state == "accepted"
        assert stands == (after if accepted else before), f"killed {n}: half an amendment"
        outcomes.append(accepted)
    applied = session.scalar(select(func.count(AppliedAmendment.id)).where(AppliedAmendment.award_id == world.award.id))
    events = session.scalar(
        select(func.count(Event.id)).where(Event.award_id == world.award.id, Event.kind == "amendment_approved")
    )
    documents = session.scalar(
        select(func.count(Document.id)).where(
            Document.award_id == world.award.id, Document.kind == "amendment", Document.state == "accepted"
        )
    )
    assert applied == events == documents == sum(outcomes) and outcomes[-1]
