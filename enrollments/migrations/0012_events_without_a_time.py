from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0011_purchases_to_come")]

    operations = [
        migrations.AlterField(
            model_name="webhookevent",
            name="occurred_at",
            field=models.DateTimeField(null=True),
        ),
    ]
