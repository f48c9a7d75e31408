from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0043_top_ups_by_status")]

    operations = [
        migrations.AddIndex(
            model_name="topup",
            index=models.Index(fields=["created_at"], name="top_ups_newest"),
        ),
    ]
