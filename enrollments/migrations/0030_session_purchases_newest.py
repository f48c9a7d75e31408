from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0029_session_purchases_by_payment")]

    operations = [
        migrations.AddIndex(
            model_name="sessionpurchase",
            index=models.Index(fields=["purchased_at"], name="session_purchases_newest"),
        ),
    ]
