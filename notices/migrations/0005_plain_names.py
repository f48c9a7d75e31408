from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('notices', '0004_notices_by_kind'),
    ]

    operations = [
        migrations.AlterField(
            model_name='notice',
            name='mail',
            field=models.CharField(choices=[('none', 'None'), ('waiting', 'Waiting'), ('sent', 'Sent'), ('dropped', 'Dropped'), ('set_aside', 'Set aside')], default='none', max_length=10),
        ),
    ]
