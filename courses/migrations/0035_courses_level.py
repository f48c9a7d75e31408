from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0034_courses_language")]

    operations = [
        migrations.AddIndex(
            model_name='course',
            index=models.Index(fields=['level', 'upcoming', 'next_starts_at', '-created_at', '-id'], name='courses_level'),
        ),
    ]
