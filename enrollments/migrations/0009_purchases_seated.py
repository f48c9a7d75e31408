"""Seats are counted in the index alone: whose each single is, is asked of it too."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("enrollments", "0008_exact_attendance_sids"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="sessionpurchase",
            index=models.Index(
                fields=["session", "live", "user"], name="session_purchases_seated"
            ),
        ),
    ]
