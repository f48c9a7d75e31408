"""How staff decide: a verb, what it would do, a reason, and a line in the history.

A screen that mixes `Deciding` in lists its `decisions`. Each is an action of the list and a button
of the row, which lead to one page: it shows what would happen to each object, or the refusal, and
asks what the decision needs to know. Once sent, each object is a transaction of its own, with its
line in the history, and a message says what happened. What is declared for one decision:

    class Approving(Decision[Withdrawal]):
        def prospects(self, rows, actor): …  # what the page shows
        def deed(self, row, actor, answers): …  # one call of a service

    decisions = (Approving(verb="approve", label="Approve", rights=("payments.decide",), …),)
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any, ClassVar, Generic, TypeVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, re_path, reverse
from django.utils.text import capfirst

from common.admin.screens import SearchedAdmin, keys_of
from common.errors import DomainError
from common.forms import LongTextField
from common.transactions import operation

M = TypeVar("M", bound=Model | None)


class ReasonForm(forms.Form):
    """Why staff do it: the reason stays with the money for good."""

    reason = LongTextField(rows=3, max_length=500)


@dataclass(frozen=True, kw_only=True)
class Item:
    """A piece of an object that can be left out by unticking it; disabled if it is `refused`."""

    key: UUID
    cells: Sequence[str]
    amount: Decimal
    refused: bool = False
    told: str = ""


@dataclass(frozen=True, kw_only=True)
class Prospect(Generic[M]):
    """What would happen to an object, called `name` in messages; or the refusal.

    `told` is what the page says would happen; it is sent along, for the deed to compare. The same
    of each item. Without `items` an object is decided on as a whole.
    """

    row: M
    name: str
    title: str = ""
    facts: Sequence[str] = ()
    items: Sequence[Item] | None = None
    outcome: str = ""
    refusal: DomainError | None = None
    told: str = ""

    @property
    def can_go(self) -> bool:
        left = self.items is None or any(not item.refused for item in self.items)
        return left and not self.refusal


@dataclass(frozen=True)
class Answers:
    """What staff sent about an object: form fields, ticks, and what the page had told them."""

    fields: Mapping[str, Any]
    sent: QueryDict

    @property
    def texts(self) -> list[str]:
        """What staff wrote: the reason, or the bank's reference."""
        return [text for text in self.fields.values() if isinstance(text, str)]

    @property
    def ticked(self) -> set[UUID]:
        return keys_of(self.sent.getlist("part"))

    def told(self, key: UUID) -> str:
        return self.sent.get(f"told-{key}", "")


@dataclass(frozen=True)
class Done:
    """What was done, as messages and history say; that of the row `made` by it, if one was.

    After it messages say a `warning`.
    """

    said: str
    made: Model | None = None
    warning: str = ""


LEFT = Done("left as it is")


@dataclass(frozen=True, kw_only=True)
class Decision(Generic[M]):
    """One way to decide, for staff with any of the `rights`.

    Its `form` is asked once, or of `each` object. What does not ask is done at once. `key` names
    the objects in addresses; without one the form says on whom to decide, and a link to the page
    may fill in what is `prefilled`. `columns` are those of a table of items. A deed in `steps`
    has transactions of its own; all of a page run `together` in a context.
    """

    verb: str
    label: str
    rights: tuple[str, ...]
    form: type[forms.Form] = ReasonForm
    each: bool = False
    asks: bool = True
    key: str = ""
    prefilled: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    warning: str = ""
    steps: bool = False
    together: Callable[[], AbstractContextManager] = nullcontext

    def is_offered(self, row: M) -> bool:
        """Whether the page of this row has a button for it."""
        return self.asks

    def prospects(self, rows: Sequence[M], actor: Any) -> list[Prospect[M]]:
        """What would become of these rows now. Locks nothing."""
        return [Prospect(row=row, name=str(row)) for row in rows]

    def deed(self, row: M, actor: Any, answers: Answers) -> Done:
        """Do it by a service, and say what was done; `LEFT` where nothing is ticked."""
        raise NotImplementedError


@dataclass(frozen=True)
class Row:
    """A prospect, with the form of this object or of the whole page."""

    prospect: Prospect
    form: forms.Form

    @property
    def is_answered(self) -> bool:
        return self.prospect.refusal is not None or self.form.is_valid()


class Deciding(SearchedAdmin):
    """A screen with decisions. Nobody reads a preview of more than `at_most` objects."""

    decisions: ClassVar[tuple[Decision, ...]] = ()
    decide_at = r"^decide/(?P<verb>\w+)/$"
    at_most = 100
    change_form_template = "admin/decide/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.decide_view)
        name = self.name_of("decide").removeprefix("admin:")
        return [re_path(self.decide_at, view, name=name), *super().get_urls()]

    def name_of(self, page: str) -> str:
        return f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"

    def address_of(self, decision: Decision) -> str:
        return reverse(self.name_of("decide"), args=[decision.verb])

    def allowed(self, request: Any) -> list[Decision]:
        """The decisions that this user may take."""
        return [one for one in self.decisions if any(map(request.user.has_perm, one.rights))]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        ours = {
            one.verb: (partial(act, one), one.verb, f"{one.label}{'…' * one.asks}")
            for one in self.allowed(request)
            if one.key
        }
        return super().get_actions(request) | ours

    def response_action(  # type: ignore[override]  # the stubs are of a later Django
        self, request: HttpRequest, queryset: QuerySet
    ) -> HttpResponse | None:
        """What no row can have for an id chooses nothing."""
        sent = request.POST.copy()
        chosen = keys_of(sent.getlist(ACTION_CHECKBOX_NAME))
        sent.setlist(ACTION_CHECKBOX_NAME, [str(key) for key in chosen])
        request.POST = sent  # type: ignore[assignment]
        return super().response_action(request, queryset)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = context.get("original")
        context["buttons"] = [
            (one.label, f"{self.address_of(one)}?{one.key}={row.pk}")
            for one in self.allowed(request)
            if row and one.key and one.is_offered(row)
        ]
        return super().render_change_form(request, context, *args, **kwargs)

    def decide_view(self, request: HttpRequest, verb: str) -> HttpResponse:
        """What would be done; once sent with what it asks for, the deed."""
        found = [one for one in self.decisions if one.verb == verb and one.asks]
        if not found:
            raise Http404
        [decision] = found
        if decision not in self.allowed(request):
            raise PermissionDenied
        sent = request.POST if request.method == "POST" else None
        if not decision.key:
            return self.ask_on_whom(request, decision, sent)
        keys = keys_of((request.GET if sent is None else sent).getlist(decision.key))
        rows = self.get_queryset(request).filter(pk__in=keys)
        return self.ask(request, decision, rows, sent) or redirect(self.name_of("changelist"))

    def ask(
        self, request: Any, decision: Decision, found: QuerySet, sent: QueryDict | None
    ) -> HttpResponse | None:
        """The page that asks, or once it is answered nothing: then all is done."""
        keys = list(found.values_list("pk", flat=True)[: self.at_most + 1])
        if len(keys) > self.at_most:
            self.message_user(request, f"Choose at most {self.at_most} at a time.", messages.ERROR)
            return None
        chosen = self.rows_of(keys)
        form = decision.form(sent)
        rows = [
            Row(prospect, decision.form(sent, prefix=str(row.pk)) if decision.each else form)
            for row, prospect in zip(chosen, decision.prospects(chosen, request.user), strict=True)
        ]
        if sent is None or not all(row.is_answered for row in rows):
            return self.page(request, decision, rows, form)
        with decision.together():
            for row in rows:
                self.settle(request, decision, row, sent)
        return None

    def ask_on_whom(
        self, request: HttpRequest, decision: Decision, sent: QueryDict | None
    ) -> HttpResponse:
        """The page whose form says on whom to decide; a refusal is an error of the form."""
        given = {name: request.GET.get(name, "") for name in decision.prefilled}
        form = decision.form(sent, initial=given)
        if sent is not None and form.is_valid():
            try:
                done = self.carry_out(request, decision, None, Answers(form.cleaned_data, sent))
            except forms.ValidationError as error:
                form.add_error(None, error)
            except DomainError as error:
                form.add_error(None, str(error))
            else:
                self.message_user(request, f"{done.said}.", messages.SUCCESS)
                return redirect(request.path)
        return self.page(request, decision, [], form)

    def page(
        self, request: HttpRequest, decision: Decision, rows: list[Row], form: forms.Form
    ) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": decision.label,
            "decision": decision,
            "address": self.address_of(decision),
            "rows": rows,
            "form": form,
            "has_errors": form.errors or any(row.form.errors for row in rows),
            "ticked": keys_of(request.POST.getlist("part")) if form.is_bound else None,
            "can_decide": not decision.key or any(row.prospect.can_go for row in rows),
            "opts": self.opts,
            "has_view_permission": self.has_view_permission(request),
        }
        return TemplateResponse(request, "admin/decide/page.html", context)

    def settle(self, request: HttpRequest, decision: Decision, row: Row, sent: QueryDict) -> None:
        """Decide on one object, and say what happened."""
        prospect = row.prospect
        try:
            if prospect.refusal:
                raise prospect.refusal
            answers = Answers(row.form.cleaned_data, sent)
            done = self.carry_out(request, decision, prospect.row, answers)
        except DomainError as error:
            self.message_user(request, f"{prospect.name}: {error}", messages.ERROR)
        else:
            self.message_user(request, f"{prospect.name}: {done.said}.", messages.SUCCESS)
            if done.warning:
                self.message_user(request, f"{prospect.name}: {done.warning}", messages.WARNING)

    def carry_out(
        self, request: HttpRequest, decision: Decision, row: Model | None, answers: Answers
    ) -> Done:
        """The deed and its line in the history: both or neither, unless it goes in steps."""

        def both() -> Done:
            done = decision.deed(row, request.user, answers)
            if done is not LEFT:
                self.write_down(request, row, done, answers)
            return done

        return both() if decision.steps else operation(both)()

    def write_down(
        self, request: HttpRequest, row: Model | None, done: Done, answers: Answers
    ) -> None:
        """What was done, and why; what was made already by the same form is there already."""
        said = ": ".join([capfirst(done.said), *answers.texts])
        if done.made is None:
            self.log_change(request, row, said)
            return
        kind, key = ContentType.objects.get_for_model(done.made), str(done.made.pk)
        made = LogEntry.objects.filter(content_type=kind, object_id=key, action_flag=ADDITION)
        if not made.exists():
            self.log_addition(request, done.made, said)


def act(
    decision: Decision, screen: Deciding, request: HttpRequest, found: QuerySet
) -> HttpResponse | None:
    """The action of a list: the page that asks; what asks nothing is done."""
    return screen.ask(request, decision, found, None if decision.asks else request.POST)
