from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0004_exact_room_names")]

    operations = [
        migrations.AddField(
            model_name="coursesession",
            name="has_share",
            field=models.BooleanField(default=True, editable=False),
        ),
    ]
