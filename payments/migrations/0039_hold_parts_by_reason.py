from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0038_kinds_of_refunds")]

    operations = [
        migrations.AddIndex(
            model_name="holdpart",
            index=models.Index(fields=["reason"], name="hold_parts_by_reason"),
        ),
    ]
