from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0044_top_ups_newest")]

    operations = [
        migrations.AddIndex(
            model_name="transfer",
            index=models.Index(fields=["kind"], name="transfers_by_kind"),
        ),
    ]
