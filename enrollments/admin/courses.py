"""Staff screens of courses and their sessions.

They are here, and not in the catalogue, because changing what may have been sold is.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db.models import DateTimeField, Model, PositiveIntegerField, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from accounts.models import User
from common.admin import PersonFilter, ReadOnlyAdmin, SearchedAdmin
from common.errors import DomainError
from common.forms import AmountField, PlainMomentField, WholeNumberField
from common.transactions import operation
from courses.models import Course, CourseSession
from courses.services import archive_course, publish_course
from enrollments.services.sessions import (
    add_session,
    cancel_session,
    change_course,
    refunds_changed,
    refunds_due,
    refunds_due_in,
    refunds_made,
)

PLAIN: dict[Any, dict[str, Any]] = {
    PositiveIntegerField: {"form_class": WholeNumberField},
    DateTimeField: {"form_class": PlainMomentField},
}


class CourseForm(forms.ModelForm):
    price_full_course = AmountField(required=False)
    price_per_session = AmountField(required=False)
    refusal = ""  # of the service that was called with this input before

    def clean_teacher(self) -> User:
        teacher = self.cleaned_data["teacher"]
        if not teacher.is_active_teacher:
            raise forms.ValidationError(
                "This user is deactivated." if teacher.is_teacher else "This user is not a teacher."
            )
        return teacher

    def clean(self) -> dict[str, Any] | None:
        if self.refusal:
            raise forms.ValidationError(self.refusal)
        return super().clean()


class SessionInline(admin.TabularInline):
    """The sessions of a course; new ones while it is a draft."""

    model = CourseSession
    extra = 0
    formfield_overrides = PLAIN
    fields = ("session_number", "title", "description", "starts_at", "duration_minutes", "status")
    readonly_fields = ("session_number", "status")
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        draft = obj is None or obj.status == Course.Status.DRAFT
        return draft and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Course)
class CourseAdmin(SearchedAdmin):
    form = CourseForm
    formfield_overrides = PLAIN
    list_display = (
        "title", "teacher", "status", "price_full_course", "price_per_session",
        "current_students", "max_students", "created_at",
    )  # fmt: skip
    list_filter = ("status", "level", "created_at", ("teacher", PersonFilter))
    list_select_related = ("teacher",)
    search_fields = ("title", "teacher__email")
    autocomplete_fields = ("teacher",)
    fields = (
        "teacher", "title", "description", "language", "level", "category", "thumbnail",
        "price_full_course", "price_per_session", "max_students", "current_students", "status",
    )  # fmt: skip
    inlines = (SessionInline,)
    actions = ("publish", "archive")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("current_students", "status", *(("teacher",) if obj else ()))

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, *args, **kwargs)
        form.refusal = getattr(request, "refusal", "")
        return form

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Save course and new sessions all or nothing; a refusal is an error of the form."""
        if request.method != "POST":
            return super().changeform_view(request, *args, **kwargs)
        try:
            return self.save_all(request, *args, **kwargs)
        except DomainError as error:
            request.refusal = str(error)  # type: ignore[attr-defined]
            for file in cast(Any, request.FILES.values()):
                file.seek(0)  # it was read for the first try
            return self.save_all(request, *args, **kwargs)

    @operation
    def save_all(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        # Django's own changeform_view opens a transaction, in which no operation may begin.
        return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        if not change:
            obj.save()
        elif changes := {name: getattr(obj, name) for name in form.changed_data}:
            change_course(course_id=obj.pk, actor=request.user, **changes)

    def save_formset(self, request: Any, form: Any, formset: Any, change: bool) -> None:
        added = [row.cleaned_data for row in formset.extra_forms if row.has_changed()]
        names = ("title", "description", "starts_at", "duration_minutes")
        formset.changed_objects, formset.deleted_objects = [], []
        formset.new_objects = [
            add_session(
                course_id=form.instance.pk,
                actor=request.user,
                **{name: row[name] for name in names},
            )
            for row in added
        ]

    @admin.action(description="Publish selected courses", permissions=["change"])
    def publish(self, request: HttpRequest, queryset: QuerySet[Course]) -> None:
        for course in queryset:
            self.do(request, course, publish_course, "Published.")

    @admin.action(description="Archive selected courses", permissions=["change"])
    def archive(self, request: HttpRequest, queryset: QuerySet[Course]) -> None:
        for course in queryset:
            self.do(request, course, archive_course, "Archived.")

    def do(self, request: HttpRequest, course: Course, service: Any, done: str) -> None:
        def act() -> str:
            service(course_id=course.pk, actor=request.user)
            return done

        report(self, request, course, act)


class AttentionFilter(admin.SimpleListFilter):
    """Sessions that staff have to see to: whoever was to teach them cannot call them off."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("no_teacher", "Teacher gone")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() != "no_teacher":
            return queryset
        teaching = Q(course__teacher__is_active=True, course__teacher__is_teacher=True)
        return queryset.filter(~teaching, status__in=CourseSession.OPEN)


@admin.register(CourseSession)
class CourseSessionAdmin(ReadOnlyAdmin):
    list_display = ("title", "course", "session_number", "starts_at", "duration_minutes", "status")
    list_filter = (AttentionFilter, "status", "starts_at")
    joined = ("course",)
    search_fields = ("title", "course__title", "course__teacher__email")
    id_fields = ("pk", "course")
    actions = ("cancel_and_refund",)

    def has_cancel_permission(self, request: Any) -> bool:
        """Calling a session off refunds everybody: whoever may refund one may do that."""
        rights = ("courses.change_coursesession", "payments.decide_paymenthold")
        return any(map(request.user.has_perm, rights))

    @admin.action(description="Cancel session and refund…", permissions=["cancel"])
    def cancel_and_refund(
        self, request: HttpRequest, queryset: QuerySet[CourseSession]
    ) -> HttpResponse | None:
        """Show what would be refunded; once confirmed, do it, unless it would be else by then."""
        sessions: list[Any] = list(queryset.select_related("course"))
        if "confirmed" in request.POST:
            for session in sessions:
                report(self, request, session, partial(call_off, request, session))
            return None
        dues = refunds_due_in([session.pk for session in sessions])
        for session in sessions:
            session.due = dues[session.pk]
        context = self.admin_site.each_context(request)
        context |= {"title": "Cancel sessions", "sessions": sessions, "opts": self.opts}
        return TemplateResponse(request, "admin/courses/coursesession/cancel.html", context)


def call_off(request: Any, session: CourseSession) -> str:
    """Cancel a session if that gives back what the page has told; says what came back.

    A repeat does what a crash left, whatever the page has told.
    """
    due, told = refunds_due(session.pk), request.POST.get(f"expected-{session.pk}")
    if told != due.told and session.status != CourseSession.Status.CANCELLED:
        raise refunds_changed(due)
    cancel_session(session_id=session.pk, actor=request.user, expected=due)
    return f"Cancelled. {refunds_made(session.pk)}"


def report(screen: admin.ModelAdmin, request: Any, row: Model, act: Callable[[], str]) -> None:
    """Do something with one row, and say what came of it: what was done, or the refusal."""
    try:
        done = act()
    except DomainError as error:
        screen.message_user(request, f"{row}: {error}", messages.ERROR)
    else:
        screen.log_change(request, row, done)
        screen.message_user(request, f"{row}: {done}", messages.SUCCESS)
