"""What a browser sends for a form that is left as the page shows it."""

from html.parser import HTMLParser
from typing import Any


def shown(page: Any) -> dict[str, str]:
    """The names and values of the page's form in its main part, read from the HTML itself."""
    reader = _Fields()
    reader.feed(page.text.partition("<main")[2])
    return reader.fields


class _Fields(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "input" and name and given["type"] not in {"checkbox", "file"}:
            self.fields[name] = given.get("value", "")
        elif tag in {"select", "textarea"}:
            self.inside = name
            self.fields[name] = ""
        elif tag == "option" and "selected" in given:
            self.fields[self.inside] = given["value"]

    def handle_data(self, data: str) -> None:
        if self.lasttag == "textarea" and self.inside:
            # As browsers do: the first line break after the tag is none of the text.
            self.fields[self.inside] += data.removeprefix("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in {"select", "textarea"}:
            self.inside = ""
