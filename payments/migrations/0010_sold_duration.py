from django.db import migrations, models


class Migration(migrations.Migration):
    """The next migration gives the parts that are there their length; until then it is a minute."""

    dependencies = [("payments", "0009_transfers_sums")]

    operations = [
        migrations.AddField(
            model_name="holdpart",
            name="sold_duration_minutes",
            field=models.PositiveIntegerField(default=1),
            preserve_default=False,
        ),
    ]
