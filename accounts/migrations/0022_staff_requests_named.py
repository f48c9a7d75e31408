from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0021_staff_request_pieces'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='staffrequest',
            options={'verbose_name': 'staff request', 'verbose_name_plural': 'staff requests'},
        ),
    ]
