"""A sign-in that dies while it looks at the password: `python -m tests.accounts.dying EMAIL`."""

import os
import signal
import sys

import django
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher


class Deadly(MD5PasswordHasher):
    """The process is killed where the hashes are compared."""

    def verify(self, password, encoded):
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    django.setup()
    settings.PASSWORD_HASHERS = ["tests.accounts.dying.Deadly"]
    from accounts.services import sign_in

    words = {"email": sys.argv[1], "password": "guess", "address": "192.0.2.1"}
    sign_in(**words, opens=lambda user: user)
