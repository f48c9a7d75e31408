from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notices", "0003_notices_calendar")]

    operations = [
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(fields=["kind"], name="notices_by_kind"),
        ),
    ]
