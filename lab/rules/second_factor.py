"""The second factor: what may be typed, what recovery codes look like, which may be taken away, what a passkey signs."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from lab.rules.text import N_, M, Message

CODE_DIGITS = 6
# How long the key of an app may wait for its first code.
SET_UP_WITHIN = timedelta(hours=1)
RECOVERY_CODES = 10
RECOVERY_LENGTH = 12
FEW_CODES = 3
# 32 signs, five bits each. Look-alikes are left out, and read as the sign that they look like.
SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LOOK_ALIKES = str.maketrans("OIL", "011")
_GROUP = 4
MAX_PASSKEYS = 20
MAX_NAME = 80
CHALLENGE_VALID = timedelta(minutes=5)
NONCE_BYTES = 16
_TIME_BYTES = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def clean_code(typed: str) -> str:
    """The six digits of an app's code, however they were spaced; empty for anything else."""
    digits = _squeezed(typed)
    return digits if len(digits) == CODE_DIGITS and digits.isascii() and digits.isdigit() else ""


def clean_recovery_code(typed: str) -> str:
    """A recovery code as it was made, however it was spaced, cased or misread; empty for what cannot be one."""
    code = _squeezed(typed).upper().translate(_LOOK_ALIKES)
    return code if len(code) == RECOVERY_LENGTH and set(code) <= set(SIGNS) else ""


def _squeezed(typed: str) -> str:
    wide = unicodedata.normalize("NFKC", typed[:100])
    return "".join(sign for sign in wide if not sign.isspace() and unicodedata.category(sign) != "Pd")


def recovery_code(number: int) -> str:
    """The recovery code that writes ``number``, 60 random bits."""
    return "".join(SIGNS[number >> 5 * place & 31] for place in reversed(range(RECOVERY_LENGTH)))


def grouped(code: str) -> str:
    """A code or a key in groups of four, to be read and typed."""
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))


def few_left(codes: int) -> bool:
    """Whether so few recovery codes are left that new ones should be made."""
    return codes <= FEW_CODES


def last_stays(required: bool, factors: int) -> Message | None:
    """Why one of ``factors`` cannot be taken away by somebody of whom a second factor is ``required``, or None."""
    if required and factors <= 1:
        return M(
            N_(
                "This is your only second factor, and your role asks for one. Set up another first, or move the app to"
                " the new phone; then this one can go."
            )
        )
    return None


def clean_name(typed: str) -> str:
    """The name of a passkey, without needless space."""
    return " ".join(typed.split())


def name_problem(name: str, taken: Collection[str]) -> Message | None:
    """Why a passkey cannot be called ``name`` by somebody whose others are called ``taken``, or None."""
    if not name:
        return M(N_("Give it a name by which you know it, such as “Phone”."))
    if len(name) > MAX_NAME:
        return M(N_("Give it a shorter name: %(number)s characters at most."), number=MAX_NAME)
    if name.casefold() in {other.casefold() for other in taken}:
        return M(N_("You have a passkey of that name: give this one another."))
    return None


def free_name(wanted: str, taken: Collection[str]) -> str:
    """``wanted``, with a number if it is ``taken``."""
    known = {other.casefold() for other in taken}
    names = (wanted[: MAX_NAME - 5] + (f" {number}" if number > 1 else "") for number in range(1, len(known) + 2))
    return next(name for name in names if name.casefold() not in known)


@dataclass(frozen=True)
class Site:
    """What a passkey is bound to: ``host`` and ``origin``. Browsers make none for a bare address or without HTTPS."""

    host: str
    origin: str
    possible: bool


def site_of(base_url: str) -> Site:
    """The site at the application's own address."""
    parts = urlsplit(base_url)
    host = (parts.hostname or "").casefold()
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    try:
        ipaddress.ip_address(host)
        named = False
    except ValueError:
        named = True
    shown = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme}://{shown}" + (f":{parts.port}" if parts.port not in (None, usual) else "")
    local = host == "localhost" or host.endswith(".localhost")
    return Site(host, origin, named and (parts.scheme == "https" or local))


def made_challenge(key: bytes, purpose: str, whose: str, nonce: bytes, at: datetime) -> bytes:
    """What a passkey is to sign for ``purpose`` (adding, proving …) in the browser or sign-in ``whose``, now ``at``.

    It carries its own seal, so that showing a page stores nothing; only its use is kept.
    """
    body = nonce + int(at.timestamp() * 1000).to_bytes(_TIME_BYTES, "big")
    return body + _seal(key, purpose, whose, body)


def _seal(key: bytes, purpose: str, whose: str, body: bytes) -> bytes:
    return hmac.new(key, f"{purpose}|{whose}|".encode() + body, hashlib.sha256).digest()


def challenge_made_at(key: bytes, purpose: str, whose: str, challenge: bytes) -> datetime | None:
    """When ``challenge`` was made for that purpose and place; None when it was not made here, or for another."""
    body = challenge[: NONCE_BYTES + _TIME_BYTES]
    if not hmac.compare_digest(challenge, body + _seal(key, purpose, whose, body)):
        return None
    return _EPOCH + timedelta(milliseconds=int.from_bytes(body[NONCE_BYTES:], "big"))


def too_old(made_at: datetime, now: datetime) -> bool:
    """Whether a challenge has stood for longer than anybody takes to touch a key."""
    return now - made_at > CHALLENGE_VALID
