"""What the suite runs with: the project's settings, whatever this machine's .env says."""

import os
import sys

os.environ["ENV_FILE"] = os.devnull
os.environ.setdefault("SECRET_KEY", "the tests' own key, which signs nothing that matters")
os.environ.setdefault("HTTPS", "false")

from talkplatform.settings import *  # noqa: F403
from talkplatform.settings import DATABASES, MIDDLEWARE, STORAGES
from tests.scratch import scratch

# A test that needs the LiveKit of script/with-livekit names it itself, and so does one that starts
# a server: that process comes by here, too, and keeps what it was given.
if "pytest" in sys.modules:
    LIVEKIT_URL = LIVEKIT_API_KEY = LIVEKIT_API_SECRET = ""

SCRATCH = scratch()

# A file, because threads that share a database in memory are refused instead of made to wait.
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["TEST"] = {"NAME": f"{SCRATCH}/db.sqlite3"}
    # Nobody needs it after the power failed.
    DATABASES["default"]["OPTIONS"]["init_command"] += "PRAGMA synchronous=OFF;"

MIDDLEWARE = ["tests.repeats.refuse_repeats", *MIDDLEWARE]
MEDIA_ROOT = f"{SCRATCH}/media"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Pages may be asked for before anybody collected the static files.
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = True
# Each test has words of its own.
SEARCH_VOCABULARY_SECONDS = 0
