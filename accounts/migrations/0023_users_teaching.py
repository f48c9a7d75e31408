from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0022_staff_requests_named")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="teaching",
            field=models.GeneratedField(
                db_persist=False,
                expression=models.Case(
                    models.When(is_teacher=True, then=models.Value(1)), default=models.Value(None)
                ),
                output_field=models.SmallIntegerField(null=True),
            ),
        ),
    ]
