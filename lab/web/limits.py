"""How much a request may hold, and in what letters. More, or others, is refused before anything is made of it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from tempfile import SpooledTemporaryFile
from typing import IO, Any
from urllib.parse import parse_qsl

from flask import Flask, Request, request
from gunicorn.http.errors import NoMoreData, ParseException
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, RequestURITooLarge, UnsupportedMediaType
from werkzeug.formparser import FormDataParser

# The longest form is a workplan: three lists of two hundred rows each, with texts of 4,000 letters.
FORM_BYTES = 2 * 1024 * 1024
FORM_FIELDS = 6000
# Path and query together; gunicorn takes as much in a request's first line.
ADDRESS_BYTES = 4000
_FIELD_NAME = 300
_UNTYPED = re.compile("[\0\ud800-\udfff]")
# None at all comes with a form that has no body.
_KINDS = frozenset({"", "application/x-www-form-urlencoded", "multipart/form-data"})
_IN_MEMORY = 500_000


class _Meter:
    """What a form of parts holds beside its files: what was read, less what went into files."""

    def __init__(self) -> None:
        self.read_bytes = self.file_bytes = 0

    def spool(self, *_args: object, **_options: object) -> IO[bytes]:
        """A place for one file: in memory while it is small, then on the disk."""
        meter = self

        class Spool(SpooledTemporaryFile[bytes]):
            def write(self, data: Any) -> int:
                meter.file_bytes += len(data)
                return super().write(data)

        return Spool(max_size=_IN_MEMORY, mode="rb+")

    def watched(self, stream: IO[bytes]) -> _Watched:
        """``stream``, which ends in a refusal once the texts in it are too long together."""
        return _Watched(stream, self)


class _Watched:
    def __init__(self, stream: IO[bytes], meter: _Meter) -> None:
        self.stream, self.meter = stream, meter

    def read(self, size: int = -1) -> bytes:
        if self.meter.read_bytes - self.meter.file_bytes > FORM_BYTES:
            raise RequestEntityTooLarge
        data = self.stream.read(size)
        self.meter.read_bytes += len(data)
        return data


class StrictParser(FormDataParser):
    """Forms as browsers send them. Texts have one limit whatever the route takes in files, and bad ones are refused."""

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> Any:
        """The stream, the fields and the files. Raises BadRequest and RequestEntityTooLarge."""
        try:
            if mimetype == "multipart/form-data":
                meter = _Meter()
                self.stream_factory = meter.spool
                return self._parse_multipart(meter.watched(stream), mimetype, content_length, options or {})  # type: ignore[arg-type]
            if mimetype == "application/x-www-form-urlencoded":
                return stream, self.cls(_pairs(stream, content_length)), MultiDict()
        except (ValueError, LookupError, ParseException, NoMoreData) as error:
            # The last two are what the server raises for a body in pieces that are not pieces.
            raise BadRequest from error
        return stream, self.cls(), MultiDict()


def _pairs(stream: IO[bytes], content_length: int | None) -> list[tuple[str, str]]:
    if content_length is not None and content_length > FORM_BYTES:
        raise RequestEntityTooLarge
    body = stream.read(FORM_BYTES + 1)
    if len(body) > FORM_BYTES or body.count(b"&") >= FORM_FIELDS:
        raise RequestEntityTooLarge
    return parse_qsl(body.decode(), keep_blank_values=True, errors="strict")


class LabRequest(Request):
    """A request whose forms are read strictly."""

    form_data_parser_class = StrictParser


def plain(texts: Iterable[str]) -> None:
    """Raise BadRequest for what nobody types and no database keeps: U+0000, and halves of letters."""
    if any(_UNTYPED.search(text) for text in texts):
        raise BadRequest


def form_is_plain() -> None:
    """Read the form now, and refuse it for its kind, its fields' names, its texts or the names of its files."""
    if request.mimetype not in _KINDS:
        # Above all no JSON: the forms' library would read it, and too deep a one ends in a RecursionError.
        raise UnsupportedMediaType
    for name, value in request.form.items(multi=True):
        # A part without a name has none at all.
        if not name or len(name) > _FIELD_NAME:
            raise BadRequest
        plain((name, value))
    for name, file in request.files.items(multi=True):
        if not name:
            raise BadRequest
        plain((name, file.filename or ""))


def check_address() -> None:
    """Before the door reads the address: whether it is of a length and in letters that a page of ours can have."""
    if len(request.query_string) + len(request.path) > ADDRESS_BYTES:
        raise RequestURITooLarge
    try:
        pairs = parse_qsl(request.query_string.decode(), keep_blank_values=True, errors="strict")
    except ValueError as error:
        # The error's page must not read it either.
        request.query_string = b""
        raise BadRequest from error
    plain((request.path, *(text for pair in pairs for text in pair)))


def register(app: Flask) -> None:
    """Before the door."""
    app.request_class = LabRequest
    app.before_request(check_address)
