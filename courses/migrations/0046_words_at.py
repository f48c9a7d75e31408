from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("courses", "0045_words_leading")]

    operations = [
        migrations.AddField(
            model_name="course",
            name="words_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
    ]
