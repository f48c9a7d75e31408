from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rooms', '0002_room_deeds'),
    ]

    operations = [
        migrations.AddField(
            model_name='attendance',
            name='disconnect_reason',
            field=models.CharField(blank=True, default='', max_length=50),
            preserve_default=False,
        ),
    ]
