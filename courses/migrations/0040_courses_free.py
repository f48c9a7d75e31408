from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0039_sessions_stored")]

    operations = [
        migrations.AddField(
            model_name="course",
            name="free",
            field=models.GeneratedField(
                db_persist=True,
                expression=models.Case(
                    models.When(
                        models.Q(max_students__isnull=True)
                        | models.Q(max_students__gt=models.F("current_students")),
                        by_link_only=False,
                        next_starts_at__isnull=False,
                        status="published",
                        then=models.Value(1),
                    ),
                    default=models.Value(None),
                ),
                output_field=models.SmallIntegerField(null=True),
            ),
        ),
    ]
