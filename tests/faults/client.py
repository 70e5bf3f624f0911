"""A browser without a screen: its own network address, its cookies, and forms with the tokens of its pages."""

from __future__ import annotations

import http.client
import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

_TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
_FORM = "application/x-www-form-urlencoded"
# Linux takes all of 127.0.0.0/8 for this machine: everybody has a network address of their own.
_ADDRESSES = (f"127.{a}.{b}.{c}" for a in range(1, 255) for b in range(256) for c in range(1, 255))


def new_address() -> str:
    """A network address that nobody has used in this run."""
    return next(_ADDRESSES)


def addresses(number: int) -> list[str]:
    """That many of them."""
    return list(itertools.islice(_ADDRESSES, number))


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def location(self) -> str:
        return self.headers.get("Location", "")

    @property
    def kind(self) -> str:
        return self.headers.get_content_type()

    @property
    def sends_to_sign_in(self) -> bool:
        return self.status in (302, 303) and self.location.startswith("/login")


class Client:
    """One browser at one address; every request is a connection of its own, so any worker may answer it."""

    def __init__(self, port: int, address: str = "", jar: Mapping[str, str] | None = None) -> None:
        self.port, self.address = port, address or new_address()
        self.jar = dict(jar or {})
        self._token = ""

    def copy(self) -> Client:
        """A thief's browser, somewhere else, with this one's cookies as they are now."""
        made = Client(self.port, new_address(), self.jar)
        made._token = self._token
        return made

    def sign_out_here(self) -> None:
        """Forget the session as a browser does that is closed; what marks the device is kept."""
        self.jar.pop("session", None)
        self._token = ""

    def request(
        self,
        method: str,
        path: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One request, as given; cookies are sent and kept."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60, source_address=(self.address, 0))
        sent = {"User-Agent": "Attack/1.0", **(headers or {})}
        if self.jar:
            sent.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.jar.items()))
        try:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            found = Answer(answer.status, answer.msg, answer.read())
        finally:
            connection.close()
        for cookie in found.headers.get_all("Set-Cookie") or []:
            self._keep(cookie)
        return found

    def _keep(self, cookie: str) -> None:
        pair, _, rest = cookie.partition(";")
        name, _, value = pair.partition("=")
        if "max-age=0" in rest.casefold() or not value:
            self.jar.pop(name, None)
        else:
            self.jar[name] = value

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        return self.request("GET", path, headers=headers)

    def post(self, path: str, fields: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
        """A form of exactly these fields."""
        return self.request(
            "POST", path, urlencode(fields, doseq=True).encode(), {"Content-Type": _FORM, **(headers or {})}
        )

    def token(self) -> str:
        """The CSRF token of this browser's session, read from a page as a person's browser does."""
        if not self._token:
            page = self.get("/account" if "session" in self.jar else "/login")
            found = _TOKEN.search((self.get("/login") if page.status != 200 else page).text)
            assert found, "no page has a form"
            self._token = found[1]
        return self._token

    def submit(
        self, path: str, fields: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A form as its page sends it."""
        return self.post(path, {"csrf_token": self.token(), "form_key": uuid4().hex, **(fields or {})}, headers)

    def upload(self, path: str, fields: Mapping[str, str], name: str, data: bytes) -> Answer:
        """A form with one file, sent under exactly that name."""
        mark = f"name-of-the-file-{uuid4().hex}"
        parts = {"csrf_token": self.token(), "form_key": uuid4().hex, **fields}
        values = MultiDict([*parts.items(), ("file", FileStorage(_stream(data), mark))])
        boundary, body = encode_multipart(values)
        # In its place afterwards: what encodes forms would mend the name first.
        escaped = name.encode("utf-8", "surrogatepass").replace(b"\\", b"\\\\").replace(b'"', b'\\"')
        body = body.replace(mark.encode(), escaped)
        return self.request("POST", path, body, {"Content-Type": f'multipart/form-data; boundary="{boundary}"'})

    def sign_in(self, email: str, password: str, **more: str) -> Answer:
        """Through the sign-in page."""
        answer = self.submit("/login", {"email": email, "password": password, "next": "", **more})
        if answer.status == 303:
            self._token = ""
        return answer


def _stream(data: bytes) -> Any:
    from io import BytesIO

    return BytesIO(data)
