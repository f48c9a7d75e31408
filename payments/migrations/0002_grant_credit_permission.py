from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0001_initial"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="ledgeraccount",
            options={"permissions": [("grant_credit", "Can grant credit")]},
        ),
    ]
