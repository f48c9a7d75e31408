import uuid_utils.compat
from django.db import migrations, models

import common.fields


class Migration(migrations.Migration):
    dependencies = [("courses", "0017_one_spelling")]

    operations = [
        migrations.CreateModel(
            name="Category",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("name", models.CharField(max_length=50)),
                (
                    "key",
                    common.fields.ExactCharField(editable=False, max_length=150, unique=True),
                ),
                (
                    "position",
                    models.PositiveIntegerField(
                        default=0, help_text="Lists begin with the lowest."
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "categories",
                "db_table": "course_categories",
                "ordering": ["position", "name"],
            },
        ),
    ]
