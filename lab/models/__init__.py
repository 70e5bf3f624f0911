"""Tables: columns, constraints and relationships, a file per noun, no behaviour."""

from lab.models.agreement import ClauseComment, ClauseRevision, Signature
from lab.models.amendment import AppliedAmendment
from lab.models.award import Award, Check, CheckFile, Decision, Extension, Lesson, Suspension, TeamMember
from lab.models.base import Base
from lab.models.call import Call, CommitteeMember
from lab.models.disbursement import Condition, LedgerEntry, PaymentDecision, Tranche
from lab.models.document import Comment, Document, Thread, Version
from lab.models.event import Event
from lab.models.form_key import FormKey
from lab.models.heartbeat import Heartbeat
from lab.models.lab import Attendance, BootCamp, MentorNote
from lab.models.obligation import Obligation, Reminder
from lab.models.organisation import BankAccount, Organisation
from lab.models.outbox import Mail
from lab.models.person import Invitation, Person, ProgrammeRole
from lab.models.pilot import Indicator, IndicatorValue
from lab.models.security_event import SecurityEvent
from lab.models.sign_in import Challenge, Passkey, RecoveryCode, ResetRequest, SignIn, Throttle, Totp
from lab.models.signature import Signatory, SignedPdf
from lab.models.upload import Upload
from lab.models.workplan import BudgetLine, Milestone, Spending

__all__ = [
    "AppliedAmendment",
    "Attendance",
    "Award",
    "BankAccount",
    "Base",
    "BootCamp",
    "BudgetLine",
    "Call",
    "Challenge",
    "Check",
    "CheckFile",
    "ClauseComment",
    "ClauseRevision",
    "Comment",
    "CommitteeMember",
    "Condition",
    "Decision",
    "Document",
    "Event",
    "Extension",
    "FormKey",
    "Heartbeat",
    "Indicator",
    "IndicatorValue",
    "Invitation",
    "LedgerEntry",
    "Lesson",
    "Mail",
    "MentorNote",
    "Milestone",
    "Obligation",
    "Organisation",
    "Passkey",
    "PaymentDecision",
    "Person",
    "ProgrammeRole",
    "RecoveryCode",
    "Reminder",
    "ResetRequest",
    "SecurityEvent",
    "SignIn",
    "Signatory",
    "Signature",
    "SignedPdf",
    "Spending",
    "Suspension",
    "TeamMember",
    "Thread",
    "Throttle",
    "Totp",
    "Tranche",
    "Upload",
    "Version",
]
