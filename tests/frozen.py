"""An award whose agreement is frozen and open for signature, written as rows."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import Any

from lab import models as m
from lab.rules import calls
from lab.rules.agreement import Parties, draft_clauses, text_hash, to_freeze
from lab.rules.calendar import days_after, local_day
from lab.rules.facts import SYSTEM, Stage
from lab.rules.obligations import ObligationKind, Party
from lab.services.steps import owe, record
from tests.factories import START, World


def freeze(world: World, now: datetime = START, form: int = 2) -> str:
    """Due diligence clear, the text frozen at ``now``, both signatures owed; committed. Returns the text's hash.

    ``form`` 1 is a text from before the hash covered what clauses oblige to.
    """
    award, session = world.award, world.session
    award.stage, award.stage_since = Stage.AGREEMENT, now
    definition = calls.from_json(world.call.definition)
    for item in definition.due_diligence:
        session.add(
            m.Check(
                award_id=award.id, checklist="due_diligence", key=item.key, note="Seen", by=world.officer.id, at=now
            )
        )
    parties = Parties(
        award.language, award.organisation.legal_name, "EC", award.project, award.prize, award.amount, "USD", "USD", "L."
    )  # fmt: skip
    clauses = draft_clauses(definition, parties)
    content: dict[str, Any] = {"language": award.language, "clauses": clauses}
    content = to_freeze(content) if form == 2 else {**content, "hash": text_hash(content)}
    frozen: str = content["hash"]
    document = m.Document(award_id=award.id, kind="agreement", state="submitted", draft=content)
    session.add(document)
    session.flush()
    session.add(
        m.Version(
            document_id=document.id, number=1, content=content, submitted_by=world.officer.id, submitted_at=now,
            content_hash=hashlib.sha256(json.dumps(content).encode()).hexdigest(),
        )
    )  # fmt: skip
    record(award, "agreement_opened", SYSTEM, now, hash=frozen)
    due = days_after(local_day(now, "Europe/Zurich"), 7, "Europe/Zurich")
    owe(award, ObligationKind.SIGN_ORGANISATION, Party.TEAM, Party.OFFICER, due, now)
    owe(award, ObligationKind.SIGN_ILO, Party.OFFICER, Party.TEAM, due, now)
    world.again()
    return frozen
