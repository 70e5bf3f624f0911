"""Requests that say they are for another host, come from another site, carry no token, or write where only reading is meant."""

from __future__ import annotations

from uuid import uuid4

import pytest
from sqlalchemy import func, select
from werkzeug.routing import Rule

from lab.models import Person, ResetRequest
from tests.faults.client import Client
from tests.faults.people import ADMIN, LEAD, OFFICER, codes, crawl
from tests.faults.servers import PASSWORD, Server
from tests.faults.table import Figure

EVIL = "evil.example"
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})


def _paths(server: Server, unsafe: bool) -> list[str]:
    """A path of every rule that takes unsafe requests (or that takes none), with real names where there are some."""
    known = {
        "award_code": codes(server)[LEAD], "call_code": "e-formalisation-2021", "kind": "progress_report", "key": "refine",
        "transition": "suspend", "chart": "time", "filename": "nothing.css", "token": "nothing",
    }  # fmt: skip
    found = set()
    for rule in server.app.url_map.iter_rules():
        if bool(UNSAFE & (rule.methods or set())) == unsafe:
            found.add(_built(rule, {name: known.get(name, 1) for name in rule.arguments}))
    return sorted(found)


def _built(rule: Rule, values: dict[str, object]) -> str:
    built = rule.build(values, append_unknown=False)
    assert built is not None, rule
    return built[1]


def test_another_host_is_told_nothing(one_server: Server, figure: Figure) -> None:
    """Nothing is answered or kept for a host that is not this one: no link in a mail can lead elsewhere."""
    [email] = one_server.newcomers(1, "Addressee")
    hosts = [
        EVIL, f"{EVIL}:{one_server.port}", f"127.0.0.1.{EVIL}", f"{EVIL}#127.0.0.1", f"127.0.0.1:{one_server.port}.{EVIL}", "", "localhost.evil",
        f"127.0.0.1@{EVIL}", "*", "127.0.0.2", f"{EVIL}\t", "[::1]", "127.0.0.1:99999", "http://127.0.0.1",
    ]  # fmt: skip
    tried, wrong = 0, []
    for host in hosts:
        client = one_server.client()
        token = client.token()
        for method, path in (
            ("GET", "/login"),
            ("GET", "/"),
            ("GET", "/nothing"),
            ("POST", "/reset"),
            ("POST", "/login"),
        ):
            fields = {"csrf_token": token, "email": email, "password": PASSWORD}
            answer = client.get(path, {"Host": host}) if method == "GET" else client.post(path, fields, {"Host": host})
            tried += 1
            if answer.status != 400 or EVIL in answer.text or EVIL in answer.location:
                wrong.append(f"{host!r} {method} {path}: {answer.status}")
    with one_server.rows() as session:
        kept = session.scalar(select(func.count()).select_from(ResetRequest).where(ResetRequest.email == email))
    assert not kept, "a request for another host was carried out"
    figure("hosts: answered for another host", tried=tried, wrong=wrong)


def test_what_a_visitor_says_of_hosts_and_addresses_is_not_believed(one_server: Server, figure: Figure) -> None:
    """Headers that only a proxy may set: no redirect or link follows them, and tries are counted by the real address."""
    one_server.long_after()
    [email] = one_server.newcomers(1, "Addressee")
    forged = {
        "X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https", "X-Forwarded-Server": EVIL, "X-Host": EVIL, "Forwarded": f"host={EVIL}",
        "X-Forwarded-Prefix": f"//{EVIL}", "X-Original-URL": "/people", "X-Rewrite-URL": "/people", "X-Script-Name": f"/{EVIL}",
        "X-HTTP-Method-Override": "POST",
    }  # fmt: skip
    client, wrong, tried = one_server.client(), [], 0
    for path in ("/", "/login", "/reset", "/awards", "/awards/", "/nothing"):
        for name, value in forged.items():
            answer = client.get(path, {name: value})
            tried += 1
            if EVIL in answer.location or EVIL in answer.text or answer.status >= 500:
                wrong.append(f"{path} {name}: {answer.status} {answer.location}")
    statuses = [
        client.submit(
            "/login", {"email": email, "password": "certainly wrong", "next": ""},
            {"X-Forwarded-For": f"203.0.113.{n}", "X-Real-IP": f"203.0.113.{n}", "Forwarded": f"for=203.0.113.{n}"},
        ).status
        for n in range(14)
    ]  # fmt: skip
    wrong += [
        f"try {n} under a forged address: {status}" for n, status in enumerate(statuses) if n >= 11 and status != 429
    ]
    figure("hosts: forged headers believed", tried=tried + len(statuses), wrong=wrong)


def _forms() -> dict[str, object]:
    return {
        "form_key": uuid4().hex, "name": "A stranger", "language": "es", "time_zone": "UTC", "email": "stranger@example.org", "role": "admin",
        "body": "Written elsewhere", "title": "Written elsewhere", "reason": "Written elsewhere", "note": "x", "next": "/", "password": PASSWORD,
    }  # fmt: skip


@pytest.mark.parametrize("who", [OFFICER, LEAD, ADMIN])
def test_a_form_without_its_own_token_changes_nothing(one_server: Server, figure: Figure, who: str) -> None:
    """One of another browser or none for every form there is; and, by the officer, an empty one, a made-up one, one in the
    address."""
    browser, thief = one_server.enter(who), one_server.client()
    tokens: list[dict[str, object]] = [{}, {"csrf_token": thief.token()}]
    kinds: tuple[str, ...] = ()
    if who == OFFICER:
        tokens += [
            {"csrf_token": token} for token in ("", "IjEi.aaaaaa.bbbbbbbbbbbbbbbbbbbbbbbbbbb", [thief.token(), "x"])
        ]
        kinds = ("text/plain", "application/json")
    paths = [path for path in _paths(one_server, True) if path not in ("/healthz",)]
    before, wrong, tried = one_server.contents(), [], 0
    for path in paths:
        for token in tokens:
            status = browser.post(path, _forms() | token).status
            tried += 1
            if status not in (400, 403, 404, 405, 410):
                wrong.append(f"{path} {token}: {status}")
        # A page of another site may name the token's field in the address, and send a body of any kind.
        for kind in kinds:
            answer = browser.request(
                "POST", f"{path}?csrf_token={thief.token()}", b'{"language": "es"}', {"Content-Type": kind}
            )
            tried += 1
            if answer.status not in (400, 403, 404, 405, 410, 415):
                wrong.append(f"{path} {kind}: {answer.status}")
    after = one_server.contents()
    wrong += [f"{name} was written to" for name in before if before[name] != after[name]]
    figure(
        f"tokens: forms taken without, {who.partition('@')[0]}",
        tried=tried,
        wrong=wrong,
    )


def test_another_site_writes_nothing(one_server: Server, figure: Figure) -> None:
    """Its pages have browsers send the cookie along and a token of a browser of its own; also with a good token it is refused."""
    browser, thief = one_server.enter(LEAD), one_server.client()
    own = browser.token()
    origins: list[dict[str, str]] = [
        {"Origin": f"https://{EVIL}"}, {"Origin": "null"}, {"Origin": f"http://127.0.0.1.{EVIL}"},
        {"Origin": f"https://127.0.0.1:{one_server.port}"}, {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Origin": f"https://{EVIL}"},
    ]  # fmt: skip
    before, wrong, tried = one_server.contents(), [], 0
    for path in (
        "/language",
        "/account",
        "/account/password",
        "/account/devices/end",
        f"/awards/{codes(one_server)[LEAD]}/withdraw",
    ):
        for headers in origins:
            for token in (own, thief.token()):
                answer = browser.post(path, _forms() | {"csrf_token": token}, headers)
                tried += 1
                if answer.status not in (400, 403):
                    wrong.append(f"{path} {headers} {'own' if token == own else 'other'} token: {answer.status}")
    after = one_server.contents()
    wrong += [f"{name} was written to" for name in before if before[name] != after[name]]
    with one_server.rows() as session:
        assert session.scalar(select(Person.language).where(Person.email == LEAD)) == "en"
    figure("origins: forms taken from another site", tried=tried, wrong=wrong)


def test_its_own_pages_write(one_server: Server) -> None:
    """The refusals above are not of everybody: a browser on this site, with its Origin, does get through."""
    [email] = one_server.newcomers(1, "Writer")
    browser = one_server.enter(email)
    headers = {"Origin": one_server.base, "Sec-Fetch-Site": "same-origin", "Referer": f"{one_server.base}/account"}
    assert browser.submit("/language", {"language": "es", "next": "/"}, headers).status == 303
    with one_server.rows() as session:
        assert session.scalar(select(Person.language).where(Person.email == email)) == "es"


def _asks(browser: Client, path: str) -> list[int]:
    return [
        browser.get(path).status,
        browser.request("HEAD", path).status,
        browser.get(f"{path}?_method=POST&language=es&name=x&csrf_token={browser.token()}").status,
        browser.get(path, {"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST"}).status,
        browser.request("OPTIONS", path).status,
    ]


def test_reading_writes_nothing(one_server: Server, figure: Figure) -> None:
    """Every page, and the address of every form asked for as a page, by people who may do the most."""
    browsers = [one_server.enter(who) for who in (LEAD, OFFICER, ADMIN)]
    for browser in browsers:
        browser.token()
    before, wrong, tried = one_server.contents(), [], 0
    for browser in browsers:
        tried += len(crawl(browser, 60))
    for browser in browsers[:1]:
        for path in _paths(one_server, True):
            statuses = _asks(browser, path)
            tried += len(statuses)
            wrong += [f"{path}: {status}" for status in statuses if status >= 500]
        for path in _paths(one_server, False):
            # A page does not take what is not meant for it.
            for method in UNSAFE:
                answer = browser.request(method, path, b"", {"Content-Type": "application/x-www-form-urlencoded"})
                tried += 1
                if answer.status not in (400, 403, 404, 405):
                    wrong.append(f"{method} {path}: {answer.status}")
    after = one_server.contents()
    wrong += [f"{name} was written to" for name in before if before[name] != after[name]]
    figure("reading: rows written by it", tried=tried, wrong=wrong)
