from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0013_hold_sold_title")]

    operations = [
        migrations.AddField(
            model_name="holdpart",
            name="sold_title",
            field=models.CharField(blank=True, default="", editable=False, max_length=220),
            preserve_default=False,
        ),
    ]
