"""Text that people write in Markdown, as HTML that is safe to show."""

import html
import re

import nh3
from django.utils.html import strip_tags
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore

# No pictures: they would come from anywhere. No large headings: those are the page's.
_TAGS = {
    *("p", "br", "hr", "strong", "em", "s", "a", "ul", "ol", "li"),
    *("h3", "h4", "blockquote", "code", "pre"),
}
# What stands on lines of its own: words before and after it are apart.
_BLOCKS = re.compile(r"</?(?:p|br|hr|ul|ol|li|h\d|blockquote|pre)\b[^>]*>")
_MARKS = {"h1": "h3", "h2": "h3", "h3": "h3"}


def to_html(text: str) -> str:
    """Markdown as HTML with few tags, whatever the text tries; links are not vouched for.

    Thousands of brackets take it half a second, so the result is kept, not made for every reader.
    """
    made = _markdown.render(text)
    return nh3.clean(
        made,
        tags=_TAGS,
        attributes={"a": {"href"}, "ol": {"start"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="nofollow ugc",
    )


def to_words(made: str) -> str:
    """The words of such HTML alone, on one line."""
    return " ".join(html.unescape(strip_tags(_BLOCKS.sub(" ", made))).split())


def _small_headings(state: StateCore) -> None:
    for token in state.tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = _MARKS.get(token.tag, "h4")


_markdown = MarkdownIt("js-default", {"breaks": True}).disable("table")
_markdown.core.ruler.push("small_headings", _small_headings)
