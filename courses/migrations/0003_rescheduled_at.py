from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0002_due_sessions")]

    operations = [
        migrations.AddField(
            model_name="coursesession",
            name="rescheduled_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
