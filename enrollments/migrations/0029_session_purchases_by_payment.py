from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("enrollments", "0028_session_purchases_by_status")]

    operations = [
        migrations.AddIndex(
            model_name="sessionpurchase",
            index=models.Index(fields=["payment_status"], name="session_purchases_by_payment"),
        ),
    ]
