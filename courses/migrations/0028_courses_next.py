from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0027_prices_from")]

    operations = [
        migrations.AddIndex(
            model_name='course',
            index=models.Index(fields=['upcoming', 'next_starts_at', '-created_at', '-id'], name='courses_next'),
        ),
    ]
