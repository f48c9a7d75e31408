import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client as Browser
from django.urls import reverse

from accounts.forms import StaffPasswordForm, UserForm
from accounts.models import TokenFamily, User
from tests.accounts.conftest import PASSWORD
from tests.telling import was_told

pytestmark = pytest.mark.django_db


@pytest.fixture
def boss() -> User:
    return User.objects.create_superuser("boss@example.com", PASSWORD, display_name="Boss")


@pytest.fixture
def browser(boss) -> Browser:
    browser = Browser()
    browser.force_login(boss)
    return browser


def change_url(user: User) -> str:
    return reverse("admin:accounts_user_change", args=[user.pk])


def log_in(email: str, password: str = PASSWORD):
    body = {"username": email, "password": password}
    return Browser(REMOTE_ADDR="192.0.2.1").post("/admin/login/?next=/admin/", body)


def test_staff_logs_in_and_others_do_not(boss, ada):
    assert log_in("Boss@example.com").status_code == 302
    assert log_in("ada@example.com").status_code == 200


def test_the_admin_is_no_way_around_the_limits(boss, client):
    for _ in range(5):
        assert log_in("boss@example.com", "wrong guess").status_code == 200
    answer = log_in("boss@example.com")
    assert "Too many attempts" in answer.content.decode()
    assert client.sign_in("boss@example.com").status_code == 429


@pytest.mark.both
@pytest.mark.parametrize("by", ["ada@exam", "Ada"])
def test_users_are_found(browser, ada, by):
    page = browser.get(reverse("admin:accounts_user_changelist"), {"q": by}).content.decode()
    assert "ada@example.com" in page
    assert "boss@example.com" not in page


def test_a_user_is_made_with_an_email_address(browser):
    passwords = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    body = {"email": "Bob@Example.com", "display_name": "Bob"} | passwords
    assert browser.post(reverse("admin:accounts_user_add"), body).status_code == 302
    assert User.objects.get(email="bob@example.com").check_password(PASSWORD)
    again = browser.post(reverse("admin:accounts_user_add"), body | {"email": "BOB@example.com"})
    assert again.status_code == 200
    assert "already exists" in again.content.decode()


def test_a_user_is_made_a_teacher(browser, ada):
    body = {
        "email": ada.email,
        "display_name": ada.display_name,
        "time_zone": "UTC",
        "is_teacher": "on",
        "is_active": "on",
        "password": "forged",
    }
    assert browser.post(change_url(ada), body).status_code == 302
    ada.refresh_from_db()
    assert ada.is_teacher
    assert ada.check_password(PASSWORD)


@pytest.mark.parametrize(
    ("form", "page", "body"),
    [
        (UserForm, "admin:accounts_user_change", {"is_teacher": "on"}),
        (
            StaffPasswordForm,
            "admin:auth_user_password_change",
            {"usable_password": "true", "password1": "battery 77", "password2": "battery 77"},
        ),
    ],
)
def test_what_staff_leave_as_it_was_is_not_written(browser, ada, monkeypatch, form, page, body):
    """Its user, or the owner of the account, may change it while staff save."""
    save, was = form.save, {"email": ada.email, "display_name": "Ada", "time_zone": "UTC"}

    def meanwhile(*args, **kwargs):
        User.objects.filter(pk=ada.pk).update(display_name="Ada L.")
        return save(*args, **kwargs)

    monkeypatch.setattr(form, "save", meanwhile)
    body = was | {"is_active": "on"} | body
    assert browser.post(reverse(page, args=[ada.pk]), body).status_code == 302
    user = User.objects.get(pk=ada.pk)
    assert user.display_name == "Ada L."
    assert user.is_teacher or user.check_password("battery 77")


def test_no_hash_is_shown(browser, ada):
    page = browser.get(change_url(ada)).content.decode()
    assert ada.email in page
    assert not any(piece in page for piece in ada.password.split("$"))


def test_a_new_password_ends_the_tokens(browser, ada, pair, client):
    url = reverse("admin:auth_user_password_change", args=[ada.pk])
    assert url in browser.get(change_url(ada)).content.decode()
    new = "battery staple 9"
    body = {"usable_password": "true", "password1": new, "password2": new}
    assert browser.post(url, body).status_code == 302
    assert client.refresh(pair["refresh"]).status_code == 401
    assert client.sign_in(password=new).status_code == 200
    assert was_told(ada, "password_changed") == 1


def test_users_are_never_deleted(browser, ada):
    url = reverse("admin:accounts_user_delete", args=[ada.pk])
    assert browser.post(url, {"post": "yes"}).status_code == 403
    assert User.objects.filter(pk=ada.pk).exists()


def test_sign_ins_can_only_be_read(browser, pair, django_assert_max_num_queries):
    family = TokenFamily.objects.get()
    with django_assert_max_num_queries(7):
        page = browser.get(reverse("admin:accounts_tokenfamily_changelist"))
    assert "ada@example.com" in page.content.decode()
    url = reverse("admin:accounts_tokenfamily_change", args=[family.pk])
    assert family.jti not in browser.get(url).content.decode()
    assert browser.post(url, {}).status_code == 403
    assert browser.get(reverse("admin:accounts_tokenfamily_add")).status_code == 403


def test_times_name_their_zone(browser, ada):
    joined = ada.date_joined.strftime("%Y, %H:%M UTC")
    assert joined in browser.get(reverse("admin:accounts_user_changelist")).content.decode()


def test_guessing_a_password_to_change_it_has_an_end(browser):
    assert browser.get("/admin/password_change/").headers["Location"] == "/profile/password/"
    body = {"old_password": "wrong guess", "new_password1": "new pass 9", "new_password2": "x"}
    assert browser.post("/admin/password_change/", body).status_code == 302


@pytest.fixture
def clerk(boss) -> Browser:
    """Somebody who may change users, and nothing else."""
    user = User.objects.create_user("clerk@example.com", PASSWORD, display_name="C", is_staff=True)
    rights = ("view_user", "add_user", "change_user")
    group = Group.objects.create(name="clerks")
    group.permissions.set(Permission.objects.filter(codename__in=rights))
    user.groups.add(group)
    clerk = Browser()
    clerk.force_login(user)
    return clerk


def test_who_changes_users_gives_nobody_rights(clerk, ada):
    body = {"email": ada.email, "display_name": "A", "time_zone": "UTC", "is_active": "on"}
    rights = {"is_staff": "on", "is_superuser": "on", "user_permissions": ["1"]}
    assert clerk.post(change_url(ada), body | rights | {"is_teacher": "on"}).status_code == 302
    ada.refresh_from_db()
    assert (ada.is_teacher, ada.is_staff, ada.is_superuser) == (True, False, False)
    assert not ada.user_permissions.exists()


def test_who_changes_users_takes_over_no_account(clerk, ada):
    """Neither by its address nor by its password: both lead to what it holds."""
    body = {"email": "stolen@example.com", "display_name": "A", "time_zone": "UTC"}
    assert clerk.post(change_url(ada), body | {"is_active": "on"}).status_code == 302
    page = clerk.get(change_url(ada)).content.decode()
    assert "Set a new password" not in page
    url = reverse("admin:auth_user_password_change", args=[ada.pk])
    assert clerk.get(url).status_code == 403
    new = {"usable_password": "true", "password1": "new pass 9", "password2": "new pass 9"}
    assert clerk.post(url, new).status_code == 403
    ada.refresh_from_db()
    assert (ada.email, ada.display_name) == ("ada@example.com", "A")
    assert ada.check_password(PASSWORD)


def test_nobody_makes_somebody_the_referrer_of_others(browser, clerk, ada):
    friend = User.objects.create_user("friend@example.com", PASSWORD, display_name="F")
    body = {"email": ada.email, "display_name": "A", "time_zone": "UTC", "is_active": "on"}
    for staff in (browser, clerk):
        sent = body | {"referred_by": str(friend.pk), "referral_code": "mine"}
        assert staff.post(change_url(ada), sent).status_code == 302
        ada.refresh_from_db()
        assert ada.referred_by is None
        assert ada.referral_code != "mine"
    ada.referred_by = friend
    ada.save()
    assert "friend@example.com" in browser.get(change_url(ada)).content.decode()
    assert browser.post(change_url(ada), body | {"referred_by": ""}).status_code == 302
    ada.refresh_from_db()
    assert ada.referred_by == friend


def test_who_changes_groups_gives_themselves_no_right(clerk):
    user, group = User.objects.get(email="clerk@example.com"), Group.objects.get()
    rights = Permission.objects.filter(content_type__model="group")
    user.user_permissions.set(rights)
    url = reverse("admin:auth_group_change", args=[group.pk])
    every = list(Permission.objects.values_list("pk", flat=True))
    body = {"name": "clerks", "permissions": every}
    for path in (url, reverse("admin:auth_group_add")):
        assert clerk.get(path).status_code == clerk.post(path, body).status_code == 403
    assert clerk.post(reverse("admin:auth_group_delete", args=[group.pk])).status_code == 403
    assert group.permissions.count() == 3


@pytest.mark.parametrize("email", ["boss@example.com", "clerk@example.com"])
def test_who_changes_users_changes_no_staff(clerk, email):
    staff = User.objects.get(email=email)
    body = {"email": "stolen@example.com", "display_name": "S", "time_zone": "UTC"}
    assert clerk.get(change_url(staff)).status_code == 200
    assert clerk.post(change_url(staff), body).status_code == 403
    url = reverse("admin:auth_user_password_change", args=[staff.pk])
    assert (
        clerk.post(url, {"password1": "new pass 9", "password2": "new pass 9"}).status_code == 403
    )
