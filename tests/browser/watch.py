"""What no page of ours may do, noted as it happens; what a page is asked, once it is there."""

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response, WebError

MAX_BYTES = 150_000
OVERFLOWING = """() => {
  const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  if (wide <= 0) return [];
  const right = document.documentElement.clientWidth;
  return [...document.body.querySelectorAll("*")]
    .filter((element) => element.getBoundingClientRect().right > right + 0.5)
    .map((element) => element.outerHTML.slice(0, 120));
}"""


class Watch:
    """Everything that went wrong in one browser, in words."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context, self.origin = context, origin
        self.problems: list[str] = []
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._request)
        context.on("response", self._response)

    def _console(self, message: ConsoleMessage) -> None:
        # A status is judged with its response, where it is known what was asked for.
        if message.type in ("error", "warning") and not message.text.startswith("Failed to load"):
            self.problems.append(f"console: {message.text}")

    def _error(self, error: WebError) -> None:
        self.problems.append(f"script: {error.error}")

    def _request(self, request: Request) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:")):
            self.problems.append(f"another host: {request.url}")

    def _response(self, response: Response) -> None:
        page = response.request.is_navigation_request()
        if response.status >= (500 if page else 400):
            self.problems.append(f"{response.status}: {response.url}")


def accessibility_problems(page: Page, *rules: str) -> list[str]:
    """What axe finds, by these rules or by all of them."""
    options: dict[str, Any] = {"resultTypes": ["violations"]}
    if rules:
        options["runOnly"] = list(rules)
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']}: {node['html'][:200]} {node['failureSummary']}"
        for rule in found
        for node in rule["nodes"]
    ]


def wider_than_the_screen(page: Page) -> list[str]:
    """The elements that make the page scroll sideways."""
    return list(page.evaluate(OVERFLOWING))


def weigh(page: Page, path: str) -> int:
    """The bytes that come for this page, into an empty cache."""
    sizes: list[int] = []

    def add(request: Request) -> None:
        size = request.sizes()
        sizes.append(size["responseBodySize"] + size["responseHeadersSize"])

    page.on("requestfinished", add)
    page.goto(path, wait_until="networkidle")
    page.remove_listener("requestfinished", add)
    return sum(sizes)
