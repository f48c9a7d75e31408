from django.db import migrations

from common.stored import StoreGenerated


class Migration(migrations.Migration):
    dependencies = [("courses", "0037_catalogue_price")]

    operations = [StoreGenerated("course")]
