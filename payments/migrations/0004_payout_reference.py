from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0003_staff_permissions"),
    ]

    operations = [
        migrations.AddField(
            model_name="withdrawal",
            name="payout_reference",
            field=models.CharField(blank=True, max_length=100),
        ),
    ]
