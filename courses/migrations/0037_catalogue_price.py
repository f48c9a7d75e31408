from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0036_catalogue_title")]

    operations = [
        migrations.AddIndex(
            model_name='course',
            index=models.Index(fields=['status', 'price', 'id'], name='courses_catalogue_price'),
        ),
    ]
