"""Everything that can be refused, as types; ``lab.web.errors`` turns each into a page or a message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lab.rules.text import N_, Message


class LabError(Exception):
    """A request that the programme's rules turn down. Nothing has been stored."""

    def __init__(self, *reasons: Message) -> None:
        self.reasons: tuple[Message, ...] = reasons
        super().__init__(" ".join(str(reason) for reason in reasons))


class Refused(LabError):
    """The rules forbid it now; the reasons say what is missing and whose turn it is."""


class TooMany(Refused):
    """Tried too often; ``seconds`` is how long to wait. Nothing was looked at, and the next try may be right."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        minutes = -(-seconds // 60)
        super().__init__(
            Message(N_("Too many tries. Wait a minute and try again."))
            if minutes <= 1
            else Message(N_("Too many tries. Wait %(minutes)s minutes and try again."), {"minutes": minutes})
        )


class Invalid(LabError):
    """Input that cannot be taken, per field: ``problems`` maps a field's name to what to do about it."""

    def __init__(self, problems: Mapping[str, Message | Sequence[Message]]) -> None:
        self.problems: dict[str, tuple[Message, ...]] = {
            name: (found,) if isinstance(found, Message) else tuple(found) for name, found in problems.items()
        }
        super().__init__(*(message for found in self.problems.values() for message in found))


class NotAllowed(LabError):
    """The actor's roles on this object do not include the action."""

    def __init__(self, action: str) -> None:
        self.action = action
        super().__init__(Message(N_("This is for somebody with another role on this award.")))


class NotFound(LabError):
    """No such object, or not one that the actor may know of: the two are answered alike."""

    def __init__(self, what: str) -> None:
        self.what = what
        super().__init__(Message(N_("There is nothing here, or it is not yours to see.")))


class Conflict(LabError):
    """Somebody else saved a newer text meanwhile; ``theirs`` is what stands now."""

    def __init__(self, theirs: Mapping[str, object], revision: int) -> None:
        self.theirs = dict(theirs)
        self.revision = revision
        super().__init__(
            Message(N_("Somebody saved a newer text while you were writing. Both are shown below; yours is not lost."))
        )
