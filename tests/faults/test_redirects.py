"""Wherever an address can be handed in, none leads off this site: as browsers read addresses, not as they are written."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from functools import cache
from urllib.parse import parse_qs, quote, urljoin, urlsplit

from tests.faults.client import Answer, Client
from tests.faults.people import BRAZIL, LEAD, codes
from tests.faults.servers import PASSWORD, Server
from tests.faults.table import Figure

EVIL = "evil.example"
NASTY = (
    f"//{EVIL}", f"///{EVIL}", f"////{EVIL}/x", f"/\\{EVIL}", f"\\\\{EVIL}", f"\\/{EVIL}", f"/\\/{EVIL}", f"/\t/{EVIL}", f"\t//{EVIL}",
    f" //{EVIL}", f"/\n/{EVIL}", f"/\r\n/{EVIL}", f"\x00//{EVIL}", f"/\x0b/{EVIL}", f"http://{EVIL}", f"https://{EVIL}/", f"HTTP:{EVIL}",
    f"http:/{EVIL}", f"http:{EVIL}", f"https:{EVIL}", f"http:\\\\{EVIL}", f"ftp://{EVIL}", f"javascript:location='//{EVIL}'", "javascript://%0aalert(1)",
    f"java\tscript:alert('{EVIL}')", "data:text/html,<script>alert(1)</script>", f"//{EVIL}/..;/awards", f"/awards//{EVIL}/../..//{EVIL}",
    f"/%09/{EVIL}", f"/%5c{EVIL}", f"/%2f{EVIL}", f"%2f%2f{EVIL}", f"/..//{EVIL}", f"/.//{EVIL}", f"/awards/..//{EVIL}", f"?next=//{EVIL}",
    f"@{EVIL}", f":@{EVIL}", f"/@{EVIL}", f"//127.0.0.1@{EVIL}", f"http://127.0.0.1:80@{EVIL}/", f"//{EVIL}\\@127.0.0.1", f"/\u2215{EVIL}",
    f"//{EVIL}%00.127.0.0.1", f"/login?next=//{EVIL}", f"/\u3002{EVIL}", "//\uff45vil.example", "//[::1", f"http://[{EVIL}]",
    f"/\r\nLocation: https://{EVIL}", f"/\r\nSet-Cookie: {EVIL}=1", f".{EVIL}", f"/awards\r\n\r\n<a href=https://{EVIL}>",
)  # fmt: skip
_HREF = re.compile(r'(?:href|action|src|content)="([^"]*)"')


def leaves(base: str, address: str) -> bool:
    """Whether a browser on ``base`` that follows ``address`` ends up elsewhere (WHATWG: controls go, backslashes are slashes)."""
    read = re.sub(r"[\t\r\n]", "", address.strip("".join(map(chr, range(0x21))))).replace("\\", "/")
    try:
        target = urlsplit(urljoin(f"{base}/somewhere/else", read))
    except ValueError:
        return False
    return (target.scheme, target.netloc) != ("http", urlsplit(base).netloc)


def _off_site(server: Server, answer: Answer) -> list[str]:
    """Where an answer leads off the site: by its header, by a page to come back to, by a link or by a header it made up."""
    wrong = [answer.location] if answer.location and leaves(server.base, answer.location) else []
    following = parse_qs(urlsplit(answer.location).query).get("next", [])
    wrong += [
        f"next={later}" for later in following if leaves(server.base, later) and not _is_refused_later(server, later)
    ]
    if EVIL in str(answer.headers.get_all("Set-Cookie")) or answer.headers.get("Refresh"):
        wrong.append("a header that was written by the address")
    if answer.kind == "text/html":
        wrong += [
            link for link in _HREF.findall(answer.text) if leaves(server.base, html.unescape(link)) and EVIL in link
        ]
    return wrong


def _is_refused_later(server: Server, later: str) -> bool:
    """A page to come back to that is handed on as it came is harmless if signing in does not follow it."""
    return not leaves(server.base, _inside(server).get(f"/login?next={quote(later)}").location)


@cache
def _inside(server: Server) -> Client:
    return server.enter(BRAZIL)


def _places(server: Server) -> dict[str, Callable[[str], Answer]]:
    """Everything that takes an address and may lead to it."""
    code = codes(server)[LEAD]
    inside, files = server.enter(LEAD), f"/awards/{code}/files"
    nobody = server.client()
    inside.token(), nobody.token()

    def entering(nasty: str, query: bool) -> Answer:
        client = server.client()
        form = {"email": BRAZIL, "password": PASSWORD, "next": "" if query else nasty}
        return client.submit("/login" + (f"?next={quote(nasty)}" if query else ""), form)

    return {
        "sign-in, form": lambda nasty: entering(nasty, False),
        "sign-in, query": lambda nasty: entering(nasty, True),
        "sign-in page": lambda nasty: nobody.get(f"/login?next={quote(nasty)}"),
        "signed in already": lambda nasty: inside.get(f"/login?next={quote(nasty)}"),
        "second factor": lambda nasty: inside.get(f"/second-factor?next={quote(nasty)}"),
        "language": lambda nasty: nobody.submit("/language", {"language": "en", "next": nasty}),
        "language, wrong": lambda nasty: inside.submit("/language", {"language": "xx", "next": nasty}),
        "upload, nothing": lambda nasty: inside.submit(files, {"place": "prototype", "next": nasty}),
        "upload": lambda nasty: inside.upload(files, {"place": "nowhere", "next": _line(nasty)}, "a.txt", b"text"),
        "remove": lambda nasty: inside.submit(f"{files}/999999/remove", {"next": nasty}),
        "referrer": lambda nasty: _refer(nobody, server, nasty),
        "signed out": lambda nasty: nobody.get(f"/awards?next={quote(nasty)}"),
    }  # fmt: skip


def _line(nasty: str) -> str:
    return nasty.replace("\r", "%0d").replace("\n", "%0a").replace("\x00", "%00")


def _refer(nobody: Client, server: Server, nasty: str) -> Answer:
    """A form that is sent after its sign-in has ended comes back to the page that it names itself."""
    referrer = f"{server.base}{_line(nasty)}".encode().decode("latin-1")
    return nobody.submit("/account", {"name": "x"}, {"Referer": referrer})


def test_no_address_that_is_handed_in_leads_off_the_site(one_server: Server, figure: Figure) -> None:
    assert (
        leaves(one_server.base, f"/\\{EVIL}")
        and leaves(one_server.base, f"/\t/{EVIL}")
        and not leaves(one_server.base, "/awards")
    )
    wrong, tried = [], 0
    for place, ask in _places(one_server).items():
        for nasty in NASTY:
            answer = ask(nasty)
            tried += 1
            assert answer.status < 500, f"{place} {nasty!r}: {answer.status}"
            wrong += [f"{place} {nasty!r}: {where}" for where in _off_site(one_server, answer)]
    figure("redirects: off the site", tried=tried, wrong=wrong)


def test_no_path_of_ours_leads_off_the_site(one_server: Server, figure: Figure) -> None:
    """The path itself is an address too, where a missing or doubled slash is answered with a redirect."""
    client = one_server.enter(BRAZIL)
    paths = [
        f"//{EVIL}", f"//{EVIL}/", f"///{EVIL}/awards", f"//{EVIL}/..//awards", f"/%5c{EVIL}", f"/%2f%2f{EVIL}/", f"//{EVIL}/%2e%2e",
        f"/awards//{EVIL}", f"//awards//{EVIL}/", "/awards/", "//awards", "/calls//", f"/\\{EVIL}/awards", f"/login/%0d%0aLocation:%20//{EVIL}",
        f"/static//{EVIL}/", f"//{EVIL}%2f..", f"/.{EVIL}", f"/@{EVIL}/..", f"/awards?//{EVIL}", f"/;@{EVIL}",
    ]  # fmt: skip
    wrong = []
    for path in paths:
        for method in ("GET", "POST", "HEAD"):
            answer = client.request(method, path)
            assert answer.status < 500, f"{method} {path}: {answer.status}"
            wrong += [f"{method} {path}: {where}" for where in _off_site(one_server, answer)]
    figure("redirects: off the site by the path", tried=3 * len(paths), wrong=wrong)
