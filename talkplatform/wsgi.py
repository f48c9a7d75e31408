"""The server's door."""

import os

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "talkplatform.settings")

application = get_wsgi_application()

# After the settings are there, and before anybody connects. What DATABASE_URL says goes first.
_options = settings.DATABASES["default"]["OPTIONS"]
_options.update({**settings.WEB_DATABASE_OPTIONS, **_options})
