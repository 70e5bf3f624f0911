"""The letter about a decision on a payment (guide §5): what it says, in the award's language, kept word by word as it was sent.

The words are no part of the translated pages: what was sent must not change with a catalogue.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from babel.dates import format_date
from babel.numbers import format_currency

from lab.rules.calendar import local_day
from lab.rules.languages import formats_of
from lab.rules.payment_decisions import DecisionKind

Rows = tuple[tuple[str, str], ...]

_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Decision on a payment",
        "organisation": "Organisation", "project": "Project", "code": "Award", "payment": "Payment", "amount": "Amount",
        "new_amount": "New amount", "day": "Date of the decision", "by": "Decided by",
        "by_value": "{name}, programme officer, International Labour Organization",
        "withhold": "The ILO withholds payment {number} of {amount}. It is neither made nor lost: the ILO will resume, adjust or cancel it, and tell you when it does.",
        "adjust": "The ILO has changed payment {number} from {amount} to {new_amount}. It is made once its conditions are met.",
        "cancel": "The ILO has cancelled payment {number} of {amount}. It will not be made.",
        "basis": "The participants’ guide (§5) lets the ILO adjust, suspend, withhold or terminate any payment.",
        "reason": "Reason", "questions": "Write to the programme officer if anything in this letter is unclear or wrong.",
        "page": "Page {page} of {pages}",
    },
    "es": {
        "title": "Decisión sobre un desembolso",
        "organisation": "Organización", "project": "Proyecto", "code": "Subvención", "payment": "Desembolso", "amount": "Importe",
        "new_amount": "Nuevo importe", "day": "Fecha de la decisión", "by": "Decidido por",
        "by_value": "{name}, oficial de programa, Organización Internacional del Trabajo",
        "withhold": "La OIT retiene el desembolso {number} de {amount}. No se paga ni se pierde: la OIT lo reanudará, ajustará o cancelará, y les avisará cuando lo haga.",
        "adjust": "La OIT ha cambiado el desembolso {number} de {amount} a {new_amount}. Se paga cuando se cumplan sus condiciones.",
        "cancel": "La OIT ha cancelado el desembolso {number} de {amount}. No se pagará.",
        "basis": "La guía de participantes (§5) permite a la OIT ajustar, suspender, retener o dar por terminado cualquier pago.",
        "reason": "Motivo", "questions": "Escriban al oficial de programa si algo de esta carta no está claro o es incorrecto.",
        "page": "Página {page} de {pages}",
    },
    "pt": {
        "title": "Decisão sobre um desembolso",
        "organisation": "Organização", "project": "Projeto", "code": "Subvenção", "payment": "Desembolso", "amount": "Valor",
        "new_amount": "Novo valor", "day": "Data da decisão", "by": "Decidido por",
        "by_value": "{name}, oficial de programa, Organização Internacional do Trabalho",
        "withhold": "A OIT retém o desembolso {number} de {amount}. Ele não é pago nem se perde: a OIT vai retomá-lo, ajustá-lo ou cancelá-lo, e avisará quando o fizer.",
        "adjust": "A OIT alterou o desembolso {number} de {amount} para {new_amount}. Ele é pago quando suas condições forem cumpridas.",
        "cancel": "A OIT cancelou o desembolso {number} de {amount}. Ele não será pago.",
        "basis": "O guia dos participantes (§5) permite que a OIT ajuste, suspenda, retenha ou encerre qualquer pagamento.",
        "reason": "Motivo", "questions": "Escrevam ao oficial de programa se algo nesta carta não estiver claro ou estiver errado.",
        "page": "Página {page} de {pages}",
    },
    "fr": {
        "title": "Décision concernant un versement",
        "organisation": "Organisation", "project": "Projet", "code": "Subvention", "payment": "Versement", "amount": "Montant",
        "new_amount": "Nouveau montant", "day": "Date de la décision", "by": "Décidé par",
        "by_value": "{name}, responsable de programme, Organisation internationale du Travail",
        "withhold": "L’OIT retient le versement {number} de {amount}. Il n’est ni effectué ni perdu : l’OIT le reprendra, l’ajustera ou l’annulera, et vous le fera savoir.",
        "adjust": "L’OIT a modifié le versement {number} de {amount} à {new_amount}. Il est effectué une fois ses conditions remplies.",
        "cancel": "L’OIT a annulé le versement {number} de {amount}. Il ne sera pas effectué.",
        "basis": "Le guide des participants (§5) permet à l’OIT d’ajuster, de suspendre, de retenir ou d’annuler tout versement.",
        "reason": "Motif", "questions": "Écrivez au responsable de programme si un point de cette lettre n’est pas clair ou est inexact.",
        "page": "Page {page} sur {pages}",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Decided:
    """What was decided, by whom and when (UTC); amounts in ``currency``, ``after`` the new one of an adjusted payment."""

    kind: DecisionKind
    number: int
    amount: Decimal
    after: Decimal
    currency: str
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True)
class Addressee:
    """Whom the letter goes to, and in which language; ``time_zone`` is the call's."""

    organisation: str
    project: str
    code: str
    language: str
    time_zone: str


@dataclass(frozen=True)
class DecisionLetter:
    """The whole letter in words. ``made_at`` is the decision's instant (ISO 8601, UTC); ``page`` has two places."""

    language: str
    title: str
    code: str
    facts: Rows
    sentence: str
    basis: str
    reason_heading: str
    reason: str
    questions: str
    page: str
    made_at: str


def decision_letter(decided: Decided, to: Addressee) -> DecisionLetter:
    """The letter to the lead; the same facts give the same letter."""
    language = to.language if to.language in _WORDS else "en"
    words, formats = _WORDS[language], formats_of(language)

    def money(amount: Decimal) -> str:
        return str(format_currency(amount, decided.currency, "¤¤ #,##0.00", locale=formats))

    values = {"number": decided.number, "amount": money(decided.amount), "new_amount": money(decided.after)}
    facts = [
        (words["organisation"], to.organisation), (words["project"], to.project), (words["code"], to.code),
        (words["payment"], str(decided.number)), (words["amount"], str(values["amount"])),
    ]  # fmt: skip
    if decided.kind is DecisionKind.ADJUST:
        facts.append((words["new_amount"], str(values["new_amount"])))
    day = format_date(local_day(decided.at, to.time_zone), "long", locale=formats)
    facts += [(words["day"], day), (words["by"], words["by_value"].format(name=decided.by))]
    return DecisionLetter(
        language=language, title=words["title"], code=to.code, facts=tuple(facts),
        sentence=words[decided.kind].format(**values), basis=words["basis"], reason_heading=words["reason"],
        reason=decided.reason, questions=words["questions"], page=words["page"], made_at=decided.at.isoformat(),
    )  # fmt: skip


def letter_to_json(letter: DecisionLetter) -> dict[str, Any]:
    """The letter as it is kept."""
    return asdict(letter)


def letter_from_json(kept: Mapping[str, Any]) -> DecisionLetter:
    """A letter that was kept."""
    return DecisionLetter(**{**kept, "facts": tuple((label, value) for label, value in kept["facts"])})
