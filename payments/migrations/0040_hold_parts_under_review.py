from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("payments", "0039_hold_parts_by_reason")]

    operations = [
        migrations.AddIndex(
            model_name="holdpart",
            index=models.Index(fields=["review_reason"], name="hold_parts_under_review"),
        ),
    ]
