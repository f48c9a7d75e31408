from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0056_top_up_refunds_by_status")]

    operations = [
        migrations.AddIndex(
            model_name="topuprefund",
            index=models.Index(fields=["requested_at"], name="top_up_refunds_newest"),
        ),
    ]
