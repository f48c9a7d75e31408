from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('enrollments', '0030_session_purchases_newest'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='courseenrollment',
            options={'verbose_name': 'course enrolment'},
        ),
    ]
