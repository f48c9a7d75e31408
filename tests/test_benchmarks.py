"""The benchmark counts an answer only if it is the one that was asked for."""

import socket

from benchmarks import load

TOKEN = '<input type="hidden" name="csrfmiddlewaretoken" value="{}">Course 7'


def test_a_success_with_another_body_is_an_error():
    request = load.request("GET", "/courses/7/", {}, holds="Course 7")
    outcome = load.Outcome(same=True)
    for letter in "ab":  # which differs each time
        outcome.add(request, 0.1, 200, TOKEN.format(letter * 64).encode())
    assert outcome.errors == 0
    outcome.add(request, 0.1, 200, b"Course 7, and something else")
    outcome.add(request, 0.1, 200, b"")
    outcome.add(request, 0.1, 503, b"")
    assert (outcome.wrong, outcome.errors) == (2, 3)


def test_it_sends_what_browsers_send():
    page, call = (load.request("GET", path, {"Cookie": "a=b"}).sent for path in ("/", "/api/x"))
    assert b"\r\nAccept: text/html" in page
    assert b"\r\nAccept: application/json" in call
    for sent in (page, call):
        assert b"\r\nAccept-Encoding: gzip" in sent
        assert b"\r\nCookie: a=b" in sent
        assert b"Content-Length" not in sent


def test_an_answer_in_chunks_is_read_to_its_end():
    server, browser = socket.socketpair()
    with server, browser:
        server.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n")
        assert load._answer(browser) == (200, b"1\r\na\r\n0\r\n\r\n")
