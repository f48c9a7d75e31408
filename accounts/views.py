"""Signing up, in and out; the profile; addresses; changed and forgotten passwords."""

from datetime import timedelta
from typing import Any, Protocol
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout, update_session_auth_hash
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render, resolve_url
from django.urls import reverse, reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from accounts import links, proving
from accounts.errors import TooManyAttempts
from accounts.forms import (
    LONGEST_INTRODUCTION,
    AddressForm,
    ForgottenPasswordForm,
    IntroductionForm,
    NewPasswordForm,
    PasswordForm,
    ProfileForm,
    ProofForm,
    RegistrationForm,
    SignInForm,
    ZoneForm,
)
from accounts.invitations import inviter_of
from accounts.models import User
from accounts.people import signed_in, visitor
from accounts.throttling import SignInAttempt, client_address
from common.errors import DomainError, NotFound
from common.formats import address as as_written
from common.markdown import to_html
from common.zones import ZONE_COOKIE_NAME

NEWCOMERS_GO_TO = "enrollments:catalogue"
TEACHERS_GO_TO = "teaching:courses"
# The forms for guests, and where a user who has logged in meanwhile goes on; else where they begin.
GUESTS_FORMS = {
    "accounts:login": "",
    "accounts:register": NEWCOMERS_GO_TO,
    "accounts:forgot_password": "accounts:forgot_password",
    "admin:login": "admin:index",
}
CHANGED = "Your password has been changed. Log in with the new one."
WAS_NOBODYS = (
    f"{CHANGED} Nobody had confirmed this email address before, so your name, your "
    "calendar's address and your choice of emails were reset: see your profile."
)

page = require_http_methods(["GET", "HEAD", "POST"])


class Refusable(Protocol):
    """A form that passes its input to a service and keeps the service's refusal."""

    refusal: DomainError | None


@page
@sensitive_post_parameters("password")
def register(request: HttpRequest) -> HttpResponse:
    """Sign up as a student, and carry on where the user came from, logged in."""
    if request.user.is_authenticated:
        return _go_on(request, NEWCOMERS_GO_TO)
    inviter = inviter_of(request)
    invitation = {"referral_code": inviter.referral_code} if inviter else {}
    form = RegistrationForm(request.POST or None, initial=invitation)
    if form.is_valid() and (user := form.register(address=client_address(request))):
        login(request, user)
        messages.success(request, f"Your account is ready. Welcome, {user.display_name}.")
        response = _go_on(request, NEWCOMERS_GO_TO)
        response.delete_cookie(settings.REFERRAL_COOKIE_NAME)
        return response
    return _show(request, "register", form, next=_wanted(request), inviter=inviter)


@page
@sensitive_post_parameters("password")
def log_in(request: HttpRequest) -> HttpResponse:
    """Log in, and carry on where the user came from."""
    if request.user.is_authenticated:
        return _go_on(request, _home_of(signed_in(request)))
    form = SignInForm(request, request.POST or None)
    if form.is_valid():
        return _go_on(request, _home_of(form.get_user()))
    return _show(request, "login", form, next=_wanted(request))


@require_POST
def log_out(request: HttpRequest) -> HttpResponse:
    """End this session."""
    logout(request)
    messages.success(request, "You are logged out.")
    return redirect(settings.LOGOUT_REDIRECT_URL)


@page
def choose_zone(request: HttpRequest) -> HttpResponse:
    """Choose the time zone of this browser's pages; a user's is in the profile."""
    if request.user.is_authenticated:
        return redirect("accounts:profile")
    form = ZoneForm(request.POST or None)
    if not form.is_valid():
        return render(
            request, "accounts/choose_zone.html", {"form": form, "next": _wanted(request)}
        )
    response = _go_on(request, NEWCOMERS_GO_TO)
    response.set_cookie(
        ZONE_COOKIE_NAME,
        form.cleaned_data["time_zone"],
        max_age=timedelta(days=365),
        secure=settings.SESSION_COOKIE_SECURE,
        samesite="Lax",
    )
    return response


@page
@login_required
def profile(request: HttpRequest) -> HttpResponse:
    """My name, time zone and address, and my link to invite others."""
    user = signed_in(request)
    form = ProfileForm(user, request.POST or None)
    if form.is_valid() and form.save():
        messages.success(request, "Your profile has been saved.")
        return redirect("accounts:profile")
    link = f"{settings.SITE_URL}{reverse(NEWCOMERS_GO_TO)}?ref={user.referral_code}"
    return _show(request, "profile", form, link=link)


@page
@login_required
def introduce(request: HttpRequest) -> HttpResponse:
    """What I show of myself as a teacher, or my words as others would see them."""
    user = signed_in(request)
    if not user.is_active_teacher:
        raise NotFound
    form = IntroductionForm(user, request.POST or None, request.FILES or None)
    preview = None
    if request.POST.get("step") == "preview":
        preview = SafeString(to_html(request.POST.get("words", "")[:LONGEST_INTRODUCTION]))
    elif form.is_valid() and form.save():
        messages.success(request, "Your teacher page has been saved.")
        return redirect("enrollments:teacher", user.pk)
    return _show(request, "introduce", form, preview=preview)


@page
@login_required
@sensitive_post_parameters()
def change_password(request: HttpRequest) -> HttpResponse:
    """Set a new password; this session continues, all others end."""
    form = PasswordForm(signed_in(request), request.POST or None)
    if form.is_valid() and form.save(address=client_address(request)):
        update_session_auth_hash(request, form.user)
        messages.success(
            request, "Your password has been changed. You are logged out everywhere else."
        )
        return redirect("accounts:profile")
    return _show(request, "change_password", form)


@page
@login_required
@sensitive_post_parameters("password")
def change_email(request: HttpRequest) -> HttpResponse:
    """Ask for another address, which replaces mine once it is proved."""
    form = AddressForm(signed_in(request), request.POST or None)
    if form.is_valid() and form.save(address=client_address(request)):
        sent_to = as_written(form.cleaned_data["email"])
        messages.success(request, f"We've sent a link to {sent_to}. Use it to change your address.")
        return redirect("accounts:profile")
    return _show(request, "change_email", form)


@require_POST
@login_required
def send_link(request: HttpRequest) -> HttpResponse:
    """Email me another link to prove my address, or the one that is to replace it."""
    sent_to = proving.send_link_again(user=signed_in(request), address=client_address(request))
    messages.success(request, f"We've sent a link to {as_written(sent_to)}.")
    return redirect("accounts:profile")


@require_POST
@login_required
def keep_email(request: HttpRequest) -> HttpResponse:
    """Give up the change of my address."""
    proving.keep_address(user=signed_in(request))
    messages.success(request, "Your email address stays as it is.")
    return redirect("accounts:profile")


@page
@never_cache
@sensitive_post_parameters("password")
def prove_email(request: HttpRequest, token: str) -> HttpResponse:
    """Where a mailed link leads: opening it changes nothing, its button proves the address."""
    proof = proving.find_proof(token)
    form = ProofForm(proof, visitor(request), request.POST if request.method == "POST" else None)
    if form.is_valid() and (user := form.prove(token, address=client_address(request))):
        messages.success(request, "Thank you. Your email address is confirmed.")
        return redirect("accounts:profile" if request.user == user else "accounts:login")
    response = _show(request, "prove_email", form, proof=proof)
    # Not no-referrer, with which browsers withhold the origin of the form as well.
    response.headers["Referrer-Policy"] = "strict-origin"
    return response


@page
def forgot_password(request: HttpRequest) -> HttpResponse:
    """Email a link if the account exists; the answer is the same for everyone."""
    form = ForgottenPasswordForm(request.POST or None)
    if form.is_valid() and form.send(address=client_address(request)):
        return redirect("accounts:link_sent")
    return _show(request, "forgot_password", form)


class NewPassword(PasswordResetConfirmView):
    """Where the emailed link leads: a new password, once. It ends every session and token."""

    token_generator = links.password_links
    form_class = NewPasswordForm  # type: ignore[assignment] # Django's own asks twice
    template_name = "accounts/new_password.html"
    success_url = reverse_lazy("accounts:login")

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "visitor": visitor(self.request)}

    def form_valid(self, form: NewPasswordForm) -> HttpResponse:  # type: ignore[override]
        """The owner, who has read the email, can log in even while the account is under attack."""
        response = super().form_valid(form)  # type: ignore[arg-type]
        SignInAttempt(form.user.email, client_address(self.request)).know(form.user)
        messages.success(self.request, WAS_NOBODYS if form.handed_over else CHANGED)
        return response


def show_again(request: HttpRequest) -> HttpResponse | None:
    """Where to go on from a guest's form whose token is older than a login in another tab.

    None if it isn't a form for guests. The contents of the form are ignored.
    """
    name = request.resolver_match.view_name if request.resolver_match else ""
    if name not in GUESTS_FORMS:
        return None
    if request.user.is_authenticated:
        home = GUESTS_FORMS[name] or _home_of(signed_in(request))
        return _go_on(request, home)
    messages.warning(request, "This page had expired, so nothing was sent. Please try again.")
    wanted = urlencode({"next": _wanted(request)}) if _wanted(request) else ""
    return redirect(f"{request.path}?{wanted}")


def _home_of(user: User) -> str:
    """Where a user begins: teachers with what they teach."""
    return TEACHERS_GO_TO if user.is_teacher else settings.LOGIN_REDIRECT_URL


def _wanted(request: HttpRequest) -> str:
    """Where `next` leads, if it is one of our pages."""
    target = request.POST.get("next") or request.GET.get("next") or ""
    ours = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if ours else ""


def _go_on(request: HttpRequest, otherwise: str) -> HttpResponse:
    return HttpResponseRedirect(_wanted(request) or resolve_url(otherwise))


def _show(request: HttpRequest, name: str, form: Refusable, **context: Any) -> HttpResponse:
    response = render(request, f"accounts/{name}.html", {"form": form, **context})
    if isinstance(form.refusal, TooManyAttempts):
        response.status_code = form.refusal.status
        response.headers["Retry-After"] = str(form.refusal.retry_after)
    return response
