from django.db import migrations

from common.stored import StoreGenerated


class Migration(migrations.Migration):
    dependencies = [("courses", "0038_courses_stored")]

    operations = [StoreGenerated("coursesession")]
