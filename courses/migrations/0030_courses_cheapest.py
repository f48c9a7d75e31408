from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0029_courses_newest")]

    operations = [
        migrations.AddIndex(
            model_name='course',
            index=models.Index(fields=['upcoming', 'price', '-created_at', '-id'], name='courses_cheapest'),
        ),
    ]
