"""What people do on every page, as short as it can be said."""

from playwright.sync_api import Page, expect


def click(page: Page, name: str, *, role: str = "link") -> None:
    """Click the link, or whatever has this role, of exactly this name."""
    page.get_by_role(role, name=name, exact=True).click()  # type: ignore[arg-type]


def press(page: Page, name: str) -> None:
    """Press the button of exactly this name."""
    click(page, name, role="button")


def fill(page: Page, **fields: str) -> None:
    """Type into the fields of these names."""
    for name, text in fields.items():
        page.locator(f"main form [name={name}]").fill(text)


def says(page: Page, *words: str) -> None:
    """Wait until each of these texts is to be seen."""
    for text in words:
        expect(page.get_by_text(text).first).to_be_visible()
