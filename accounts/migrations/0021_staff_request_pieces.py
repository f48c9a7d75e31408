import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0020_staff_requests")]

    operations = [
        migrations.CreateModel(
            name='FilePiece',
            fields=[
                ('id', models.UUIDField(default=uuid_utils.compat.uuid7, editable=False, primary_key=True, serialize=False)),
                ('after', models.PositiveIntegerField()),
                ('content', models.BinaryField()),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='pieces', to='accounts.staffrequest')),
            ],
            options={
                'db_table': 'staff_request_pieces',
                'constraints': [models.UniqueConstraint(fields=('request', 'after'), name='staff_request_pieces_order')],
            },
        ),
    ]
