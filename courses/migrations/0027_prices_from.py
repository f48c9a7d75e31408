from django.db import migrations, models
from django.db.models import functions


class Migration(migrations.Migration):
    dependencies = [("courses", "0026_prices")]

    operations = [
        migrations.AddField(
            model_name='course',
            name='price_from',
            field=models.GeneratedField(db_persist=False, expression=functions.Least(functions.Coalesce('price_full_course', 'price_per_session'), functions.Coalesce('price_per_session', 'price_full_course')), output_field=models.DecimalField(decimal_places=2, max_digits=10, null=True)),
        ),
    ]
