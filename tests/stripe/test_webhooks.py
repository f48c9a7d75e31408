"""Webhooks of the tests' own Stripe: the official library takes their signatures for Stripe's."""

import http.server
import json
import time
from collections import Counter
from pathlib import Path

import pytest
import stripe

from tests import node
from tests.listening import listening
from tests.stripe.post import sign

HERE = Path(__file__).parent


@pytest.fixture
def inbox():
    """Takes webhooks; `answers` are what it says to the next, and then it says 200."""

    class Inbox(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.taken.append((body, self.headers["Stripe-Signature"]))
            self.send_response(server.answers.pop(0) if server.answers else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inbox)
    server.taken, server.answers = [], []
    with listening(server) as address:
        server.url = f"{address}/hook"
        yield server


def pay(open_session, stand_in):
    made = open_session()
    stand_in.account.pay(session=made.id)
    return made


def ids(inbox):
    return [stripe.Webhook.construct_event(*one, "whsec_1").id for one in inbox.taken]


def test_signed_once_for_each_secret(open_session, stand_in, inbox):
    stand_in.post.goes(url=inbox.url, secrets=["whsec_1", "whsec_2"])
    made = pay(open_session, stand_in)
    assert stand_in.post.wait()
    for body, signature in inbox.taken:
        for secret in ("whsec_1", "whsec_2"):
            stripe.Webhook.construct_event(body, signature, secret)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, signature, "whsec_3")
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body + b" ", signature, "whsec_1")
    events = [stripe.Webhook.construct_event(*one, "whsec_1") for one in inbox.taken]
    completed = next(one for one in events if one.type == "checkout.session.completed")
    assert completed.data.object.id == made.id
    assert completed.livemode is False


def test_an_old_signature_is_too_old(open_session, stand_in):
    pay(open_session, stand_in)
    for ago, taken in ((299, True), (302, False)):
        message = stand_in.messages("checkout.session.completed", ago=ago)[0]
        read = message["body"], message["signature"], "whsec_stand_in"
        if taken:
            stripe.Webhook.construct_event(*read)
        else:
            with pytest.raises(stripe.SignatureVerificationError):
                stripe.Webhook.construct_event(*read)


def test_sent_again_until_it_is_taken(open_session, stand_in, inbox):
    stand_in.post.goes(url=inbox.url, secrets=["whsec_1"])
    inbox.answers = [500, 302, 503]
    pay(open_session, stand_in)
    assert stand_in.post.wait()
    assert Counter(ids(inbox)).total() == 6
    assert len({*ids(inbox)}) == 3


def test_sent_not_at_all_or_twice_and_in_any_order(open_session, stand_in, inbox):
    stand_in.post.goes(url=inbox.url, secrets=["whsec_1"], copies=[0, 1, 2], late=0.2, seed=3)
    for _ in range(8):
        pay(open_session, stand_in)
    assert stand_in.post.wait()
    told = [message["id"] for message in stand_in.messages()]
    times = Counter(ids(inbox))
    assert {times[one] for one in told} == {0, 1, 2}
    first = list(dict.fromkeys(ids(inbox)))
    assert first != [one for one in told if one in first]


def test_one_event_is_sent_when_a_test_wants_it(open_session, stand_in, inbox):
    pay(open_session, stand_in)
    stand_in.post.goes(url=inbox.url, secrets=["whsec_1"])
    assert inbox.taken == []
    wanted = stand_in.messages("charge.succeeded")[0]["id"]
    assert stand_in.send(wanted, wanted) == [200, 200]
    assert ids(inbox) == [wanted] * 2


def test_an_event_may_be_heard_before_the_answer(open_session, stand_in, inbox):
    stand_in.post.goes(url=inbox.url, secrets=["whsec_1"])
    stand_in.faults.next(call="create_session", what="event_first")
    made = open_session()
    assert made.status == "open"
    assert ids(inbox)
    assert len({*ids(inbox)}) == 3


def test_an_event_may_say_what_is_not_so(open_session, library, stand_in):
    made = open_session()
    said = made.to_dict() | {"payment_status": "paid", "amount_total": None}
    stand_in.account.forge(kind="checkout.session.completed", thing=said, livemode=True)
    message = stand_in.messages()[0]
    event = stripe.Webhook.construct_event(message["body"], message["signature"], "whsec_stand_in")
    assert (event.livemode, event.data.object.payment_status) == (True, "paid")
    assert library.v1.checkout.sessions.retrieve(made.id).payment_status == "unpaid"


def signed_by_node(payload, secret, at=None):
    """The header that Stripe's library for Node makes, which is not ours."""
    node.install(HERE)
    wanted = {"payload": payload, "secret": secret, "timestamp": at or int(time.time())}
    return node.run("node", "sign.mjs", at=HERE, input=json.dumps(wanted))


def test_the_library_for_node_signs_as_we_do():
    payload, at = '{"id": "evt_1", "object": "event"}', int(time.time())
    signed = signed_by_node(payload, "whsec_1", at)
    assert signed == sign(payload.encode(), ["whsec_1"], at)
    assert stripe.Webhook.construct_event(payload, signed, "whsec_1").id == "evt_1"
