from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0048_withdrawals_by_status")]

    operations = [
        migrations.AddIndex(
            model_name="withdrawal",
            index=models.Index(fields=["requested_at"], name="withdrawals_newest"),
        ),
    ]
