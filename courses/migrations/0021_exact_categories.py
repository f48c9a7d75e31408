from django.db import migrations

from common.fields import ExactCharField


class Migration(migrations.Migration):
    dependencies = [("courses", "0020_sessions_record")]

    operations = [
        migrations.AlterField(
            model_name='course',
            name='category',
            field=ExactCharField(db_index=True, max_length=50),
        ),
    ]
