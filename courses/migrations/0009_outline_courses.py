from itertools import groupby

from django.db import migrations


def outline(apps, schema_editor):
    """Write down what is known of the sessions of every course."""
    outlines = apps.get_model("courses", "CourseOutline")
    sessions = apps.get_model("courses", "CourseSession").objects.order_by(
        "course", "session_number"
    )
    for course, found in groupby(sessions.iterator(), key=lambda session: session.course_id):
        outlines.objects.create(course_id=course, **_outlined([*found]))


def _outlined(sessions):
    sharing = (session for session in sessions if session.has_share)
    starts = [s.starts_at.isoformat() if s.on_offer else None for s in sharing]
    return {"sessions_count": len(sessions), "starts": starts}


class Migration(migrations.Migration):
    # What is called off without a share is known by then.
    dependencies = [
        ("courses", "0008_course_outlines"),
        ("payments", "0016_sessions_without_a_share"),
    ]

    operations = [migrations.RunPython(outline, migrations.RunPython.noop)]
