"""Signing in by a page, under the same limits as by the API."""

from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import AdminUserCreationForm, AuthenticationForm, UserChangeForm

from accounts.models import User
from accounts.services import sign_in
from accounts.throttling import client_address
from common.errors import DomainError


class SignInForm(AuthenticationForm):
    """Who may come in is answered by `sign_in`, so a page is no way around its limits."""

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("username") and data.get("password") and self.request:
            try:
                self.user_cache = sign_in(
                    email=data["username"],
                    password=data["password"],
                    address=client_address(self.request),
                )
            except DomainError as error:
                raise forms.ValidationError(str(error), code=error.code) from error
            self.confirm_login_allowed(self.user_cache)
        return data


class StaffSignInForm(SignInForm, AdminAuthenticationForm):
    """The same for the admin, which lets in staff only."""


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email", "display_name")


class UserForm(UserChangeForm):
    password = None  # type: ignore[assignment]

    class Meta:
        model = User
        fields = "__all__"
