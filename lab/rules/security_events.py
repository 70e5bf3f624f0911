"""Security events in words: who got in, who was refused, and what changed about accounts and what protects them."""

from __future__ import annotations

from enum import StrEnum

from lab.rules.text import N_


class SecurityEventKind(StrEnum):
    """Every kind of security event."""

    SIGNED_IN = "signed_in"
    SIGN_IN_FAILED = "sign_in_failed"
    SIGN_IN_THROTTLED = "sign_in_throttled"
    SIGNED_OUT = "signed_out"
    SESSION_ENDED = "session_ended"
    CONFIRMED = "confirmed"
    CONFIRMATION_FAILED = "confirmation_failed"
    SECOND_FACTOR_GIVEN = "second_factor_given"
    SECOND_FACTOR_FAILED = "second_factor_failed"
    SECOND_FACTOR_ADDED = "second_factor_added"
    SECOND_FACTOR_REMOVED = "second_factor_removed"
    RECOVERY_CODES_MADE = "recovery_codes_made"
    RECOVERY_CODE_USED = "recovery_code_used"
    PASSWORD_CHANGED = "password_changed"
    PASSWORD_RESET_ASKED = "password_reset_asked"
    ADDRESS_CHANGE_ASKED = "address_change_asked"
    ADDRESS_CHANGED = "address_changed"
    INVITED = "invited"
    INVITATION_REVOKED = "invitation_revoked"
    JOINED = "joined"
    HELPED_BACK_IN = "helped_back_in"
    ROLE_GIVEN = "role_given"
    ROLE_TAKEN = "role_taken"
    ACCOUNT_DISABLED = "account_disabled"
    ACCOUNT_ENABLED = "account_enabled"
    REFUSED = "refused"
    FOREIGN_FORM = "foreign_form"
    UPLOAD_REFUSED = "upload_refused"
    EXPORTED = "exported"


KIND_NAMES: dict[SecurityEventKind, str] = {
    SecurityEventKind.SIGNED_IN: N_("signed in"),
    SecurityEventKind.SIGN_IN_FAILED: N_("wrong address or password"),
    SecurityEventKind.SIGN_IN_THROTTLED: N_("too many tries to sign in"),
    SecurityEventKind.SIGNED_OUT: N_("signed out"),
    SecurityEventKind.SESSION_ENDED: N_("signed out from elsewhere"),
    SecurityEventKind.CONFIRMED: N_("confirmed to be there"),
    SecurityEventKind.CONFIRMATION_FAILED: N_("could not confirm to be there"),
    SecurityEventKind.SECOND_FACTOR_GIVEN: N_("second factor given"),
    SecurityEventKind.SECOND_FACTOR_FAILED: N_("wrong second factor"),
    SecurityEventKind.SECOND_FACTOR_ADDED: N_("second factor added"),
    SecurityEventKind.SECOND_FACTOR_REMOVED: N_("second factor removed"),
    SecurityEventKind.RECOVERY_CODES_MADE: N_("recovery codes made"),
    SecurityEventKind.RECOVERY_CODE_USED: N_("recovery code used"),
    SecurityEventKind.PASSWORD_CHANGED: N_("password changed"),
    SecurityEventKind.PASSWORD_RESET_ASKED: N_("link for a new password sent"),
    SecurityEventKind.ADDRESS_CHANGE_ASKED: N_("change of address asked for"),
    SecurityEventKind.ADDRESS_CHANGED: N_("address changed"),
    SecurityEventKind.INVITED: N_("invited"),
    SecurityEventKind.INVITATION_REVOKED: N_("invitation taken back"),
    SecurityEventKind.JOINED: N_("joined by invitation"),
    SecurityEventKind.HELPED_BACK_IN: N_("helped back in"),
    SecurityEventKind.ROLE_GIVEN: N_("role given"),
    SecurityEventKind.ROLE_TAKEN: N_("role taken away"),
    SecurityEventKind.ACCOUNT_DISABLED: N_("account disabled"),
    SecurityEventKind.ACCOUNT_ENABLED: N_("account enabled"),
    SecurityEventKind.REFUSED: N_("refused"),
    SecurityEventKind.FOREIGN_FORM: N_("form from another site refused"),
    SecurityEventKind.UPLOAD_REFUSED: N_("file refused"),
    SecurityEventKind.EXPORTED: N_("list taken out"),
}

# What went wrong for somebody, or was tried by somebody who should not.
ALARMING = frozenset(
    {
        SecurityEventKind.SIGN_IN_FAILED,
        SecurityEventKind.SIGN_IN_THROTTLED,
        SecurityEventKind.CONFIRMATION_FAILED,
        SecurityEventKind.SECOND_FACTOR_FAILED,
        SecurityEventKind.REFUSED,
        SecurityEventKind.FOREIGN_FORM,
        SecurityEventKind.UPLOAD_REFUSED,
    }
)
# What the details of an event are called; one that is not named here is shown by its own name.
DETAIL_NAMES: dict[str, str] = {
    "email": N_("address typed"),
    "reason": N_("reason"),
    "role": N_("role"),
    "call": N_("call"),
    "what": N_("what"),
    "how": N_("how"),
    "by": N_("by"),
    "method": N_("method"),
    "form": N_("form"),
    "filters": N_("filters"),
    "format": N_("format"),
    "more": N_("more"),
}
# One person at one address is noted so often within a minute: a flood of refusals tells no more than its beginning,
# and must not fill the log or hold up others.
REFUSALS_A_MINUTE = 60


def refusal_details(method: str, already: int) -> dict[str, str]:
    """What is noted of a refusal; ``already`` were noted within the last minute. The last one that is says so."""
    last = {"more": "not noted for a minute"} if already == REFUSALS_A_MINUTE - 1 else {}
    return {"method": method[:10], **last}
