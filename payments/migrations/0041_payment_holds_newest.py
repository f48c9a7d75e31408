from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0040_hold_parts_under_review")]

    operations = [
        migrations.AddIndex(
            model_name="paymenthold",
            index=models.Index(fields=["held_at"], name="payment_holds_newest"),
        ),
    ]
