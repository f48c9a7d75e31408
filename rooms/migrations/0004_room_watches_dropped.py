from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rooms', '0003_attendances_disconnect_reason'),
    ]

    operations = [
        migrations.AddField(
            model_name='roomwatch',
            name='num_dropped',
            field=models.PositiveIntegerField(default=0),
        ),
    ]
