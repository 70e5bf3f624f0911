"""Loading a call: its definition becomes the one that its awards follow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from sqlalchemy import select

from lab.models import Call
from lab.rules import calls
from lab.rules.call_parsing import parse_call
from lab.rules.errors import NotAllowed
from lab.rules.facts import Actor, Role
from lab.services.steps import record, session

Outcome = Literal["created", "updated", "unchanged"]


def load_call(actor: Actor, now: datetime, data: Mapping[str, object]) -> Outcome:
    """Store the call that ``data`` (a parsed definition file) describes, found again by its code.

    The same definition a second time changes nothing and records nothing. Raises CallDefinitionError with the key
    and the reason, and stores nothing then; NotAllowed for anybody but an operator of the system.
    """
    if Role.SYSTEM not in actor.programme:
        raise NotAllowed("load_call")
    definition = parse_call(data)
    body = calls.to_json(definition)
    digest = definition_hash(body)
    call = session().scalars(select(Call).where(Call.code == definition.code).with_for_update()).one_or_none()
    if call is not None and call.definition_hash == digest:
        return "unchanged"
    outcome: Outcome = "created" if call is None else "updated"
    if call is None:
        call = Call(code=definition.code)
        session().add(call)
    call.definition, call.definition_hash, call.loaded_at = body, digest, now
    session().flush()
    record(None, "call_loaded", actor, now, code=definition.code)
    session().commit()
    return outcome


def definition_hash(body: Mapping[str, object]) -> str:
    """SHA-256 (hex) of a call's definition as canonical JSON in UTF-8."""
    canonical = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
