"""The shorter index says nothing that `session_purchases_seated` does not."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("enrollments", "0009_purchases_seated"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="sessionpurchase", name="session_purchases_seats"),
    ]
