"""What people do on every page, as short as it can be said."""

from threading import Event

from playwright.sync_api import Page, expect

AT_MOST = 60
FOCUSED = """() => {
  const here = document.activeElement, style = getComputedStyle(here);
  return {
    name: here.ariaLabel || here.innerText.trim(),
    marked: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
  };
}"""
FORM = "form => [...new FormData(form)].filter(([, value]) => typeof value === 'string')"


def click(page: Page, name: str, *, role: str = "link") -> None:
    """Click the link, or whatever has this role, of exactly this name."""
    page.get_by_role(role, name=name, exact=True).click()  # type: ignore[arg-type]


def press(page: Page, name: str) -> None:
    """Press the button of exactly this name."""
    click(page, name, role="button")


def press_twice(page: Page, name: str, slow_server: Event) -> None:
    """Press the button, and again before an answer has come."""
    button = page.get_by_role("button", name=name, exact=True)
    button.scroll_into_view_if_needed()
    box = button.bounding_box()
    assert box
    for _ in range(2):  # by the mouse itself: a locator would wait for the answer
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    slow_server.set()


def form_of(page: Page) -> dict[str, str]:
    """What the page's form would send."""
    return dict(page.locator("main form[method=post]").evaluate(FORM))


def fill(page: Page, **fields: str) -> None:
    """Type into the fields of these names."""
    for name, text in fields.items():
        page.locator(f"main form [name={name}]").fill(text)


def says(page: Page, *words: str) -> None:
    """Wait until each of these texts is to be seen."""
    for text in words:
        expect(page.get_by_text(text).first).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Press Tab until the element of this name has the focus; it shows at every stop."""
    for _ in range(AT_MOST):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        assert focused["marked"], f"{focused['name']} does not show that it has the focus"
        if focused["name"] == name:
            return
    raise AssertionError(f"{name} cannot be reached")
