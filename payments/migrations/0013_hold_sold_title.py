from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0012_exact_dedupe_keys")]

    operations = [
        migrations.AddField(
            model_name="paymenthold",
            name="sold_title",
            field=models.CharField(blank=True, default="", editable=False, max_length=200),
            preserve_default=False,
        ),
    ]
