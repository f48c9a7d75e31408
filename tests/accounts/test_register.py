import pytest
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.services import change_password, register
from tests.accounts.conftest import PASSWORD, Client

pytestmark = pytest.mark.django_db


def test_a_student_registers_and_signs_in(client):
    answer = client.register(email=" Ada@Example.COM ", display_name="Ada 🦊")
    user = User.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(user.pk),
        "email": "ada@example.com",
        "email_proved": False,
        "display_name": "Ada 🦊",
        "is_teacher": False,
        "referral_code": user.referral_code,
        "time_zone": "UTC",
    }
    assert client.sign_in("ADA@example.com").status_code == 200


def test_nobody_makes_himself_staff_or_teacher(client):
    client.register(is_staff=True, is_superuser=True, is_teacher=True)
    user = User.objects.get()
    assert {user.is_staff, user.is_superuser, user.is_teacher} == {False}


def test_an_address_is_taken_in_every_case(ada, client):
    answer = client.register(email="ADA@EXAMPLE.com")
    assert answer.status_code == 400
    assert list(answer.json()["details"]) == ["email"]
    assert User.objects.count() == 1


def test_the_referrer_is_kept(ada, client):
    answer = client.register(email="bob@example.com", referral_code=ada.referral_code.upper())
    assert answer.status_code == 201
    assert User.objects.get(email="bob@example.com").referred_by == ada


@pytest.mark.parametrize("code", ["", "   "])
def test_an_empty_referral_code_is_none(client, code):
    assert client.register(referral_code=code).status_code == 201
    assert User.objects.get().referred_by is None


def test_a_deactivated_user_refers_nobody(ada, client):
    User.objects.update(is_active=False)
    answer = client.register(email="bob@example.com", referral_code=ada.referral_code)
    assert list(answer.json()["details"]) == ["referral_code"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("referral_code", "nobody"),
        ("password", "12345678"),
        ("password", "short"),
        ("password", "ada@example.com"),
        ("password", "x" * 129),
        ("email", "not an address"),
        ("email", "a" * 250 + "@example.com"),
        ("display_name", "   "),
        ("display_name", "x" * 101),
        ("time_zone", "Europe/Atlantis"),
        *(
            (field, value)
            for field in ("email", "password", "display_name", "referral_code", "time_zone")
            for value in (None, [], {}, 7, 1.5, True, "a\0b", "a\ud800b")
        ),
    ],
)
def test_a_wrong_field_is_named(client, field, value):
    answer = client.register(**{field: value})
    assert answer.status_code == 400, answer.content
    assert list(answer.json()["details"]) == [field]
    assert not User.objects.exists()


@pytest.mark.parametrize("body", [None, [], "text", 7, [{}]])
@pytest.mark.parametrize("path", ["register", "token", "token/refresh", "logout"])
def test_a_body_that_is_no_object_is_refused(client, path, body):
    assert client.send(path, body).status_code == 400


def test_several_wrong_fields_are_named_at_once():
    with pytest.raises(ValidationError) as refused:
        register(email="nobody", password="1", display_name="", time_zone="Moon")
    assert set(refused.value.message_dict) == {"email", "password", "display_name", "time_zone"}


def test_registrations_from_one_address_have_an_end(ada, client):
    answers = [client.register() for _ in range(61)]
    assert {a.status_code for a in answers[:60]} == {400}
    assert answers[60].status_code == 429
    assert 0 < int(answers[60]["Retry-After"]) <= 3600
    assert Client("192.0.2.2").register(email="bob@example.com").status_code == 201


def test_a_new_password_replaces_the_old(ada, client):
    change_password(
        user=ada, current_password=PASSWORD, new_password="battery staple 9", address="192.0.2.1"
    )
    assert client.sign_in().status_code == 401
    assert client.sign_in(password="battery staple 9").status_code == 200


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [("wrong", "battery staple 9", "current_password"), (PASSWORD, "1234", "new_password")],
)
def test_a_password_is_not_changed_to_just_anything(ada, current, new, field):
    with pytest.raises(ValidationError) as refused:
        change_password(user=ada, current_password=current, new_password=new, address="192.0.2.1")
    assert list(refused.value.message_dict) == [field]
    ada.refresh_from_db()
    assert ada.check_password(PASSWORD)
