"""Second factors: what somebody has set up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from lab.models import Passkey, RecoveryCode, Totp


@dataclass(frozen=True)
class PasskeyLine:
    """A passkey as its owner knows it. Instants are real ones (UTC)."""

    id: int
    name: str
    created_at: datetime
    used_at: datetime | None
    credential_id: bytes


@dataclass(frozen=True)
class Factors:
    """What somebody has: since when an app, which passkeys, and how many recovery codes are left of those made."""

    app_since: datetime | None
    passkeys: tuple[PasskeyLine, ...]
    codes_left: int

    @property
    def count(self) -> int:
        """How many ways there are, recovery codes aside."""
        return len(self.passkeys) + (self.app_since is not None)

    @property
    def credential_ids(self) -> tuple[bytes, ...]:
        """The passkeys by the names that browsers know them by."""
        return tuple(line.credential_id for line in self.passkeys)


def factors_of(session: Session, person_id: int) -> Factors:
    """What that person has set up, in three statements."""
    app_since = session.scalar(
        select(Totp.confirmed_at).where(Totp.person_id == person_id, Totp.confirmed_at.is_not(None))
    )
    rows = session.execute(
        select(Passkey.id, Passkey.name, Passkey.created_at, Passkey.used_at, Passkey.credential_id)
        .where(Passkey.person_id == person_id)
        .order_by(Passkey.id)
    )
    left = session.scalar(
        select(func.count())
        .select_from(RecoveryCode)
        .where(RecoveryCode.person_id == person_id, RecoveryCode.used_at.is_(None))
    )
    return Factors(app_since, tuple(PasskeyLine(*row) for row in rows), left or 0)
