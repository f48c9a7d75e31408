from django.db import migrations

from common.stored import StoreGenerated


class Migration(migrations.Migration):
    dependencies = [("accounts", "0026_users_by_inactive")]

    operations = [StoreGenerated("user")]
