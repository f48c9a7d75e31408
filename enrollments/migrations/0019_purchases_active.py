"""The singles that are to come, by an index that does not begin with the course.

One that does serves the foreign key too, and then every change of a purchase's status locks its
course: after the purchase, against the order of locks.
"""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0018_attendances_removed")]

    operations = [
        migrations.AddIndex(
            model_name="sessionpurchase",
            index=models.Index(
                fields=["status", "course", "session", "user"], name="session_purchases_active"
            ),
        ),
    ]
