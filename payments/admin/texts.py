"""Texts on pages that staff write."""

from django.contrib import admin
from django.http import HttpRequest

from payments.models import CreditNotice


@admin.register(CreditNotice)
class CreditNoticeAdmin(admin.ModelAdmin):
    actions = None  # there is one row at most

    def has_add_permission(self, request: HttpRequest) -> bool:
        known = vars(request)
        # A page checks this for each of its links.
        if "credit_notice" not in known:
            known["credit_notice"] = CreditNotice.objects.exists()
        return super().has_add_permission(request) and not known["credit_notice"]
