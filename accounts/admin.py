"""Staff screens of users and their sign-ins."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from accounts import proving
from accounts.forms import NewUserForm, StaffPasswordForm, StaffSignInForm, UserForm
from accounts.models import TokenFamily, User
from accounts.names import write_name
from common.admin import PeriodFilter, PersonFilter, ReadOnly, SearchedAdmin, badge
from common.shapes import Json
from common.transactions import operation

admin.site.login_form = StaffSignInForm
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


@admin.register(User)
class UserAdmin(SearchedAdmin, DjangoUserAdmin):
    form = UserForm
    add_form = NewUserForm
    change_password_form = StaffPasswordForm
    list_display = (
        "email", "address_state", "display_name", "is_teacher", "is_active", "is_staff",
        "date_joined",
    )  # fmt: skip
    list_filter = (
        "is_teacher", "is_active", "is_staff", "email_refused",
        ("proved_since", admin.EmptyFieldListFilter), ("date_joined", PeriodFilter),
    )  # fmt: skip
    search_fields = ("^email", "^display_name", "=referral_code")
    ordering = ("-date_joined",)
    # A student's referrer earns from them, so it stays as it was at registration.
    readonly_fields = (
        "address_state", "new_password", "referral_code", "referred_by", "last_login",
        "date_joined",
    )  # fmt: skip
    fieldsets = (
        (None, {"fields": ("email", "address_state", "display_name", "time_zone", "new_password")}),
        ("Role", {"fields": ("is_teacher", "referral_code", "referred_by")}),
        (
            "Permissions",
            {"fields": ("is_active", *RIGHTS)},
        ),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "display_name", "usable_password", "password1", "password2")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).select_related("referred_by")

    def user_change_password(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not request.user.is_superuser:
            raise PermissionDenied
        return super().user_change_password(request, *args, **kwargs)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Json | None = None
    ) -> HttpResponse:
        if request.method != "POST":
            return super().add_view(request, form_url, extra_context)
        return self._whole(self._add_view, request, form_url, extra_context)  # type: ignore[attr-defined]

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Json | None = None,
    ) -> Any:
        if request.method != "POST":
            return super().changeform_view(request, object_id, form_url, extra_context)
        return self._whole(self._changeform_view, request, object_id, form_url, extra_context)  # type: ignore[attr-defined]

    @operation
    def _whole(self, view: Callable[..., HttpResponse], *args: Any) -> HttpResponse:
        # Django's own views open a transaction, in which no operation may begin.
        return view(*args)

    def save_model(self, request: HttpRequest, obj: User, form: ModelForm, change: bool) -> None:
        """An address that staff typed is proved like any other.

        What they left as it was is not written: its user may have changed it meanwhile.
        """
        columns = {field.name for field in User._meta.concrete_fields}
        obj.save(update_fields=columns.intersection(form.changed_data) if change else None)
        if not {"display_name", "is_teacher"}.isdisjoint(form.changed_data):
            write_name(obj.pk)
        if "email" in form.changed_data:
            proving.doubt_address(user=obj, old=form.initial.get("email", ""))

    @admin.display(description="address", ordering="proved_since")
    def address_state(self, user: User) -> str:
        if user.email_refused:
            mailbox = reverse("admin:notices_mailbox_change", args=[user.pk])
            return format_html('{} <a href="{}">Why</a>', badge("refused", "bad"), mailbox)
        return badge("confirmed", "good") if user.email_proved else badge("not confirmed", "warn")

    @admin.display(description="password")
    def new_password(self, user: User) -> str:
        url = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('<a href="{}">Set a new password</a>', url)

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> tuple[str, ...]:
        """Only superusers give permissions: staff who can change users could take them all.

        The same goes for addresses: setting one, or the password, gives access to the account.
        """
        readonly = (*super().get_readonly_fields(request, obj),)
        if request.user.is_superuser:
            return readonly
        return (*readonly, *RIGHTS, *(["email"] if obj else []))

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or request.user.is_superuser:
            return fieldsets
        (title, first), *others = fieldsets
        fields = [name for name in first["fields"] if name != "new_password"]
        return ((title, first | {"fields": fields}), *others)

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Setting the address or password of a member of staff would give their permissions."""
        above = obj is not None and obj.is_staff and not request.user.is_superuser
        return not above and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Users have money, so they are deactivated, never deleted."""
        return False


admin.site.unregister(Group)


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin):
    """For superusers only: staff could add permissions to their own group."""

    def has_view_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return bool(request.user.is_superuser)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


@admin.register(TokenFamily)
class TokenFamilyAdmin(ReadOnly, SearchedAdmin):
    list_display = ("id", "user", "created_at", "rotated_at", "revoked_at", "expires_at")
    list_filter = (("expires_at", PeriodFilter), ("user", PersonFilter))
    joined = ("user",)
    search_fields = ("^user__email",)
    fields = ("user", "created_at", "rotated_at", "revoked_at", "expires_at")
