from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0032_courses_title")]

    operations = [
        migrations.AddIndex(
            model_name='course',
            index=models.Index(fields=['category', 'upcoming', 'next_starts_at', '-created_at', '-id'], name='courses_category'),
        ),
    ]
