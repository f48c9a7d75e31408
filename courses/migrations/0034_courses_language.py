from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0033_courses_category")]

    operations = [
        migrations.AddIndex(
            model_name='course',
            index=models.Index(fields=['language', 'upcoming', 'next_starts_at', '-created_at', '-id'], name='courses_language'),
        ),
    ]
