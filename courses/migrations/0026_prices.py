from django.db import migrations, models
from django.db.models import functions


class Migration(migrations.Migration):
    dependencies = [("courses", "0025_upcoming")]

    operations = [
        migrations.AddField(
            model_name='course',
            name='price',
            field=models.GeneratedField(db_persist=False, expression=functions.Coalesce('price_full_course', 'price_per_session'), output_field=models.DecimalField(decimal_places=2, max_digits=10, null=True)),
        ),
    ]
