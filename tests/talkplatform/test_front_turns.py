"""HAProxy as haproxy.cfg has it: in which turn requests go, and when it gives one up."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from talkplatform import front
from tests.talkplatform.haproxy import PURCHASE, is_page, make_site, site, wait_until

__all__ = ["make_site", "site"]


@pytest.fixture
def busy(site):
    """A site of which every process is at work, until its gate opens."""
    with ThreadPoolExecutor(20) as visitors:
        working = [visitors.submit(site.ask, "GET", f"/waits/{n}") for n in range(2)]
        site.arrive(2)
        site.visitors = visitors
        yield site
        site.processes.gate.set()
    assert [request.result()[0] for request in working] == [200, 200]


@pytest.mark.parametrize(
    "money",
    [
        ("DELETE", "/api/enrollments/x"),
        ("POST", "/credit/top-up/"),
        ("POST", "/api/webhooks/stripe"),
    ],
)
def test_money_goes_before_pages_and_a_page_waits_for_one_sign_in(make_site, money):
    site = make_site(PROCESSES=1, QUEUE_SHORT=5, QUEUE_SECONDS=10, HEAD_START=60_000)
    health, page, sign_in = ("GET", "/healthz"), ("GET", "/"), ("POST", "/api/auth/token")
    with ThreadPoolExecutor(20) as site.visitors:
        waiting = [site.visitors.submit(site.ask, "GET", "/waits")]
        site.arrive(1)
        for came in ([sign_in] * 3, [page], [money], [health]):
            waiting += site.queue(*came)
        site.processes.gate.set()
        assert all(request.result()[0] == 200 for request in waiting)
    turn = [health, money, sign_in, page, sign_in, sign_in]
    assert site.processes.arrived[1:] == [" ".join(request) for request in turn]


@pytest.mark.parametrize("head_start", [100, 60_000])
def test_money_overtakes_only_what_has_not_waited_long(make_site, head_start):
    """However many buyers there are, a page gets its turn; the twin is where they have a minute."""
    site = make_site(PROCESSES=1, QUEUE_SECONDS=10, HEAD_START=head_start)
    page = ("GET", "/")
    with ThreadPoolExecutor(20) as site.visitors:
        waiting = [site.visitors.submit(site.ask, "GET", "/api/waits")]
        site.arrive(1)
        waiting += site.queue(page)
        time.sleep(0.5)
        waiting += site.queue(PURCHASE)
        site.processes.gate.set()
        assert all(request.result()[0] == 200 for request in waiting)
    turn = [page, PURCHASE] if head_start == 100 else [PURCHASE, page]
    assert site.processes.arrived[1:] == [" ".join(request) for request in turn]


def is_slow(kind, name="/waits"):
    """One that takes as long as it is let; a body makes it an upload."""
    method, path, *body = kind
    return (method, f"{path}{'&' if '?' in path else '?'}{name}", *body)


SLOW = {
    "sign-in": ("POST", "/api/auth/token"),
    "disguised": ("POST", "/%6Cogin/"),
    "staff": ("GET", "/admin/payments/transfer/"),
    "table": ("GET", "/earnings/sessions.csv"),
    "export": ("GET", "/admin/payments/paymenthold/export/"),
    "picture": ("GET", "/share/x.jpg"),
    "upload": ("POST", "/teaching/courses/x/edit/", b"y" * 70_000),
}


@contextmanager
def flooded(site, kinds, at_work):
    """Eight of each kind came, of which so many are at work and the rest wait."""
    with ThreadPoolExecutor(8 * len(kinds) + 1) as site.visitors:
        flood = [site.visitors.submit(site.ask, *is_slow(kind)) for kind in kinds for _ in range(8)]
        site.arrive(at_work)
        wait_until(lambda: site.waiting() == len(flood) - at_work)
        yield
        site.processes.gate.set()
        assert {request.result()[0] for request in flood} == {200}


@pytest.mark.parametrize(
    ("kinds", "processes", "at_work"),
    [
        *(pytest.param([kind], 2, 1, id=name) for name, kind in SLOW.items()),
        pytest.param([SLOW["sign-in"]], 4, 1, id="sign-ins"),
        pytest.param([SLOW["staff"]], 4, 2, id="slow pages"),
        pytest.param([SLOW["table"], SLOW["export"]], 4, 1, id="files"),
        pytest.param([SLOW["export"], SLOW["picture"]], 4, 1, id="files of all kinds"),
        pytest.param([SLOW["table"], SLOW["staff"]], 4, 2, id="files and staff"),
        pytest.param([("GET", "/")], 3, 2, id="pages"),
        pytest.param([("GET", "/api/courses?search=x&")], 3, 2, id="searches"),
        pytest.param([("POST", "/teaching/courses/new/")], 3, 2, id="forms"),
        pytest.param([SLOW["sign-in"], SLOW["table"], ("GET", "/learning/")], 4, 3, id="all"),
    ],
)
def test_slow_requests_keep_nobody_else_waiting(make_site, kinds, processes, at_work):
    site = make_site(PROCESSES=processes, QUEUE_SHORT=16, QUEUE_LENGTH=20, QUEUE_SECONDS=10)
    with flooded(site, kinds, at_work):
        assert site.ask(*PURCHASE)[0] == 200
        assert site.ask("GET", "/api/courses")[0] == 200


@pytest.mark.parametrize("kind", ["sign-in", "staff"])
def test_slow_requests_keep_no_page_waiting(make_site, kind):
    site = make_site(PROCESSES=3, QUEUE_SHORT=8, QUEUE_LENGTH=20)
    with flooded(site, [SLOW[kind]], 1):
        assert site.ask("GET", "/")[0] == 200


def test_without_that_limit_they_would(make_site):
    """The twin: as many as there are processes."""
    site = make_site(PROCESSES=2, SLOW=2, QUEUE_LENGTH=20, QUEUE_SECONDS=10)
    with flooded(site, [SLOW["staff"]], 2):
        purchase = site.queue(PURCHASE)[0]
        assert " ".join(PURCHASE) not in site.processes.arrived
        site.processes.gate.set()
        assert purchase.result()[0] == 200


@pytest.mark.parametrize("processes", range(1, 10))
def test_what_is_slow_leaves_a_process(processes):
    most = front.most_slow(processes)
    assert 1 <= most["SIGN_INS"] == most["FILES"] <= most["SLOW"] <= most["PAGES"] <= processes
    if processes > 1:
        assert most["SLOW"] < processes
    if processes > 2:
        assert most["SLOW"] < most["PAGES"] < processes


def test_the_queue_ends_with_a_refusal_that_says_when_to_come_again(busy):
    busy.queue(*[("GET", "/x")] * 5)
    for path, face in {"/api/courses": "unavailable", "/": "answer right now"}.items():
        status, headers, text = busy.ask("GET", path)
        assert (status, headers["Retry-After"]) == (503, "2")
        assert face in text
    assert busy.ask("GET", "/healthz")[0] == 503  # it may wait; but its time is up, too


def test_a_full_queue_of_pages_refuses_pages_alone(make_site):
    site = make_site(PROCESSES=3)
    with ThreadPoolExecutor(20) as site.visitors:
        pages = [site.visitors.submit(site.ask, "GET", f"/waits/{n}") for n in range(2)]
        site.arrive(2)
        pages += site.queue(*[("GET", "/x")] * 5)
        asked = {path: site.ask("GET", path)[0] for path in ("/", "/api/courses", "/static/9")}
        asked["search"] = site.ask("GET", "/api/courses?search=x")[0]
        asked["form"] = site.ask("POST", "/teaching/courses/new/")[0]
        site.processes.gate.set()
        assert {request.result()[0] for request in pages} == {200}
    assert [path for path, status in asked.items() if status == 503] == ["/", "search", "form"]


@pytest.mark.parametrize("kind", ["sign-in", "table"])
def test_sign_ins_and_files_get_a_part_of_the_queue(busy, kind):
    busy.queue(*[SLOW[kind]] * 2)  # one in the queue, one that waits for it
    assert busy.ask(*SLOW[kind])[0] == 503
    money = busy.visitors.submit(busy.ask, "POST", "/api/enrollments/courses/x")
    busy.processes.gate.set()
    assert money.result()[0] == 200


def test_a_turn_that_does_not_come_is_given_up(busy):
    before = time.monotonic()
    asked = [PURCHASE, SLOW["sign-in"], SLOW["table"]]
    for given_up, (_, path, *_) in zip(busy.queue(*asked), asked, strict=True):
        status, headers, text = given_up.result()
        assert (status, headers["Retry-After"], headers["X-Refused"]) == (503, "2", None)
        assert ("unavailable" in text) == path.startswith("/api/") != is_page(text, 503)
    assert time.monotonic() - before < 4
    assert len(busy.processes.arrived) == 2
