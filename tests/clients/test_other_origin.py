"""The built client on a page of another origin, in a real browser."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.clients.conftest import CLIENT
from tests.factories import PASSWORD, student_with_credit
from tests.listening import listening
from tests.serving import serving, wait_until_ready

pytestmark = [pytest.mark.mariadb, pytest.mark.browser]

IMPORT = "const {TalkplatformClient, browserStore, each, unwrap} = await import('/dist/index.js');"
CLIENT_HERE = "const client = new TalkplatformClient({baseUrl: api, store: browserStore()});"
SPOIL = "const s = browserStore(); const p = s.get(); s.set({...p, access: p.access + 'x'});"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def pages():
    """Where a page comes from: an origin of its own."""
    return listening(ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=CLIENT)))


@pytest.fixture(scope="module")
def origin(built):
    """The one that is listed."""
    with pages() as place:
        yield place


@pytest.fixture(scope="module")
def server(origin, django_db_setup):
    with serving(CORS_ALLOWED_ORIGINS=origin) as process:
        wait_until_ready(process)
        yield process


def run(page, api, script):
    return page.evaluate(f"async (api) => {{ {IMPORT} {CLIENT_HERE} {script} }}", api)


def test_a_page_of_another_origin_buys_and_reads(origin, server, browser, world, broken):
    student = student_with_credit("200.00")
    with browser.new_context() as context:
        page = sign_in(context, f"{origin}/example/?api={server.url}", student.email)
        enrol = f"unwrap(await client.enrollCourse('{world['course']}'))"
        assert run(page, server.url, f"{enrol}; return (await client.getWallet()).data.held") == (
            "80.00"
        )
        page.reload()
        page.get_by_text("A walk through Lisbon").wait_for()
        all_pages = "for await (const row of each(p => client.getTransfers(p), {limit: 1})) n += 1;"
        assert run(page, server.url, f"let n = 0; {all_pages} return n") == 2
        two_tabs_refresh_at_once(context, page, server.url)
    assert broken() == {}


def sign_in(context, address, email):
    page = context.new_page()
    page.goto(address)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("to spend").wait_for()
    return page


def two_tabs_refresh_at_once(context, page, api):
    """The access token has run out in both: one refresh serves both tabs, as they share it."""
    refreshes = []
    context.on(
        "request",
        lambda request: (
            request.method == "POST"
            and request.url.endswith("/refresh")
            and refreshes.append(request.url)
        ),
    )
    other = context.new_page()
    other.goto(page.url)
    other.get_by_text("to spend").wait_for()
    start = "window.done = client.getMe().then(result => result.ok)"
    run(page, api, f"{SPOIL} {start}; return null")
    run(other, api, f"{start}; return null")
    assert [tab.evaluate("window.done") for tab in (page, other)] == [True, True]
    assert len(refreshes) == 1


SEES_LATE = """
    const kept = browserStore();
    let seen = kept.get();
    addEventListener("storage", () => setTimeout(() => { seen = kept.get(); }, 1000));
    const late = new TalkplatformClient({
        baseUrl: api,
        store: {get: () => seen, set: (pair) => { seen = pair; kept.set(pair); }},
    });
    window.tell = () => late.getMe().then((result) => result.ok);
"""


def test_a_tab_that_sees_late_what_another_one_stored_stays_signed_in(
    origin, server, browser, transactional_db
):
    student = student_with_credit()
    with browser.new_context() as context:
        page = sign_in(context, f"{origin}/example/?api={server.url}", student.email)
        other = context.new_page()
        other.goto(page.url)
        other.get_by_text("to spend").wait_for()
        spoiled = run(page, server.url, f"{SPOIL} return p.access + 'x'")
        stored = "access => JSON.parse(localStorage.getItem('talkplatform')).access === access"
        other.wait_for_function(stored, arg=spoiled)
        run(other, server.url, f"{SEES_LATE} return null")
        me = "return (await client.getMe()).ok"
        assert run(page, server.url, me)
        assert other.evaluate("window.tell()")
        assert run(page, server.url, me)


def test_an_origin_that_is_not_listed_reads_nothing(origin, server, browser, transactional_db):
    """Where one that is listed reads."""
    reads = "const told = await client.getCourses(); return told.ok || told.refusal.code"
    with pages() as elsewhere, browser.new_context() as context:
        page, told = context.new_page(), []
        for place in (origin, elsewhere):
            page.goto(f"{place}/example/?api={server.url}")
            told.append(run(page, server.url, reads))
    assert told == [True, "unreachable"]
