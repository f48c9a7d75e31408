from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('rooms', '0005_webhook_events_newest'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='roomwatch',
            options={'verbose_name_plural': 'room watches'},
        ),
    ]
