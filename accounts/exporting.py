"""Lists of staff whose rows can be had as a file: at once, or if there are many, made by a job."""

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, cast

from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse

from accounts.models import StaffRequest, User
from accounts.people import signed_in
from accounts.staff_requests import add_piece, ask
from common import exports
from common.admin import SearchedAdmin

# A file of no more rows than these is made while its reader waits.
AT_ONCE = 10_000
PREPARED = "It's being prepared: {} of more than {:,} rows. The file will be on this page."
# A list says that it leaves some out; in a file nobody would see it.
NOT_WHOLE = "There is no file, because some rows would be missing from it."
BY_BUTTON = "More than {:,} rows are too many for a link: use the button of this list."


class IncompleteError(Exception):
    """Since it was asked for, the words have come to mean too much for a whole file."""


class ExportingAdmin(SearchedAdmin):
    """`export_name` is what its file and its requests are called; `as_row` what is `exported`."""

    export_name: str
    export_permission: str
    exported: ClassVar[tuple[str, ...]]
    as_row: Callable[..., Sequence[object]]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export/", view, name=name), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """What the list's filters leave, as a file; of many rows, it's asked for by the button.

        It's whole, or there is none.
        """
        user = signed_in(request)
        if not user.has_perm(self.export_permission):
            raise PermissionDenied
        changelist = f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"
        if self.leaves_some_out(request):
            self.message_user(request, NOT_WHOLE, messages.ERROR)
            return redirect(f"{reverse(changelist)}?{request.GET.urlencode()}")
        try:
            found = self.found(request)
        except IncorrectLookupParameters:
            return redirect(changelist)
        if len(found.order_by().values_list("pk", flat=True)[: AT_ONCE + 1]) <= AT_ONCE:
            rows = exports.in_chunks(found, self.rows_of)
            return exports.stream_csv(
                f"{self.export_name}.csv", self.exported, map(self.as_row, rows)
            )
        if request.method != "POST":
            self.message_user(request, BY_BUTTON.format(AT_ONCE), messages.ERROR)
            return redirect(changelist)
        query = request.GET.urlencode()
        ask(user=user, what=self.export_name, permission=self.export_permission, query=query)
        self.message_user(request, PREPARED.format(self.export_name, AT_ONCE), messages.SUCCESS)
        return redirect("admin:accounts_staffrequest_changelist")

    def leaves_some_out(self, request: HttpRequest) -> bool:
        """Whether the words that are searched for mean more than a search leads to."""
        return self.meant_by(request.GET.get(SEARCH_VAR, ""))[1]

    def found(self, request: HttpRequest) -> QuerySet:
        """What the list would show this user, by the filters of the address."""
        return self.get_changelist_instance(request).queryset

    def export_pieces(self, asked: StaffRequest) -> Iterator[int]:
        """Write the file that was asked for, from where it stands; gives how far it is each time.

        Each piece is a transaction, so what comes after a process that died goes on from there.
        Raises `IncompleteError` rather than leave rows out.
        """
        request = HttpRequest()
        request.user, request.GET = cast(User, asked.user), QueryDict(asked.query)
        if self.leaves_some_out(request):
            raise IncompleteError
        found = self.found(request)
        while self._export_piece(found, asked):
            asked.refresh_from_db()
            yield asked.rows

    def _export_piece(self, found: QuerySet, asked: StaffRequest) -> bool:
        """Write the next rows; gives whether there may be more for this process."""
        keys = exports.keys_after(found, asked.last)
        lines = [exports.line_of(self.as_row(row)) for row in self.rows_of(keys)]
        head = [] if asked.last else [exports.first_line(self.exported)]
        more = len(keys) == exports.CHUNK
        last = keys[-1] if keys else None
        text = "".join(head + lines)
        return add_piece(asked, text, rows=len(lines), last=last, is_last=not more) and more
