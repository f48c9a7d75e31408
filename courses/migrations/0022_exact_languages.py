from django.db import migrations

from common.fields import ExactCharField


class Migration(migrations.Migration):
    dependencies = [("courses", "0021_exact_categories")]

    operations = [
        migrations.AlterField(
            model_name='course',
            name='language',
            field=ExactCharField(db_index=True, max_length=50),
        ),
    ]
