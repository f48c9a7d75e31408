from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0031_courses_from")]

    operations = [
        migrations.AddIndex(
            model_name='course',
            index=models.Index(fields=['upcoming', 'title', '-created_at', '-id'], name='courses_title'),
        ),
    ]
