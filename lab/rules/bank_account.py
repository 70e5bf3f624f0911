"""The account that an award is paid into (guide §5): how it is typed, in whose name it must be, and who verifies it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from lab.rules.disbursement import TrancheState
from lab.rules.text import N_, M, Message

ACCOUNT_FIELDS = ("holder", "bank", "number", "swift")
MAX_NAME = 300
MAX_NUMBER = 80
_SWIFT = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")


@dataclass(frozen=True)
class AccountFacts:
    """An account as entered, as far as its verification depends on it."""

    holder: str
    entered_by: int
    verified: bool


def clean_account(typed: Mapping[str, str]) -> dict[str, str]:
    """The four fields as they are kept: without needless spaces, the SWIFT code in capitals."""
    kept = {field: " ".join(typed.get(field, "").split()) for field in ACCOUNT_FIELDS}
    return kept | {"swift": kept["swift"].upper()}


def account_problems(typed: Mapping[str, str]) -> dict[str, Message]:
    """What is wrong with an account as typed, by field; the SWIFT code alone may be empty."""
    given = clean_account(typed)
    problems: dict[str, Message] = {}
    if not given["holder"] or len(given["holder"]) > MAX_NAME:
        problems["holder"] = M(
            N_("Give the account's holder as the bank writes it, in at most %(limit)s characters."), limit=MAX_NAME
        )
    if not given["bank"] or len(given["bank"]) > MAX_NAME:
        problems["bank"] = M(N_("Give the bank's name, in at most %(limit)s characters."), limit=MAX_NAME)
    if not 4 <= len(given["number"]) <= MAX_NUMBER:
        problems["number"] = M(N_("Give the account number or IBAN, in 4 to %(limit)s characters."), limit=MAX_NUMBER)
    if given["swift"] and not _SWIFT.fullmatch(given["swift"]):
        problems["swift"] = M(
            N_("A SWIFT code has 8 or 11 letters and digits, such as BICAECEG: correct it or leave it empty.")
        )
    return problems


def last_characters(number: str) -> str:
    """What somebody sees who may not see the number: its last four characters, fewer of a short one."""
    return number[-4:] if len(number) >= 8 else number[-(len(number) // 2) :]


def in_name_of(holder: str, legal_name: str) -> bool:
    """Whether an account is in the organisation's name. Capitals, accents and spaces do not count: banks leave them out."""
    return bool(_folded(holder)) and _folded(holder) == _folded(legal_name)


def _folded(name: str) -> str:
    parts = unicodedata.normalize("NFKD", " ".join(name.split()).casefold())
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def change_blockers(payments: Iterable[tuple[str, int, TrancheState]]) -> tuple[Message, ...]:
    """Why the account cannot change now: money is on its way to it.

    ``payments`` are (project, number, state), of every award of the organisation.
    """
    found = []
    for project, number, state in payments:
        if state is TrancheState.AUTHORISED:
            sentence = N_(
                "Payment %(number)s of “%(project)s” is authorised for the account on record: finance sends the payment "
                "back first, then the account can change."
            )
        elif state is TrancheState.SENT:
            sentence = N_(
                "Payment %(number)s of “%(project)s” is on its way to the account on record: the team lead confirms its "
                "receipt first, then the account can change."
            )
        else:
            continue
        found.append(M(sentence, number=number, project=project))
    return tuple(found)


def entry_blockers(verified_once: bool, agreement_in_force: bool) -> tuple[Message, ...]:
    """Why another account cannot simply be entered: the agreement is in force, and an account of it was verified once."""
    if not verified_once or not agreement_in_force:
        return ()
    return (
        M(
            N_(
                "The agreement is in force and its account is verified: another account is an amendment, which the other side agrees to first."
            )
        ),
    )


def holder_blockers(holder: str, legal_name: str) -> tuple[Message, ...]:
    """Why nothing is paid into an account of ``holder``; empty when it is in the organisation's name."""
    if in_name_of(holder, legal_name):
        return ()
    return (M(N_(
        "The account is in the name of “%(holder)s”, not of “%(name)s”: the team lead enters one in the "
        "organisation's own name."
    ), holder=holder, name=legal_name),)  # fmt: skip


def verify_blockers(account: AccountFacts | None, legal_name: str, person_id: int | None) -> tuple[Message, ...]:
    """Why this person cannot verify the account now (roles apart); empty when they can."""
    if account is None:
        return (M(N_("No bank account is entered yet: the team lead enters it.")),)
    if account.verified:
        return (M(N_("This account is verified already.")),)
    found = holder_blockers(account.holder, legal_name)
    if person_id == account.entered_by:
        found += (M(N_("Two people see to a bank account: whoever entered it cannot verify it.")),)
    return found
