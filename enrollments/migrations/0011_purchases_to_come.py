"""The seats that singles take are found by their course, and counted in the index alone."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0010_purchases_seats")]

    operations = [
        migrations.AddIndex(
            model_name="sessionpurchase",
            index=models.Index(
                fields=["course", "status", "session", "user"], name="session_purchases_to_come"
            ),
        ),
    ]
