"""The letter about a decision on a payment, read back by a library that had no part in writing it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO

import pytest
from pypdf import PdfReader

from lab.letter_pdf import letter_pdf
from lab.rules.decision_letter import (
    Addressee,
    Decided,
    DecisionLetter,
    decision_letter,
    letter_from_json,
    letter_to_json,
)
from lab.rules.payment_decisions import LETTERS, DecisionKind

# Late in the evening in Geneva: the letter bears that day, whatever day it is elsewhere.
AT = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
TITLES = {
    "en": "Decision on a payment", "es": "Decisión sobre un desembolso", "pt": "Decisão sobre um desembolso",
    "fr": "Décision concernant un versement",
}  # fmt: skip


def letter(kind: DecisionKind, language: str = "en") -> DecisionLetter:
    decided = Decided(
        kind, 2, Decimal(10_000), Decimal(8_000), "USD", "One activity fell away.\n\nSee §4.", "Olivia Officer", AT
    )
    return decision_letter(decided, Addressee("Cámara de Ejemplo", "Redes", "test-1", language, "Europe/Zurich"))


def read(made: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in PdfReader(BytesIO(made)).pages).split())


@pytest.mark.parametrize("language", TITLES)
@pytest.mark.parametrize("kind", sorted(LETTERS))
def test_it_says_everything_in_the_award_s_language(kind: DecisionKind, language: str) -> None:
    found = letter(kind, language)
    made = letter_pdf(found)
    text = read(made)
    for words in (
        TITLES[language],
        "Cámara de Ejemplo",
        "Redes",
        "test-1",
        "Olivia Officer",
        "One activity fell away.",
        "See §4.",
        found.basis,
        found.sentence,
    ):
        assert " ".join(words.split()) in text
    assert "{" not in text and ("8" in text.replace("test-1", "")) is (kind is DecisionKind.ADJUST)
    reader = PdfReader(BytesIO(made))
    assert reader.trailer["/Root"]["/Lang"] == language and reader.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert reader.metadata is not None and reader.metadata.title == f"{TITLES[language]} – test-1"


def test_the_day_is_the_call_s() -> None:
    assert dict(letter(DecisionKind.CANCEL).facts)["Date of the decision"] == "2 March 2026"


def test_what_is_kept_makes_the_same_file() -> None:
    found = letter(DecisionKind.ADJUST)
    kept = json.loads(json.dumps(letter_to_json(found)))
    assert letter_from_json(kept) == found and letter_pdf(letter_from_json(kept)) == letter_pdf(found)


def test_an_award_in_another_language_gets_it_in_english() -> None:
    assert letter(DecisionKind.CANCEL, "de").title == TITLES["en"]
