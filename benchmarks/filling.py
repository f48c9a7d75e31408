"""Fill the database in use by the code on PYTHONPATH, which may be older than this file.

python filling.py STUDENTS COURSES ENROLMENTS PASSWORD CLERK
"""

import sys

import django

django.setup()

from django.contrib.auth.hashers import make_password  # noqa: E402
from django.core.management import call_command  # noqa: E402

from accounts.models import User  # noqa: E402

students, courses, enrollments = map(int, sys.argv[1:4])
password, clerk = sys.argv[4:]
call_command("collectstatic", interactive=False, verbosity=0)
call_command("migrate", verbosity=0)
call_command("generate_load_data", students=students, courses=courses, enrollments=enrollments)
User.objects.update(password=make_password(password))
User.objects.create_superuser(clerk, display_name="Clerk")
