from django.db import migrations

from common.stored import StoreGenerated


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0031_plain_names")]

    operations = [StoreGenerated("courseenrollment")]
