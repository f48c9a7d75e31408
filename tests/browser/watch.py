"""What no page of ours may do, noted as it happens; what a page is asked, once it is there."""

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, WebError

# Without a preload: it would write a style into the page, which the page's own policy forbids.
AXE = {"resultTypes": ["violations"], "preload": False}
MAX_BYTES = 150_000
# Unpacked, and as if nothing were cached: what really comes is less.
WEIGHT = """() => [...performance.getEntriesByType("navigation"),
  ...performance.getEntriesByType("resource")]
  .reduce((sum, entry) => sum + entry.decodedBodySize, 0)"""
OVERFLOWING = """() => {
  const screen = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= screen) return [];
  return [...document.body.querySelectorAll("*")]
    .filter((element) => element.getBoundingClientRect().right > screen + 0.5)
    .map((element) => element.outerHTML.slice(0, 120));
}"""


class Watch:
    """Everything that went wrong in one browser, in words.

    `away` is where a page may lead beside our own: how that behaves is not looked at.
    """

    def __init__(self, context: BrowserContext, origin: str, away: str = "") -> None:
        self.context, self.origin, self.away = context, origin, away
        self.problems: list[str] = []
        # The statuses with which our server refuses, as it has to.
        self.refused: set[int] = set()
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # A status is judged with its response, where it is known what was asked for.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load"):
            self.problems.append(f"console of {message.page and message.page.url}: {message.text}")

    def _error(self, error: WebError) -> None:
        self.problems.append(f"script of {error.page and error.page.url}: {error.error}")

    def _request(self, request: Request) -> None:
        if not (request.url.startswith((f"{self.origin}/", "data:")) or self._is_away(request)):
            self.problems.append(f"another host: {request.url}")

    def _response(self, response: Response) -> None:
        page, status = response.request.is_navigation_request(), response.status
        expected = status in self.refused or self._is_away(response.request)
        if status >= (500 if page else 400) and not expected:
            self.problems.append(f"{status}: {response.url}")

    def _is_away(self, request: Request) -> bool:
        return bool(self.away) and request.url.startswith(f"{self.away}/")


def inaccessible(page: Page, **options: Any) -> list[str]:
    """What axe finds; `options` are its own."""
    axe = Axe("" if page.evaluate("() => 'axe' in window") else AXE_SCRIPT)
    found = axe.run(page, options=AXE | options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def overflowing(page: Page) -> list[str]:
    """The elements that make the page scroll sideways."""
    return [f"wider than the screen: {element}" for element in page.evaluate(OVERFLOWING)]


def heavy(page: Page) -> list[str]:
    """The weight of the page with all that it loads, where that is too much."""
    weight = int(page.evaluate(WEIGHT))
    return [f"weighs {weight} bytes"] if weight > MAX_BYTES else []
