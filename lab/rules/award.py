"""What the record of an award must say before it is kept: the organisation, the prize, and the people (guide §4, §5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal

import pycountry
from email_validator import EmailNotValidError, validate_email

from lab.rules.bank_account import account_problems
from lab.rules.money import is_currency, quantum
from lab.rules.text import N_, M, Message

MAX_NAME = 300
MAX_SUMMARY = 4000
MAX_MENTORS = 5

# Forms of legally recognised non-profit entities (guide §4).
ORGANISATION_KINDS: dict[str, str] = {
    "employers": N_("Employers’ or business membership organisation"),
    "workers": N_("Workers’ organisation"),
    "training": N_("Training institution"),
    "university": N_("University or research institute"),
    "ngo": N_("Non-governmental organisation or foundation"),
    "cooperative": N_("Cooperative or association of producers"),
    "public": N_("Public institution"),
}

Problems = dict[str, Message]


@dataclass(frozen=True)
class Prizes:
    """What the call offers, as far as an award is checked against it: its prizes, those given away, and its languages."""

    offered: frozenset[str]
    taken: frozenset[str]
    languages: frozenset[str]


@dataclass(frozen=True)
class AwardRecord:
    """An award as an officer records it. Dates are days in the call's time zone; ``account`` is empty when it is not known yet."""

    organisation: Mapping[str, str]
    registered_on: date | None
    account: Mapping[str, str]
    project: str
    summary: str
    prize: str
    notice_on: date | None
    local_currency: str
    language: str
    lead: tuple[str, str]
    mentors: Sequence[tuple[str, str]]


def clean_email(typed: str) -> str:
    """The address as it is kept: normalised and in lower case. Raises ValueError when it is none."""
    return validate_email(typed.strip(), check_deliverability=False, test_environment=True).normalized.lower()


def read_person(name: str, email: str, prefix: str) -> tuple[str, str, Problems]:
    """A person's name and address as kept, with the problems of ``<prefix>name`` and ``<prefix>email``."""
    problems: Problems = {}
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME:
        problems[f"{prefix}name"] = M(
            N_("Give the person's full name, in at most %(limit)s characters."), limit=MAX_NAME
        )
    try:
        email = clean_email(email)
    except EmailNotValidError:
        problems[f"{prefix}email"] = M(
            N_("Give the e-mail address that the invitation goes to, such as ana@organisation.org.")
            if not email.strip()
            else N_("“%(typed)s” is not an e-mail address: type one such as ana@organisation.org."),
            typed=email.strip()[:60],
        )
    return name, email, problems


def problems_of(record: AwardRecord, prizes: Prizes, today: date) -> Problems:
    """Everything that keeps ``record`` from being kept, by field; ``today`` is the day in the call's time zone."""
    found = _organisation(record, today) | _account(record) | _award(record, prizes, today)
    found |= read_person(*record.lead, "lead_")[2]
    seen = {record.lead[1].strip().lower()}
    for n, (name, email) in enumerate(record.mentors):
        found |= read_person(name, email, f"mentors-{n}-")[2]
        if email.strip().lower() in seen:
            found.setdefault(f"mentors-{n}-email", M(N_("This person is named twice: give each person one place.")))
        seen.add(email.strip().lower())
    if len(record.mentors) > MAX_MENTORS:
        found["mentors"] = M(N_("Name at most %(limit)s mentors now; more can be invited later."), limit=MAX_MENTORS)
    return found


def _name(value: str, problems: Problems, field: str, message: str) -> None:
    if not value.strip() or len(value) > MAX_NAME:
        problems[field] = M(message, limit=MAX_NAME)


def _organisation(record: AwardRecord, today: date) -> Problems:
    problems: Problems = {}
    given = record.organisation
    _name(
        given.get("legal_name", ""), problems, "legal_name",
        N_("Give the organisation's legal name as it is registered, in at most %(limit)s characters."),
    )  # fmt: skip
    if given.get("kind", "") not in ORGANISATION_KINDS:
        problems["kind"] = M(N_("Choose what kind of organisation it is."))
    if pycountry.countries.get(alpha_2=given.get("country", "")) is None:
        problems["country"] = M(N_("Choose the country in which the organisation is registered."))
    if record.registered_on is None:
        problems["registered_on"] = M(N_("Give the day on which the organisation was registered."))
    elif record.registered_on > today:
        problems["registered_on"] = M(
            N_("%(day)s is in the future: give the day on which the organisation was registered."),
            day=record.registered_on,
        )
    return problems


def _account(record: AwardRecord) -> Problems:
    # Left empty altogether, the team lead enters it later.
    return account_problems(record.account) if any(value.strip() for value in record.account.values()) else {}


def _award(record: AwardRecord, prizes: Prizes, today: date) -> Problems:
    problems: Problems = {}
    _name(record.project, problems, "project", N_("Give the project's title, in at most %(limit)s characters."))
    if len(record.summary) > MAX_SUMMARY:
        problems["summary"] = M(N_("Shorten the summary to %(limit)s characters."), limit=MAX_SUMMARY)
    if record.prize not in prizes.offered:
        problems["prize"] = M(N_("Choose one of the prizes of this call."))
    elif record.prize in prizes.taken:
        problems["prize"] = M(N_("This prize of the call has its winner already: choose another one."))
    if record.notice_on is None:
        problems["notice_on"] = M(N_("Give the day of the notice of award: the workplan's deadline counts from it."))
    elif record.notice_on > today:
        problems["notice_on"] = M(
            N_("%(day)s is in the future: record the award once its notice has been given."), day=record.notice_on
        )
    if not record.local_currency:
        problems["local_currency"] = M(N_("Give the currency that the grant is paid in: three letters, such as BRL."))
    elif not is_currency(record.local_currency):
        problems["local_currency"] = M(
            N_("“%(typed)s” is not a currency: type its three letters, such as BRL."), typed=record.local_currency[:10]
        )
    if record.language not in prizes.languages:
        problems["language"] = M(N_("Choose one of the call's languages."))
    return problems


def split_amount(amount: Decimal, shares: Sequence[Decimal], currency: str) -> list[Decimal]:
    """``amount`` in parts of ``shares``, each rounded down to the currency's minor units; the last takes the remainder."""
    parts = [(amount * share).quantize(quantum(currency), ROUND_DOWN) for share in shares[:-1]]
    return [*parts, amount - sum(parts, Decimal(0))]
