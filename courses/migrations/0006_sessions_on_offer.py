from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0005_sessions_with_a_share")]

    operations = [
        migrations.AddField(
            model_name="coursesession",
            name="on_offer",
            field=models.GeneratedField(
                db_persist=False,
                expression=models.Case(
                    models.When(status__in=("scheduled", "live"), then=models.Value(1)),
                    default=models.Value(None),
                ),
                output_field=models.SmallIntegerField(null=True),
            ),
        ),
    ]
