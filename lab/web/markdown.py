"""Rich text: what people type as Markdown, rendered by markdown-it-py and cleaned by nh3, each a guard of its own."""

from __future__ import annotations

import re
from functools import lru_cache

import nh3
from flask import Flask
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markupsafe import Markup, escape

from lab.rules.records import MAX_BODY

# A text that is longer than any that is taken where texts are typed is shown as it stands.
MAX_LENGTH = MAX_BODY
# Quotes in lists in quotes: deeper than this nobody reads, and every level costs.
MAX_NESTING = 12
TAGS = frozenset({
    "p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a",
})  # fmt: skip
ATTRIBUTES = {"a": {"href"}, "ol": {"start"}}
SCHEMES = frozenset({"http", "https", "mailto"})
REL = "noopener nofollow ugc"
_SCHEME = re.compile(r"(?:https?://|mailto:)[^/\s]", re.IGNORECASE)


def _may_lead_to(url: str) -> bool:
    """Only whole addresses of pages and people: no other scheme, and no path that would look like a page of this site."""
    return _SCHEME.match(url) is not None


def _below(state: StateCore) -> None:
    """The page has its own headings: a text's begin a level under the one that it stands below."""
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + state.env['below'])}"


def _parser() -> MarkdownIt:
    parser = MarkdownIt(
        "commonmark", {"html": False, "breaks": True, "linkify": False, "typographer": False, "maxNesting": MAX_NESTING}
    )
    # A text that was typed without a thought of Markdown must lose nothing: an indented line is no code, a line of
    # dashes no heading, and what looks like the definition of a link stays where it is. Pictures come as files.
    parser.disable(["code", "lheading", "reference", "html_block", "html_inline", "image", "entity"])
    # No tables: nobody types them by hand, and a row of bars costs a second of the processor.
    parser.enable("strikethrough")
    parser.core.ruler.push("below", _below)
    parser.validateLink = _may_lead_to  # type: ignore[method-assign]
    return parser


_PARSER = _parser()
_CLEANER = nh3.Cleaner(
    tags=set(TAGS),
    # Without the star, title and lang would stay on every tag.
    attributes={"*": set(), **{tag: set(names) for tag, names in ATTRIBUTES.items()}},
    url_schemes=set(SCHEMES),
    link_rel=REL,
    clean_content_tags={"script", "style"},
)


def _as_typed(text: str) -> str:
    return f"<p>{str(escape(text)).replace(chr(10), '<br>')}</p>"


# The same reports and comments are read again and again.
@lru_cache(maxsize=512)
def _rendered(text: str, below: int) -> str:
    return _CLEANER.clean(_PARSER.render(text, {"below": below}))


def markdown(text: str | None, below: int = 2) -> Markup:
    """``text`` as safe HTML for the class ``rich``; ``below`` is the level of the heading that it stands under (1 to 5).

    CommonMark and struck-through text. A line break that was typed stays one. No raw HTML, no picture, no
    id, class or style; links lead to http, https and mailto only.
    """
    typed = (text or "").replace("\r\n", "\n").replace("\r", "\n")
    if len(typed) > MAX_LENGTH:
        return Markup(_CLEANER.clean(_as_typed(typed)))
    return Markup(_rendered(typed, below))


def register(app: Flask) -> None:
    """Give the templates the filter."""
    app.add_template_filter(markdown, "markdown")
