"""Where a form may lead to: a page of this site, whatever the address says that came with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import current_app, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

# Longer ones are none that our pages write, and would not fit into a request's first line.
LONGEST = 2000
# Segments of plain letters, then a query and an anchor. Browsers read a backslash as a slash, skip control characters
# and undo what is percent-encoded; none of our paths needs any of that.
_LOCAL = re.compile(r"(?P<path>(?:/(?!\.{1,2}(?:[/?#]|$))[\w.~:@+=-]+)+|/)(?:\?[!-~]*)?(?:#[!-~]*)?", re.ASCII)


def page_path(wanted: str) -> str | None:
    """``wanted`` if it is a page of this site that a GET reads, with its query; None for everything else."""
    if len(wanted) > LONGEST or "\\" in wanted:
        return None
    root = request.script_root
    inside = wanted.removeprefix(root) if root and wanted.startswith(f"{root}/") else wanted
    found = _LOCAL.fullmatch(inside)
    if found is None:
        return None
    try:
        endpoint, _values = current_app.url_map.bind_to_environ(request.environ).match(found["path"], "GET")
    except (HTTPException, RequestRedirect):
        # Also the address of a form that was refused: it answers to POST only.
        return None
    return None if endpoint.endswith("static") else root + inside


def page_above(path: str) -> tuple[str, str, Mapping[str, Any]] | None:
    """The nearest page above ``path``, inside this application: its own path, its endpoint and the values in it.

    What a form is sent to lies below the page that the form stands on, and answers to nothing else. The start page is
    above everything, and no form's.
    """
    router = current_app.url_map.bind_to_environ(request.environ)
    while path := path.rstrip("/").rpartition("/")[0]:
        try:
            endpoint, values = router.match(path, "GET")
        except (HTTPException, RequestRedirect):
            continue
        return request.script_root + path, endpoint, values
    return None


def local_path(wanted: str, otherwise: str = "") -> str:
    """``wanted`` if it is a page of this site; else ``otherwise``, a page of this site itself, or the start page."""
    return page_path(wanted) or otherwise or url_for("home.index")


def page_of_form() -> str | None:
    """The path of the page that this form was sent from, to come back to; None when it is none of ours."""
    try:
        came_from = urlsplit(request.referrer or "")
    except ValueError:
        return None
    if came_from.netloc != request.host or came_from.scheme not in ("http", "https"):
        return None
    return page_path(came_from.path)
