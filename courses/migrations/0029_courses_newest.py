from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0028_courses_next")]

    operations = [
        migrations.AddIndex(
            model_name='course',
            index=models.Index(fields=['upcoming', '-created_at', '-id'], name='courses_newest'),
        ),
    ]
