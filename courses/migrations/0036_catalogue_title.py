from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0035_courses_level")]

    operations = [
        migrations.AddIndex(
            model_name='course',
            index=models.Index(fields=['status', 'title', 'id'], name='courses_catalogue_title'),
        ),
    ]
