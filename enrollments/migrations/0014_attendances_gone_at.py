from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0013_attendances_seen_at")]

    operations = [
        migrations.AddField(
            model_name="attendance",
            name="gone_at",
            field=models.DateTimeField(null=True),
        ),
    ]
