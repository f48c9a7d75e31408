from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0024_users_by_teaching")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="inactive",
            field=models.GeneratedField(
                db_persist=False,
                expression=models.Case(
                    models.When(is_active=False, then=models.Value(1)), default=models.Value(None)
                ),
                output_field=models.SmallIntegerField(null=True),
            ),
        ),
    ]
