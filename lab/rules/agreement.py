"""The grant agreement (guide §6): when it may be opened, who may sign it, and what exactly was signed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

from lab.rules.errors import Invalid, Refused
from lab.rules.facts import AwardFacts, Stage
from lab.rules.text import M, Message, N_

SIDES: dict[str, str] = {"organisation": N_("The organisation"), "ilo": N_("The ILO")}


def opening_blockers(facts: AwardFacts) -> tuple[Message, ...]:
    """Why the agreement cannot be opened for signature yet; empty when it can."""
    if facts.agreement_open:
        return (M(N_("The agreement is open already.")),)
    found = []
    if not facts.workplan_accepted:
        found.append(M(N_("The workplan and budget are not approved yet: the gate comes first.")))
    elif facts.stage is not Stage.AGREEMENT:
        found.append(M(N_("The award is not at the agreement stage.")))
    if not facts.due_diligence_clear:
        found.append(M(N_("Due diligence is not clear: the officer checks every item.")))
    return tuple(found)


def text_hash(clauses: Sequence[Mapping[str, str]]) -> str:
    """SHA-256 (hex) of the frozen text: its clauses in order, as canonical JSON in UTF-8."""
    canonical = json.dumps(
        [{"title": clause["title"], "text": clause["text"]} for clause in clauses],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    )
    return hashlib.sha256(canonical.encode()).hexdigest()


def check_signature(side: str, typed_name: str, own_name: str, shown_hash: str, frozen_hash: str, facts: AwardFacts) -> None:
    """Whether a person may sign for ``side`` now, having typed ``typed_name`` under the text with ``shown_hash``.

    Raises Refused (not open, signed already, another text) or Invalid (the name typed is not the signatory's).
    """
    if not facts.agreement_open:
        raise Refused(M(N_("There is no agreement to sign yet: the officer opens it.")))
    if facts.stage is not Stage.AGREEMENT:
        raise Refused(M(N_("The award is not at the agreement stage: nothing can be signed.")))
    if side in facts.signed_by:
        raise Refused(M(N_("This side has signed already.")))
    if shown_hash != frozen_hash:
        raise Refused(M(N_("The text on this page is not the one to be signed: reload the page and read it again.")))
    if " ".join(typed_name.split()).casefold() != " ".join(own_name.split()).casefold():
        raise Invalid({"typed_name": M(N_("Type your full name as it stands in your account: %(name)s."), name=own_name)})
