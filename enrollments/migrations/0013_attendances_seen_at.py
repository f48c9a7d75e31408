import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0012_events_without_a_time")]

    operations = [
        migrations.AddField(
            model_name="attendance",
            name="seen_at",
            field=models.DateTimeField(default=django.utils.timezone.now),
            preserve_default=False,
        ),
    ]
