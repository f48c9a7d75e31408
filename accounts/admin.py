"""Staff screens of users and their sign-ins."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

from django.contrib import admin
from django.contrib.admin.views.main import SEARCH_VAR
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection
from django.db.models import Model, QuerySet
from django.forms import ModelForm
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from accounts import proving
from accounts.forms import NewUserForm, StaffPasswordForm, StaffSignInForm, UserForm
from accounts.introducing import take_down
from accounts.models import Introduction, StaffRequest, StaffRequestQuerySet, TokenFamily, User
from accounts.names import write_name
from accounts.people import signed_in
from accounts.staff_requests import RELOADED_AFTER, text_of
from common.admin import (
    PeriodFilter,
    PersonFilter,
    ReadOnly,
    ReadOnlyAdmin,
    SearchedAdmin,
    badge,
)
from common.exports import download
from common.formats import moment
from common.shapes import Json
from common.transactions import operation

admin.site.login_form = StaffSignInForm
STATES = {
    "waiting": ("being prepared", "warn"),
    "done": ("done", "good"),
    "failed": ("failed", "bad"),
}
# The value of a flag that few users have, and the column by whose index they are found.
FEW = {"is_teacher": ("1", "teaching"), "is_active": ("0", "inactive")}
RIGHTS = ("is_staff", "is_superuser", "groups", "user_permissions")


class FewFilter(admin.BooleanFieldListFilter):
    """A flag that has no index itself."""

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet | None:
        value, column = FEW[self.field_path]
        if self.lookup_val == value:
            return queryset.filter(**{column: 1})
        return super().queryset(request, queryset)


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
        ("is_teacher", FewFilter), ("is_active", FewFilter), "is_staff", "email_refused",
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

    def _whole(self, view: Callable[..., HttpResponse], *args: Any) -> HttpResponse:
        # Django's own views open a transaction, in which no operation may begin.
        whole = operation(view)
        try:
            return whole(*args)
        except IntegrityError:
            if connection.in_atomic_block:  # adding a user comes by here twice
                raise
            # Somebody has just got the address: now the form says so.
            return whole(*args)

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

    actions = None  # the few there are go one by one

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


@admin.register(Introduction)
class IntroductionAdmin(ReadOnlyAdmin):
    """What teachers show of themselves; who may take it down deletes it here."""

    list_display = ("user", "photo", "beginning")
    ordering = ("-user_id",)
    joined = ("user",)
    search_fields = ("^user__email", "^user__display_name")
    fields = ("user", "photo", "words")
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.has_perm("accounts.delete_introduction")

    def delete_model(self, request: HttpRequest, obj: Introduction) -> None:
        take_down(obj.user_id)

    @admin.display(description="words")
    def beginning(self, introduction: Introduction) -> str:
        return Truncator(introduction.words).words(20)


@admin.register(StaffRequest)
class StaffRequestAdmin(ReadOnly, SearchedAdmin):
    """What I asked for, and the files that came of it; nobody else's."""

    list_display = ("what", "filtered", "status", "rows", "asked", "file")
    list_display_links = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: StaffRequest | None = None) -> bool:
        return request.user.is_active and signed_in(request).is_staff

    def get_queryset(self, request: HttpRequest) -> StaffRequestQuerySet:
        return StaffRequest.objects.live().filter(user=signed_in(request)).order_by(*self.ordering)

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.file_view)
        return [
            path("<uuid:key>/file/", view, name="accounts_staffrequest_file"),
            *super().get_urls(),
        ]

    def file_view(self, request: HttpRequest, key: UUID) -> HttpResponseBase:
        """The file, for who asked for it and still has the permission."""
        asked = get_object_or_404(self.get_queryset(request), pk=key)
        if not asked.has_file:
            raise Http404
        if not asked.is_allowed:
            raise PermissionDenied
        return download(f"{asked.what}.csv", text_of(asked))

    def changelist_view(
        self, request: HttpRequest, extra_context: Json | None = None
    ) -> HttpResponse:
        answer = super().changelist_view(request, extra_context)
        if self.get_queryset(request).waiting().exists():
            answer["Refresh"] = str(RELOADED_AFTER)
        return answer

    @admin.display(description="filtered by")
    def filtered(self, asked: StaffRequest) -> str:
        told = (f"{_plain(name)} {value}" for name, value in parse_qsl(asked.query))
        return ", ".join(told) or "–"

    @admin.display(description="state")
    def status(self, asked: StaffRequest) -> str:
        word, tone = STATES[asked.state]
        return badge(word, tone)

    @admin.display(description="asked for", ordering="pk")
    def asked(self, asked: StaffRequest) -> str:
        return moment(asked.asked_at)

    @admin.display
    def file(self, asked: StaffRequest) -> str:
        if not asked.has_file:
            return "–"
        words = '<a href="{}">Download</a> until {}'
        address = reverse("admin:accounts_staffrequest_file", args=[asked.pk])
        return format_html(words, address, moment(asked.expires_at))


def _plain(name: str) -> str:
    """`status` of `status__exact`, as addresses have it."""
    if name == SEARCH_VAR:
        return "search"
    return name.removesuffix("__exact").removesuffix("__id").replace("__", " ").replace("_", " ")
