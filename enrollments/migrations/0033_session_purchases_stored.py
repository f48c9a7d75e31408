from django.db import migrations

from common.stored import StoreGenerated


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0032_course_enrollments_stored")]

    operations = [StoreGenerated("sessionpurchase")]
