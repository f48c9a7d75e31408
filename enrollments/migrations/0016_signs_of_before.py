import json
from datetime import timedelta

from django.db import migrations
from django.db.models import F
from django.db.models.functions import Coalesce

BATCH = 1000
OPEN = ["scheduled", "live"]


def take_over(apps, schema_editor):
    attendances = apps.get_model("enrollments", "Attendance").objects
    events = apps.get_model("enrollments", "WebhookEvent").objects
    attendances.update(seen_at=Coalesce("left_at", "joined_at"))
    keep_what_was_settled(attendances)
    # What is not settled is worked in anew, by the rules of today.
    attendances.filter(session__status__in=OPEN, source="webhook").delete()
    events.filter(session__status__in=OPEN).update(processed_at=None)
    forget_passwords(events)


def keep_what_was_settled(attendances):
    """A connection whose end was lost lasted as long as its session."""
    lasting = attendances.filter(left_at=None).exclude(session__status__in=OPEN)
    for rows in batches(lasting.select_related("session")):
        for row in rows:
            row.seen_at = row.session.starts_at + timedelta(minutes=row.session.duration_minutes)
        attendances.bulk_update(rows, ["seen_at"])


def forget_passwords(events):
    """Bodies keep the password of no room's relay."""
    for rows in batches(events.filter(body__contains="turnPassword")):
        for row in rows:
            said = json.loads(row.body)
            said.get("room", {}).pop("turnPassword", None)
            row.body = json.dumps(said, separators=(",", ":"))
        events.bulk_update(rows, ["body"])


def batches(rows):
    """Rows in the order of their keys, so many at a time; changing them is no matter."""
    batch = list(rows.order_by("pk")[:BATCH])
    while batch:
        yield batch
        batch = list(rows.filter(pk__gt=batch[-1].pk).order_by("pk")[:BATCH])


def give_back(apps, schema_editor):
    """Each event had a time."""
    events = apps.get_model("enrollments", "WebhookEvent").objects
    events.filter(occurred_at=None).update(occurred_at=F("received_at"))


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0015_room_watches"), ("courses", "0005_sessions_with_a_share")]

    operations = [migrations.RunPython(take_over, give_back, elidable=True)]
