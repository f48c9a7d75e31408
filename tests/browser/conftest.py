"""Chromium on a real server; whatever a page does wrong on the way fails its test."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.conf import settings
from django.core.signals import request_started
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect, sync_playwright

from accounts.models import User
from demo.world import build_world
from tests.browser.watch import Watch
from tests.factories import student_with_credit

PICTURES = Path(settings.BASE_DIR, "test-results")
# Without the windows that nobody sees, the first takes a third of the time.
PROGRAMS = ("chromium-headless-shell", "chromium")
FLAGS = (
    "--no-sandbox",  # a container has no user namespaces to make one of
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-quic",
    "--no-first-run",
    "--use-fake-device-for-media-stream=device-count=2",  # green pictures and a beep
)
# Milliseconds until what does not happen is given up: more than a busy machine needs.
PATIENCE = 30_000
WATCHES = pytest.StashKey[list[Watch]]()


@pytest.fixture(scope="package")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Playwright keeps an event loop in this thread, in which Django would refuse to ask anything.

    So the loop goes with the last test of this package, or of another whose conftest imports it.
    """
    assert request.node is not request.session, "Import it in a conftest: it would stay to the end."
    program = program_of(*PROGRAMS)
    expect.set_options(timeout=PATIENCE)
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "yes")
        chromium = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield chromium
        chromium.close()


def program_of(*names: str) -> str:
    """Where the first of these programs is that this machine has."""
    program = next(filter(None, map(shutil.which, names)), None)
    assert program, f"Missing on this machine: {names[-1]}. script/test installs it on Debian."
    return program


@pytest.fixture
def open_page(
    browser: Browser, live_server: Any, request: pytest.FixtureRequest, broken: Any
) -> Iterator[Callable[..., Page]]:
    """A window of its own for each reader, logged in; options are a browser context's.

    Afterwards every invariant of the books has to hold.
    """
    watches = request.node.stash[WATCHES] = []

    def open_page(user: User | None = None, away: str = "", **options: Any) -> Page:
        wanted = {"timezone_id": "Europe/Berlin", "base_url": live_server.url, **options}
        context = browser.new_context(**wanted)
        context.set_default_timeout(PATIENCE)
        watches.append(Watch(context, live_server.url, away))
        if user:
            sign_in(context, user, live_server.url)
        return context.new_page()

    yield open_page
    for watch in watches:
        watch.context.close()
    assert broken() == {}


def sign_in(context: BrowserContext, user: User, origin: str) -> None:
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": origin}])


@pytest.fixture(params=[True, False], ids=["scripts", "no-scripts"])
def open_window(open_page: Callable[..., Page], request: pytest.FixtureRequest) -> Any:
    """A window for a flow that has to work with scripts and without."""
    return lambda user=None: open_page(user, java_script_enabled=request.param)


@pytest.fixture
def slow_server() -> Iterator[Event]:
    """What is sent waits until this is set, so that an impatient hand comes back before."""
    going_on = Event()

    def wait(environ: dict[str, Any], **_: Any) -> None:
        if environ["REQUEST_METHOD"] == "POST":
            assert going_on.wait(PATIENCE / 1000)

    request_started.connect(wait)
    yield going_on
    request_started.disconnect(wait)


@pytest.fixture
def world(transactional_db: None) -> None:
    """The demo world, and somebody with credit who has done nothing yet."""
    assert build_world()
    student_with_credit("500.00", email="newcomer@example.com")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    yield
    problems = problems_of(item)
    assert not problems, "\n".join(problems)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Any:
    report = yield
    if report.when == "call" and report.failed:
        report.sections.append(("Problems", "\n".join(problems_of(item))))
        report.sections.append(("Screenshots", "\n".join(take_pictures(item))))
    return report


def problems_of(item: pytest.Item) -> list[str]:
    return [problem for watch in item.stash.get(WATCHES, []) for problem in watch.problems]


def take_pictures(item: pytest.Item) -> Iterator[str]:
    name = re.sub(r"\W+", "-", item.nodeid.removeprefix("tests/browser/")).strip("-")
    pages = [page for watch in item.stash.get(WATCHES, []) for page in watch.context.pages]
    for number, page in enumerate(pages, start=1):
        path = PICTURES / f"{name}-{number}.png"
        try:
            page.screenshot(path=path, full_page=True)
        except Error as error:  # it must not end the whole run
            yield f"none of {page.url}: {error}"
        else:
            yield f"{path.relative_to(settings.BASE_DIR)}  {page.url}"
