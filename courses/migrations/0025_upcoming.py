from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0024_kept_next_starts")]

    operations = [
        migrations.AddField(
            model_name='course',
            name='upcoming',
            field=models.GeneratedField(db_persist=False, expression=models.Case(models.When(by_link_only=False, next_starts_at__isnull=False, status='published', then=models.Value(1)), default=models.Value(None)), output_field=models.SmallIntegerField(null=True)),
        ),
    ]
