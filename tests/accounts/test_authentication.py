import base64
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
from rest_framework_simplejwt.tokens import AccessToken

from accounts import tokens
from accounts.models import User
from accounts.services import change_password
from tests.accounts.conftest import PASSWORD

pytestmark = pytest.mark.django_db


class WhoAmI(APIView):
    def get(self, request):
        return Response(request.user.email)


def who_am_i(header: str | bytes | None) -> Response:
    headers = {} if header is None else {"HTTP_AUTHORIZATION": header}
    return WhoAmI.as_view()(APIRequestFactory().get("/", **headers)).render()


def refused(answer: Response) -> bool:
    return (answer.status_code, answer["WWW-Authenticate"], answer.data["code"]) == (
        401,
        'Bearer realm="api"',
        "token_not_valid",
    )


def test_a_token_says_who_by_one_select(pair, django_assert_num_queries):
    with django_assert_num_queries(1):
        answer = who_am_i(f"Bearer {pair['access']}")
    assert answer.data == "ada@example.com"


def test_without_a_token_nobody_is_in():
    answer = who_am_i(None)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="api"')


def test_a_refresh_token_is_no_access_token(pair):
    assert refused(who_am_i(f"Bearer {pair['refresh']}"))


def test_a_deactivated_user_is_out(pair):
    User.objects.update(is_active=False)
    assert refused(who_am_i(f"Bearer {pair['access']}"))


def test_a_deleted_user_is_out(pair, ada):
    token = AccessToken(pair["access"])
    token["user_id"] = "01936f5e-7c3a-7d52-9e0b-6a1f4c2d8e90"
    assert refused(who_am_i(f"Bearer {token}"))


def test_a_changed_password_ends_the_tokens_from_before(pair, ada, client):
    change_password(
        user=ada, current_password=PASSWORD, new_password="battery staple 9", address="192.0.2.1"
    )
    assert refused(who_am_i(f"Bearer {pair['access']}"))
    fresh = client.sign_in(password="battery staple 9").json()["access"]
    assert who_am_i(f"Bearer {fresh}").status_code == 200


def test_an_expired_token_is_dead(pair):
    token = AccessToken(pair["access"])
    token.set_exp(from_time=timezone.now() - timedelta(hours=1), lifetime=timedelta(minutes=1))
    assert refused(who_am_i(f"Bearer {token}"))


def test_a_token_that_was_good_expires(pair, monkeypatch):
    assert who_am_i(f"Bearer {pair['access']}").status_code == 200
    later = timezone.now() + timedelta(hours=1)
    monkeypatch.setattr(tokens, "aware_utcnow", lambda: later)
    assert refused(who_am_i(f"Bearer {pair['access']}"))


@pytest.mark.parametrize("claim", ["user_id", "pwd", "exp", "jti", "token_type"])
def test_a_token_needs_its_claims(pair, claim):
    token = AccessToken(pair["access"])
    del token[claim]
    assert refused(who_am_i(f"Bearer {token}"))


def part(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


@pytest.mark.parametrize(
    "token",
    [
        "garbage",
        "a.b.c",
        "a\0b.c.d",
        "\xff\xfe.\xfd.\xfc",
        "..",
        part(b"\xff\xfe") + ".e30.c2ln",
        part(b'{"alg":"HS256"}') + "." + part(b"[" * 3000) + ".c2ln",
        part(b"[" * 3000) + ".e30.c2ln",
        part(b"null") + ".e30.c2ln",
        part(b'{"alg":"none","typ":"JWT"}') + "." + part(b'{"user_id":"1"}') + ".",
    ],
)
def test_garbage_is_refused(token):
    assert refused(who_am_i(f"Bearer {token}".encode("latin-1")))


def test_a_token_without_a_signature_is_refused(pair):
    _, payload, _ = pair["access"].split(".")
    header = part(b'{"alg":"none"}')
    assert refused(who_am_i(f"Bearer {header}.{payload}."))


def test_a_changed_byte_is_refused(pair):
    header, payload, signature = pair["access"].split(".")
    changed = ("B" if signature[0] == "A" else "A") + signature[1:]
    assert refused(who_am_i(f"Bearer {header}.{payload}.{changed}"))


def test_two_words_after_bearer_are_refused(pair):
    answer = who_am_i(f"Bearer {pair['access']} more")
    assert answer.status_code == 401
