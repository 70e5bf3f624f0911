"""Requests that nobody's browser sends: seeded, signed in, with the tokens of their pages, and wrong in every other way.

What is sent is a mutation of what the application has: addresses of its URL map with numbers that exist, forms as pages
show them with some fields replaced, left out, doubled or made up, bodies and headers that are not what they say.
"""

from __future__ import annotations

import http.client
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

from bs4 import BeautifulSoup, Tag
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, RequestRedirect, Rule
from werkzeug.test import encode_multipart

from tests.faults.client import Answer, Client

NASTY: tuple[str, ...] = (
    "", " ", "0", "-1", "1", "2", "999999", "2147483647", "2147483648", "9" * 30, "9" * 5000, "-" + "9" * 5000, "1e999999", "1e-999999",
    "-0", "+1", "1_000", "0x10", "1.5", ".5", "5.", "1,000.00", "1.000,00", "1 250,50", "0.00001", "99999999999999.99", "1" + "0" * 400,
    "NaN", "sNaN", "Infinity", "-inf", "\u0663\u0664", "\u00b2", "\uff11", "1\u00a0000", "true", "null", "None", "[]", "{}", "undefined",
    "0000-01-01", "0001-01-01", "9999-12-31", "99999-01-01", "2026-02-30", "2026-13-01", "2026-00-00", "-0001-01-01", "2026-3-1",
    "2026-03-01T12:00", "2026-W10-1", "20260301", "\u0662\u0660\u0662\u0666-03-01", "24:00", "12:60",
    "x" * 300, "x" * 5000, "x" * 70_000, "\n" * 3000, "\u00e9" * 4001, "\U0001f600" * 2001, "e\u0301" * 500, "\u202e\u2066abc", "\ufeff", "\ufffe",
    "\u0000", "a\u0000b", "\r\n", "\r\nSet-Cookie: a=b", "\x01\x02\x1f\x7f", "\u2028", "<script>alert(1)</script>", "'\"><img src=x onerror=x>",
    "' or 1=1 --", "%", "%%", "%(name)s", "%s", "%d", "{0}", "{{7*7}}", "{x.__class__}", "${x}", "\\", "\\0", "../../../etc/passwd",
    "/etc/passwd", "//evil.example", "javascript:alert(1)", "http://[::1", "http://a:99999/", "https://" + "a" * 3000 + ".example", "file:///x",
    "a@b", "a@b.example", "@", "a" * 250 + "@b.example", "\u00e9@\u00e9.example", "a@[1.2.3.4]", "\"a b\"@c.example", "a@b.example\nBcc: c@d.example",
    "Europe/Zurich", "Europe/../Zurich", "/UTC", "..", "en", "xx", "en_US", "zz-ZZ", "pilot", "suspend", "__proto__", "constructor",
    "submit", "save", "upload", "remove:1", "remove:" + "9" * 5000, "remove:\u00b2", "add:activities", "remove:activities-0", "remove:activities-" + "9" * 500,
    "=1+1", "@SUM(A1)", "# x\n" * 200, "[" * 2000, "(" * 2000, "*" * 3000, "`" * 2000, "> " * 1500, "[a](" * 1000, "![" * 1500, "- " * 1500,
    "|" + "-|" * 1000, "&#x110000;", "&#0;", "&" * 2000, "USD", "ZZZ", "US", "\u00df\u1e9e\ufb03", "I\u0307\u0131", "DE89370400440532013000", "XX00" * 9,
)  # fmt: skip
BYTES: tuple[bytes, ...] = (
    b"%FF",
    b"\xff\xfe",
    b"%ED%A0%80",
    b"%C0%AF",
    b"%",
    b"%zz",
    b"%00",
    b"\x00",
    b"%F4%90%80%80",
    b"%E2%82",
)
NAMES: tuple[str, ...] = (
    "x", "", "csrf_token", "form_key", "_method", "activities-99999-title", "activities--1-title", "activities-x-title", "lines-0-amount",
    "budget-" + "9" * 300 + "-quantity", "milestones-0-", "next", "do", "revision", "version", "confirm_password", "a[b][c]", "a[]", "a.b",
    "__class__", "page", "q", "language", "file", "n" * 2000, "\u00e9", "\u0000", "comment_summary", "values-0-value", "shown",
)  # fmt: skip
HEADERS: tuple[tuple[str, str], ...] = (
    ("Accept-Language", "x" * 3000), ("Accept-Language", "*;q=x,,,;en"), ("Accept-Language", "en;q=9999999999999999999999e999"),
    ("Accept-Encoding", "gzip;q=x, br;q=-1, \u00ff"), ("Accept", "\u00ff/\u00fe;;;q=x"), ("If-None-Match", '"x, W/'), ("If-Modified-Since", "yesterday"),
    ("If-Modified-Since", "Mon, 99 Foo 99999 99:99:99 GMT"), ("Range", "bytes=9-1,-,x"), ("Range", "bytes=" + "9" * 500 + "-"), ("If-Range", "\u00ff"),
    ("Referer", "http://[::1"), ("Referer", "\u00ff" * 500), ("Referer", "javascript:x"), ("Origin", "http://[::1"), ("Origin", "\u00ff"),
    ("Sec-Fetch-Site", "cross-site"), ("User-Agent", "\u00ff" * 2000), ("User-Agent", ""), ("X-Forwarded-For", "x, \u00ff, 1.2.3.4.5"),
    ("X-Forwarded-Proto", "gopher"), ("X-Requested-With", "fetch"), ("Cookie", "session=x; session=y; language=\u00ff"), ("Cookie", ";;;=;"),
    ("Cookie", "session=" + "A" * 7000), ("Cookie", "session=.eJw.x.y; device=" + "e" * 500), ("Authorization", "Basic \u00ff"),
    ("Authorization", "Basic eA=="), ("Authorization", "Digest x"), ("Authentication-Token", "x"), ("Content-Encoding", "gzip"), ("Expect", "x"),
    ("Content-MD5", "x"), ("Host", "evil.example"), ("Host", "127.0.0.1:x"), ("Host", "\u00ff"), ("X-HTTP-Method-Override", "DELETE"),
    ("Date", "x"), ("Max-Forwards", "-1"), ("Cache-Control", "\u00ff=\"x"), ("Pragma", "x"), ("TE", "x"), ("Upgrade", "h2c"), ("X" * 200, "x"), ("X", "y" * 9000),
)  # fmt: skip
KINDS: tuple[str, ...] = (
    "text/plain", "application/json", "application/xml", "multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=x",
    "multipart/mixed; boundary=x", "application/x-www-form-urlencoded; charset=utf-16", "x", "", ";", "text/html; charset=\u00ff",
    "application/csp-report", "multipart/form-data; boundary*=utf-9''a",
)  # fmt: skip
METHODS = ("GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "POST", "get", "PROPFIND", "XYZZY")
# Often enough to be tried, not so often that nobody stays in: they end sign-ins or accounts.
RARELY = re.compile(r"logout|/devices/|disable|/end$|withdraw|terminate|/roles")


@dataclass(frozen=True)
class Form:
    """A form of a page: where it is sent, and what it holds."""

    action: str
    fields: tuple[tuple[str, str], ...]


@dataclass
class Known:
    """What somebody has seen of the site: its addresses, its forms, and which values its addresses are made of."""

    paths: list[str] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    values: dict[str, set[Any]] = field(default_factory=dict)
    # The same of everybody.
    of_all: dict[str, set[Any]] = field(default_factory=dict)

    def learn(self, pages: dict[str, Answer], routes: Map) -> None:
        """Read the forms out of pages, and the parts out of their addresses."""
        adapter = routes.bind("127.0.0.1")
        for path, answer in pages.items():
            self.paths.append(path)
            if answer.kind == "text/html":
                tree = BeautifulSoup(answer.text, "html.parser")
                self.forms += [_form(tag, path) for tag in tree.select("form[method=post]")]
        for address in [*self.paths, *(form.action for form in self.forms)]:
            for method in ("GET", "POST"):
                try:
                    _endpoint, values = adapter.match(urlsplit(address).path, method)
                except (HTTPException, RequestRedirect):
                    continue
                for name, value in values.items():
                    self.values.setdefault(name, set()).add(value)


def _form(tag: Tag, page: str) -> Form:
    found = []
    for control in tag.find_all(["input", "select", "textarea", "button"]):
        name, kind = str(control.get("name") or ""), control.get("type")
        if not name or kind == "file" or name in ("csrf_token", "form_key"):
            continue
        if control.name == "select":
            options = control.find_all("option")
            chosen = next(
                (option for option in options if option.has_attr("selected")), options[0] if options else None
            )
            found.append((name, str(chosen.get("value", "")) if chosen else ""))
        else:
            found.append((name, control.text if control.name == "textarea" else str(control.get("value", ""))))
    return Form(str(tag.get("action") or page).partition("#")[0], tuple(found))


@dataclass
class Sent:
    """One request, as it goes out."""

    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]
    endpoint: str = ""

    def __str__(self) -> str:
        return f"{self.method} {self.path[:300]} {self.headers} {(self.body or b'')[:600]!r}"


class Fuzz:
    """Makes requests, half of the forms to where none has got through yet: ``reached`` is what all who send share."""

    def __init__(self, seed: int, known: Known, routes: Map, reached: set[str]) -> None:
        self.random = Random(seed)
        self.known = known
        self.reached = reached
        declared = [rule for rule in routes.iter_rules() if "static" not in rule.endpoint]
        self.rules = sorted(declared, key=lambda rule: (rule.rule, sorted(rule.methods or ())))
        self.unsafe = [rule for rule in self.rules if "POST" in (rule.methods or ())]
        self.adapter = routes.bind("127.0.0.1")
        # By where they are sent: a list of a hundred alike would leave little for one that stands on a single page.
        self.forms: dict[str, list[Form]] = {}
        for form in sorted(set(known.forms), key=repr):
            self.forms.setdefault(self._endpoint(form.action), []).append(form)
        self.sent_to = sorted(self.forms)

    def one(self, client: Client) -> Sent:
        """The next request, of somebody who is signed in with ``client``."""
        draw = self.random.random()
        if draw < 0.62:
            sent = self._form(client)
        elif draw < 0.92:
            sent = self._read()
        else:
            sent = self._odd(client)
        if self.random.random() < 0.12:
            name, value = self.random.choice(HEADERS)
            sent.headers[name] = value
        return sent

    def _nasty(self) -> str:
        return self.random.choice(NASTY)

    def _address(self, rule: Rule, strange: float) -> str:
        values = {}
        for name in rule.arguments:
            mine = self.random.random() < 0.75 and self.known.values.get(name)
            seen = sorted(mine or self.known.of_all.get(name, ()), key=repr)
            values[name] = self.random.choice(seen) if seen and self.random.random() > strange else self._nasty()[:500]
        path = rule.rule
        for name, value in values.items():
            path = re.sub(rf"<(?:[^<>:]+:)?{name}>", quote(str(value), safe=""), path)
        return path

    def _query(self) -> str:
        pairs = [
            (self.random.choice((*NAMES, "page", "stage", "q", "next", "v", "check", "kind", "from", "sort")), self._nasty()[:3000])
            for _n in range(self.random.choice((0, 0, 1, 1, 2, 5)))
        ]  # fmt: skip
        text = urlencode(pairs)
        if self.random.random() < 0.08:
            text += "&q=" + self.random.choice(BYTES).decode("latin-1").replace("\x00", "%00")
        if self.random.random() < 0.01:
            text += "&a" * self.random.choice((100, 900, 3000))
        return f"?{text}" if text else ""

    def _read(self) -> Sent:
        if self.random.random() < 0.5:
            path = self._address(self.random.choice(self.rules), 0.3) + self._query()
        else:
            path = urlsplit(self.random.choice(self.known.paths)).path + self._query()
        if self.random.random() < 0.05:
            path += self.random.choice(("/", "//", "/..", "%2f", ";x", "%00", "/%FF", "\u00ff", "/" + "a" * 3000, "%"))
        method = "GET" if self.random.random() < 0.9 else self.random.choice(METHODS)
        return Sent(method, path, None, {})

    def _form(self, client: Client) -> Sent:
        fields: list[tuple[str, str]]
        while True:
            if self.random.random() < 0.6 and self.forms:
                form = self.random.choice(self.forms[self._sent_to()])
                path, fields = form.action, list(form.fields)
            else:
                rule = self.random.choice(self.unsafe)
                path = self._address(rule, 0.1)
                alike = self.forms.get(rule.endpoint)
                fields = list(self.random.choice(alike).fields) if alike else []
            if not RARELY.search(path) or self.random.random() < 0.15:
                break
        fields = self._mutated(fields)
        fields += [("csrf_token", client.token()), ("form_key", uuid4().hex)]
        if self.random.random() < 0.03:
            fields = [(name, self._nasty() if name in ("csrf_token", "form_key") else value) for name, value in fields]
        headers = {"X-Requested-With": "fetch"} if self.random.random() < 0.15 else {}
        body, kind = self._encoded(fields)
        sent = Sent("POST", path, body, {"Content-Type": kind, **headers}, self._endpoint(path))
        if self.random.random() < 0.1:
            sent.path += self._query()
        return sent

    def _sent_to(self) -> str:
        """Where a form is sent: chance alone would pass some by, more of them with every form that pages get."""
        missed = [endpoint for endpoint in self.sent_to if endpoint not in self.reached]
        return self.random.choice(missed if missed and self.random.random() < 0.5 else self.sent_to)

    def _endpoint(self, path: str) -> str:
        try:
            endpoint, _values = self.adapter.match(urlsplit(path).path, "POST")
        except (HTTPException, RequestRedirect):
            return ""
        return str(endpoint)

    def _mutated(self, fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
        made = []
        wild = self.random.choice((0.0, 0.1, 0.3, 0.9))
        for name, value in fields:
            draw = self.random.random()
            if draw < 0.06:
                continue
            made.append((name, self._nasty() if self.random.random() < wild else value))
            if draw > 0.95:
                made.append((name, self._nasty()))
        for _n in range(self.random.choice((0, 0, 0, 1, 3))):
            made.append((self.random.choice(NAMES), self._nasty()))
        if self.random.random() < 0.005:
            made += [(f"x{n}", "") for n in range(self.random.choice((500, 5000, 7000)))]
        if self.random.random() < 0.2:
            self.random.shuffle(made)
        return made

    def _encoded(self, fields: Sequence[tuple[str, str]]) -> tuple[bytes, str]:
        draw = self.random.random()
        if draw < 0.6:
            body = urlencode(fields).encode()
            if self.random.random() < 0.06:
                body += b"&" + self.random.choice((b"name=", b"reason=", b"")) + self.random.choice(BYTES)
            return body, "application/x-www-form-urlencoded"
        if draw < 0.95:
            boundary, body = encode_multipart(MultiDict(fields))
            if self.random.random() < 0.35:
                body = self._file(boundary) + body
            if self.random.random() < 0.04:
                cut = self.random.randrange(len(body))
                body = (
                    body[:cut]
                    + self.random.choice((b"", b"\x00\xff", b"\r\n\r\n", b"--"))
                    + body[cut + self.random.randrange(9) :]
                )
            return body, f'multipart/form-data; boundary="{boundary}"'
        return json.dumps(dict(fields)).encode(), self.random.choice(KINDS)

    def _file(self, boundary: str) -> bytes:
        name = self._nasty()[:300].encode().replace(b'"', b"%22").replace(b"\r", b"").replace(b"\n", b"")
        content = self.random.choice((b"", b"%PDF-1.7\n" + b"x" * 2000, b"PK\x03\x04" + b"\x00" * 60, b"\xff\xd8\xff\xe0" + b"\x00" * 40,
                                      b"\x89PNG\r\n\x1a\n" + b"\x00" * 40, b"\xff" * 3000, b"a;b\n=1;2\n"))  # fmt: skip
        which = self.random.choice((b"file", b"file", b"file", b"reason", b"csrf_token", b"x"))
        head = b'Content-Disposition: form-data; name="' + which + b'"; filename="' + name + b'"\r\n'
        kind = self.random.choice(
            (b"", b"Content-Type: application/pdf\r\n", b"Content-Type: \xff\r\n", b"Content-Length: x\r\n")
        )
        return b"--" + boundary.encode() + b"\r\n" + head + kind + b"\r\n" + content + b"\r\n"

    def _odd(self, client: Client) -> Sent:
        """A body that is no form, sent to where forms are sent."""
        path = self._address(self.random.choice(self.unsafe), 0.1)
        deep = self.random.choice((10, 1000, 100_000))
        body = self.random.choice((
            b"", b"\x00" * 100, b"\xff" * 1000, b"[" * deep, b'{"a":' * deep, b"null", b'{"csrf_token": null}', b"a=b&" * deep, b"&" * deep, b"=" * deep,
            b"--x\r\n" * min(deep, 1000), b"--x\r\nContent-Disposition: form-data\r\n\r\n\r\n--x--", b"--x--", b"%" * 999, b'{"a":' + b"9" * 5000 + b"}",
            b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", b"a=" + b"x" * 2_200_000,
        ))  # fmt: skip
        kind = self.random.choice((*KINDS, "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"))
        headers = {"Content-Type": kind, "X-CSRFToken": client.token()}
        if not kind:
            del headers["Content-Type"]
        if self.random.random() < 0.1:
            headers["Content-Length"] = self.random.choice(("x", "-1", "0", "1e3", "9" * 30, "0x10"))
        return Sent(self.random.choice(("POST", "POST", "PUT", "PATCH", "DELETE")), path, body, headers)


class Loose(http.client.HTTPConnection):
    """A connection that sends what it is told, whether or not a client should."""

    def _validate_path(self, url: str) -> None:
        return None

    def _validate_method(self, method: str) -> None:
        return None

    def _encode_request(self, request: str) -> bytes:
        return request.encode("latin-1", "replace")


def send(client: Client, sent: Sent) -> int:
    """The answer's status; 0 when the line was cut without one. Cookies are sent, and none that come back are kept."""
    connection = Loose("127.0.0.1", client.port, timeout=60, source_address=(client.address, 0))
    headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in client.jar.items()), **sent.headers}
    try:
        connection.putrequest(sent.method, sent.path, skip_host="Host" in headers, skip_accept_encoding=True)
        if sent.body is not None:
            headers.setdefault("Content-Length", str(len(sent.body)))
        for name, value in headers.items():
            connection.putheader(name, value.encode("latin-1", "replace"))
        try:
            connection.endheaders()
            if sent.body:
                connection.send(sent.body)
        except OSError:
            # Refused before it was all sent: the answer is there already.
            pass
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


@dataclass
class Tally:
    """What came of a run: how often each status, what went wrong, and which forms got past the door and the token."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)

    def add(self, sent: Sent, status: int, refused_by_door: bool) -> None:
        """Count one answer. Only the page about health may say that something is unwell."""
        self.statuses[status] += 1
        if status >= 500 and not (status == 503 and sent.path.startswith("/healthz")):
            self.wrong.append(f"{status}: {sent}")
        if sent.endpoint and not refused_by_door:
            self.reached.add(sent.endpoint)

    def merge(self, other: Tally) -> None:
        """Add what another part of the run counted."""
        self.statuses.update(other.statuses)
        self.wrong += other.wrong
        self.reached |= other.reached
