"""How the jobs fare."""

from django.contrib import admin

from common.admin import ReadOnly
from talkplatform.models import Job


@admin.register(Job)
class JobAdmin(ReadOnly, admin.ModelAdmin):
    list_display = ("name", "due", "leased_by", "last_finished", "last_failed", "error")
