from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0042_courses_free_newest")]

    operations = [
        migrations.AddIndex(
            model_name="course",
            index=models.Index(fields=["free", "price", "-created_at", "-id"], name="courses_free_cheapest"),
        ),
    ]
