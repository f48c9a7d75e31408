"""What began with the course: `session_purchases_active` took its place."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0019_purchases_active")]

    operations = [
        migrations.RemoveIndex(model_name="sessionpurchase", name="session_purchases_to_come"),
    ]
