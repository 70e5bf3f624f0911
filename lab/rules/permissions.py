"""Who may do what: an enum of actions and one pure predicate over the roles that an actor holds on an object."""

from __future__ import annotations

from enum import StrEnum

from lab.rules.facts import EVERYBODY_ON_AWARD, STAFF, TEAM, Actor, Role, Scope


class Action(StrEnum):
    """Everything a person can do or see. Every route declares one."""

    PUBLIC = "public"
    SIGNED_IN = "signed_in"
    SEE_CALLS = "see_calls"
    SEE_PILOTS = "see_pilots"
    SEE_PORTFOLIO = "see_portfolio"
    RECORD_AWARD = "record_award"
    SEE_AWARD = "see_award"
    EDIT_TEAM = "edit_team"
    HELP_BACK_IN = "help_back_in"
    SEE_WORKPLAN = "see_workplan"
    EDIT_WORKPLAN = "edit_workplan"
    SUBMIT_WORKPLAN = "submit_workplan"
    REVIEW_WORKPLAN = "review_workplan"
    ANSWER_WORKPLAN = "answer_workplan"
    EXTEND_DEADLINE = "extend_deadline"
    SEE_AGREEMENT = "see_agreement"
    CHECK_DUE_DILIGENCE = "check_due_diligence"
    PROVIDE_DOCUMENT = "provide_document"
    DRAFT_AGREEMENT = "draft_agreement"
    DISCUSS_CLAUSE = "discuss_clause"
    CHANGE_CLAUSE = "change_clause"
    OPEN_AGREEMENT = "open_agreement"
    KEEP_CLAUSE = "keep_clause"
    SIGN_FOR_ORGANISATION = "sign_for_organisation"
    SIGN_FOR_ILO = "sign_for_ilo"
    ARRANGE_ORGANISATION_SIGNING = "arrange_organisation_signing"
    ARRANGE_ILO_SIGNING = "arrange_ilo_signing"
    SEE_AMENDMENTS = "see_amendments"
    REQUEST_AMENDMENT = "request_amendment"
    DECIDE_AMENDMENT = "decide_amendment"
    SEE_PAYMENTS = "see_payments"
    SEE_LEDGER = "see_ledger"
    SEE_ACCOUNT = "see_account"
    ENTER_ACCOUNT = "enter_account"
    VERIFY_ACCOUNT = "verify_account"
    ATTEST_CONDITION = "attest_condition"
    PROPOSE_PAYMENT = "propose_payment"
    AUTHORISE_PAYMENT = "authorise_payment"
    SEND_BACK_PAYMENT = "send_back_payment"
    RECORD_PAYMENT = "record_payment"
    CONFIRM_RECEIPT = "confirm_receipt"
    RECORD_RETURN = "record_return"
    DECIDE_PAYMENT = "decide_payment"
    SEE_PAYMENT_QUEUE = "see_payment_queue"
    PROPOSE_PAYMENTS = "propose_payments"
    AUTHORISE_PAYMENTS = "authorise_payments"
    SEE_LAB = "see_lab"
    SEE_MENTOR_NOTES = "see_mentor_notes"
    WRITE_MENTOR_NOTE = "write_mentor_note"
    RUN_BOOT_CAMP = "run_boot_camp"
    PUBLISH_PROTOTYPE = "publish_prototype"
    COMMENT_PROTOTYPE = "comment_prototype"
    REPLY_THREAD = "reply_thread"
    RESOLVE_THREAD = "resolve_thread"
    SEE_REPORTS = "see_reports"
    EDIT_REPORT = "edit_report"
    SUBMIT_REPORT = "submit_report"
    REVIEW_REPORT = "review_report"
    ACCEPT_MILESTONE = "accept_milestone"
    SEE_PILOT = "see_pilot"
    DEFINE_INDICATOR = "define_indicator"
    ENTER_INDICATOR_VALUE = "enter_indicator_value"
    RECORD_DECISION = "record_decision"
    SEE_CLOSING = "see_closing"
    CHECK_CLOSING = "check_closing"
    WRITE_LESSON = "write_lesson"
    CLOSE_AWARD = "close_award"
    STEER_AWARD = "steer_award"
    WITHDRAW_AWARD = "withdraw_award"
    ADD_FILE = "add_file"
    DOWNLOAD_FILE = "download_file"
    SEE_PEOPLE = "see_people"
    EDIT_PEOPLE = "edit_people"
    SEE_OUTBOX = "see_outbox"
    SEE_SECURITY = "see_security"
    EXPORT_SECURITY = "export_security"


_OFFICER = frozenset({Role.OFFICER})
_FINANCE = frozenset({Role.FINANCE})
_LEAD = frozenset({Role.LEAD})
_ADMIN = frozenset({Role.ADMIN})
_INSIDE = TEAM | STAFF | {Role.MENTOR}

ALLOWED: dict[Action, frozenset[Role]] = {
    Action.SEE_CALLS: STAFF | {Role.COMMITTEE},
    Action.SEE_PILOTS: STAFF | {Role.COMMITTEE},
    Action.SEE_PORTFOLIO: STAFF,
    Action.RECORD_AWARD: _OFFICER,
    Action.SEE_AWARD: EVERYBODY_ON_AWARD,
    Action.EDIT_TEAM: _OFFICER | _LEAD,
    Action.HELP_BACK_IN: _OFFICER,
    Action.SEE_WORKPLAN: EVERYBODY_ON_AWARD,
    Action.EDIT_WORKPLAN: TEAM,
    Action.SUBMIT_WORKPLAN: _LEAD,
    Action.REVIEW_WORKPLAN: _OFFICER,
    Action.ANSWER_WORKPLAN: TEAM | _OFFICER,
    Action.EXTEND_DEADLINE: _OFFICER,
    Action.SEE_AGREEMENT: TEAM | STAFF,
    Action.CHECK_DUE_DILIGENCE: _OFFICER,
    Action.PROVIDE_DOCUMENT: _LEAD | _OFFICER,
    Action.DRAFT_AGREEMENT: _OFFICER,
    Action.DISCUSS_CLAUSE: TEAM | _OFFICER,
    Action.CHANGE_CLAUSE: _OFFICER,
    Action.OPEN_AGREEMENT: _OFFICER,
    Action.KEEP_CLAUSE: TEAM | _OFFICER,
    # Of these only the one who is named as signatory: rules.signature.
    Action.SIGN_FOR_ORGANISATION: TEAM,
    Action.SIGN_FOR_ILO: _OFFICER,
    Action.ARRANGE_ORGANISATION_SIGNING: _LEAD,
    Action.ARRANGE_ILO_SIGNING: _OFFICER,
    Action.SEE_AMENDMENTS: TEAM | STAFF | {Role.COMMITTEE},
    # Each side asks, and judges what the other asks for: rules.amendment.
    Action.REQUEST_AMENDMENT: _LEAD | _OFFICER,
    Action.DECIDE_AMENDMENT: frozenset({Role.COMMITTEE}),
    Action.SEE_PAYMENTS: TEAM | STAFF | {Role.COMMITTEE},
    Action.SEE_LEDGER: TEAM | STAFF,
    Action.SEE_ACCOUNT: _LEAD | STAFF,
    Action.ENTER_ACCOUNT: _LEAD | _OFFICER,
    Action.VERIFY_ACCOUNT: _FINANCE,
    Action.ATTEST_CONDITION: _OFFICER,
    Action.PROPOSE_PAYMENT: _OFFICER,
    Action.AUTHORISE_PAYMENT: _FINANCE,
    Action.SEND_BACK_PAYMENT: STAFF,
    Action.RECORD_PAYMENT: _FINANCE,
    Action.CONFIRM_RECEIPT: _LEAD,
    Action.RECORD_RETURN: _FINANCE,
    Action.DECIDE_PAYMENT: _OFFICER,
    Action.SEE_PAYMENT_QUEUE: STAFF,
    # Several at once; each by the rules of one.
    Action.PROPOSE_PAYMENTS: _OFFICER,
    Action.AUTHORISE_PAYMENTS: _FINANCE,
    Action.SEE_LAB: EVERYBODY_ON_AWARD,
    Action.SEE_MENTOR_NOTES: _OFFICER | {Role.MENTOR},
    Action.WRITE_MENTOR_NOTE: _OFFICER | {Role.MENTOR},
    Action.RUN_BOOT_CAMP: _OFFICER | {Role.MENTOR},
    Action.PUBLISH_PROTOTYPE: TEAM,
    Action.COMMENT_PROTOTYPE: _OFFICER | {Role.MENTOR},
    Action.REPLY_THREAD: _INSIDE - {Role.FINANCE},
    Action.RESOLVE_THREAD: _OFFICER | {Role.MENTOR},
    Action.SEE_REPORTS: EVERYBODY_ON_AWARD,
    Action.EDIT_REPORT: TEAM,
    Action.SUBMIT_REPORT: _LEAD,
    Action.REVIEW_REPORT: _OFFICER,
    Action.ACCEPT_MILESTONE: _OFFICER,
    Action.SEE_PILOT: EVERYBODY_ON_AWARD,
    Action.DEFINE_INDICATOR: TEAM | _OFFICER,
    Action.ENTER_INDICATOR_VALUE: TEAM,
    Action.RECORD_DECISION: frozenset({Role.COMMITTEE}),
    Action.SEE_CLOSING: TEAM | STAFF | {Role.COMMITTEE},
    Action.CHECK_CLOSING: _OFFICER,
    Action.WRITE_LESSON: TEAM | _OFFICER,
    Action.CLOSE_AWARD: _OFFICER,
    Action.STEER_AWARD: _OFFICER,
    Action.WITHDRAW_AWARD: _LEAD,
    Action.ADD_FILE: _INSIDE - {Role.FINANCE},
    Action.DOWNLOAD_FILE: EVERYBODY_ON_AWARD,
    Action.SEE_PEOPLE: _ADMIN,
    Action.EDIT_PEOPLE: _ADMIN,
    Action.SEE_OUTBOX: _ADMIN,
    Action.SEE_SECURITY: _ADMIN,
    Action.EXPORT_SECURITY: _ADMIN,
}


def can(actor: Actor, action: Action, scope: Scope | None = None) -> bool:
    """Whether ``actor`` may do ``action`` on ``scope`` (a call or an award; None for the programme as a whole)."""
    if action is Action.PUBLIC:
        return True
    if action is Action.SIGNED_IN:
        return actor.person_id is not None
    if action in (Action.SEE_CALLS, Action.SEE_PILOTS) and scope is None:
        return bool(actor.committees) or bool(actor.programme & ALLOWED[action])
    return bool(actor.roles_on(scope) & ALLOWED[action])
