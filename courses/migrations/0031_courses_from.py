from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0030_courses_cheapest")]

    operations = [
        migrations.AddIndex(
            model_name='course',
            index=models.Index(fields=['upcoming', 'price_from'], name='courses_from'),
        ),
    ]
