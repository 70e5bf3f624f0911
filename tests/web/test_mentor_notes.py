"""Notes of mentors on the page of the lab: who sees them, and who does not even see that there are any."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.rules.facts import Stage
from tests.factories import World
from tests.web.pages import PageClient

SECRET = "The lead carries it alone"


@pytest.mark.parametrize("stage", [Stage.WORKPLAN, Stage.PROTOTYPING])
def test_who_reads_them(world_at: Callable[..., World], client_for: Callable[..., PageClient], stage: Stage) -> None:
    world = world_at(stage)
    path = f"/awards/{world.code}/lab"
    mentor = client_for(world.mentor)
    refused = mentor.submit(f"{path}/notes", {"note": "x" * 4001})
    assert refused.status_code == 422 and "x" * 4001 in refused.text, "what was typed is kept"
    done = mentor.submit(f"{path}/notes", {"note": f"{SECRET}.\n\n**Watch** <b>that</b>."})
    assert (done.status_code, done.location) == (303, f"{path}#notes")
    for who in (world.mentor, world.officer):
        page = client_for(who).page(path)
        assert SECRET in page.text and "the committee and finance do not see" in page.text
        assert page.find("strong", string="Watch") and not page.find("main").find("b")
    for who in (world.lead, world.member, world.committee, world.finance):
        client = client_for(who)
        for place in (path, f"/awards/{world.code}", f"/awards/{world.code}/timeline"):
            text = client.page(place).text
            assert SECRET not in text and "Notes of mentors" not in text
        assert client.submit(f"{path}/notes", {"note": "Mine"}).status_code == 403
