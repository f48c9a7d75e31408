"""Staff screens of who was in a room, and of the events behind it."""

from django.contrib import admin

from common.admin import PeriodFilter, PersonFilter, ReadOnlyAdmin
from rooms.models import Attendance, RoomDeed, RoomWatch, WebhookEvent


@admin.register(Attendance)
class AttendanceAdmin(ReadOnlyAdmin):
    list_display = ("id", "session", "user", "joined_at", "left_at", "seen_at", "disconnect_reason")
    list_filter = (("user", PersonFilter),)
    joined = ("session", "user")
    search_fields = ("^user__email", "session__title")
    id_fields = ("pk", "session", "user")


@admin.register(WebhookEvent)
class WebhookEventAdmin(ReadOnlyAdmin):
    list_display = ("id", "kind", "session", "room_name", "occurred_at", "processed_at", "note")
    list_filter = (("received_at", PeriodFilter),)
    joined = ("session",)
    search_fields = ("=event_id", "=session__room_name", "session__title")
    id_fields = ("pk", "session")


@admin.register(RoomWatch)
class RoomWatchAdmin(ReadOnlyAdmin):
    list_display = ("id", "session", "room_sid", "started_at", "finished_at", "seen_at")
    joined = ("session",)
    search_fields = ("=room_sid", "session__title")
    id_fields = ("pk", "session")


@admin.register(RoomDeed)
class RoomDeedAdmin(ReadOnlyAdmin):
    list_display = ("id", "session", "kind", "user", "actor", "at", "undone_at", "undone_by")
    list_filter = ("kind", ("at", PeriodFilter), ("user", PersonFilter))
    joined = ("session", "user", "actor", "undone_by")
    search_fields = ("^user__email", "session__title")
    id_fields = ("pk", "session", "user", "actor")
