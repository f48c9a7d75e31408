from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0022_exact_languages")]

    operations = [
        migrations.AddField(
            model_name='course',
            name='next_starts_at',
            field=models.DateTimeField(db_index=True, editable=False, null=True),
        ),
    ]
