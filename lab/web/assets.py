"""Static files under addresses that change with their content, so that browsers may keep them for long."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask, request
from werkzeug.wrappers import Response

WEEK = timedelta(days=7)


@cache
def _version(folder: str, filename: str) -> str:
    try:
        return hashlib.sha256((Path(folder) / filename).read_bytes()).hexdigest()[:10]
    except OSError:
        return ""


def close_file(response: Response) -> Response:
    """Close the file behind a streamed answer when the answer ends: compression puts its own stream in its place."""
    close = getattr(response.response, "close", None)
    if close is not None:
        response.call_on_close(close)
    return response


def register(app: Flask) -> None:
    """Add the version to every ``url_for('static', …)``."""

    def stamp(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and app.static_folder and values.get("filename"):
            values["v"] = _version(app.static_folder, str(values["filename"]))

    def max_age(_filename: str | None) -> int | None:
        """What a script imports has no version in its address: a browser asks each time whether it is still the same."""
        return int(WEEK.total_seconds()) if "v" in request.args else None

    app.url_defaults(stamp)
    app.get_send_file_max_age = max_age  # type: ignore[method-assign, assignment]
