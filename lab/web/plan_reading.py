"""A plan as the rules read it, for pages of which several parts ask: the clock's meter, the next step, the editor."""

from __future__ import annotations

from collections.abc import Mapping

from flask import g

from lab.rules.workplan import Frame, Reading, read_plan


def read_once(content: Mapping[str, object], frame: Frame) -> Reading:
    """:func:`lab.rules.workplan.read_plan`, worked out once a request for the same content and frame."""
    found: list[tuple[Mapping[str, object], Frame, Reading]] = g.setdefault("plan_readings", [])
    for known, against, reading in found:
        if known == content and against == frame:
            return reading
    reading = read_plan(content, frame)
    found.append((content, frame, reading))
    return reading
