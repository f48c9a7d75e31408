"""Every setting, read from the environment; `.env.example` lists them all."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from talkplatform.environment import ROOT, env, require

BASE_DIR: Path = ROOT

# Safe by default: the debug pages have to be asked for.
DEBUG = env.bool("DEBUG", default=False)

# Signs sessions and tokens. There is no default: a guessable key would let anybody be anybody.
SECRET_KEY = env.str("SECRET_KEY", default="")
require(bool(SECRET_KEY), "SECRET_KEY is not set: put a long random value into .env.")
require(len(SECRET_KEY) >= 32, "SECRET_KEY is short: put 32 random characters or more into .env.")

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_EXPOSE_HEADERS = ["Link", "Idempotent-Replayed", "Retry-After"]
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "idempotency-key"]
CORS_URLS_REGEX = r"^/api/"

# HTTPS is what production runs on; only a machine of one's own turns it off.
HTTPS = env.bool("HTTPS", default=True)
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
# The prefix has browsers refuse such a cookie from another host of the domain, or from plain HTTP.
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
REFERRAL_COOKIE_NAME = "__Host-ref" if HTTPS else "ref"
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
CSRF_FAILURE_VIEW = "talkplatform.handlers.csrf_failure"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
# Set only behind a proxy that overwrites this header itself.
if env.bool("TRUST_FORWARDED_PROTO", default=False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.int("PORT", default=8000)
require(0 < PORT < 65536, f"PORT is {PORT}: a port is 1 to 65535.")
ORIGIN = f"http://[{HOST}]:{PORT}" if ":" in HOST else f"http://{HOST}:{PORT}"
WEB_PROCESSES = env.int("WEB_PROCESSES", default=4)
WEB_THREADS = env.int("WEB_THREADS", default=1)
# The balancer before the processes (haproxy.cfg), and how long it waits for a body and for a turn.
HAPROXY = env.str("HAPROXY", default="haproxy")
BODY_SECONDS = env.int("BODY_SECONDS", default=60)
QUEUE_SECONDS = env.int("QUEUE_SECONDS", default=10)
QUEUE_LENGTH = env.int("QUEUE_LENGTH", default=500)
# Where links in mails and invitations lead: never to whatever host a request names.
SITE_URL = env.str("SITE_URL", default="").rstrip("/") or (
    f"https://{next(iter(ALLOWED_HOSTS), '').lstrip('.')}" if HTTPS else ORIGIN
)
if "*" in SITE_URL or SITE_URL == "https://":
    raise ImproperlyConfigured("SITE_URL is not set, and ALLOWED_HOSTS names no host to link to.")
# How many proxies of ours stand in front; 0 ignores X-Forwarded-For.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "notices",
    "accounts",
    "courses",
    "payments",
    "rooms",
    "calendars",
    "enrollments",
    "settlement",
    "teaching",
    "demo",
    "talkplatform",
]

# What a browser may load: our own files, and nothing that is written into a page. The name and
# the shape are those of Django 6, which brings the middleware for it.
SECURE_CSP = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "connect-src": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
    "base-uri": ["'none'"],
}

MIDDLEWARE = [
    "talkplatform.headers.guard",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "talkplatform.bodies.whole",
    "talkplatform.middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "talkplatform.middleware.Authentication",
    "accounts.middleware.reader_zone",
    "accounts.middleware.remember_referrer",
    "talkplatform.middleware.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "talkplatform.handlers.Refusals",
]

ROOT_URLCONF = "talkplatform.urls"
WSGI_APPLICATION = "talkplatform.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "payments.pages.top_ups",
            ],
            "builtins": ["common.formats"],
        },
    }
]

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
_database = DATABASES["default"]
_database["CONN_MAX_AGE"] = None
_database["CONN_HEALTH_CHECKS"] = True
# How long anybody waits for what somebody else has locked; money.md, "Locks".
DATABASE_WAIT_SECONDS = env.int("DATABASE_WAIT_SECONDS", default=5)
require(DATABASE_WAIT_SECONDS >= 1, "DATABASE_WAIT_SECONDS is a number of seconds: 1 or more.")
# What the web's connections have beside (wsgi.py), so that a request is answered within twice that:
# it asks a silent database once, reconnects once. Commands have statements of minutes.
WEB_DATABASE_OPTIONS: dict[str, int] = {}
_engine = _database.get("ENGINE", "nothing")
if _engine == "django.db.backends.mysql":
    _database["ENGINE"] = "common.mysql"
    _database["OPTIONS"] = {
        "charset": "utf8mb4",
        "isolation_level": "read committed",
        # Intersected indexes are read whole, where one would find the first rows of a list.
        "init_command": f"SET innodb_lock_wait_timeout = {DATABASE_WAIT_SECONDS},"
        " sql_mode = 'TRADITIONAL', optimizer_switch = 'index_merge_intersection=off'",
        **_database.get("OPTIONS", {}),
    }
    WEB_DATABASE_OPTIONS = {
        "lock_wait_timeout": DATABASE_WAIT_SECONDS,
        # Longer than a lock is waited for, so that the database can say so.
        "read_timeout": DATABASE_WAIT_SECONDS + 1,
        "connect_timeout": max(DATABASE_WAIT_SECONDS - 2, 1),
    }
elif _engine == "django.db.backends.sqlite3":
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": DATABASE_WAIT_SECONDS,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        **_database.get("OPTIONS", {}),
    }
else:
    raise ImproperlyConfigured(
        f"DATABASE_URL names {_engine}: it has to be mysql:// (MariaDB, MySQL) or sqlite:///."
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "enrollments:learning"
LOGOUT_REDIRECT_URL = "enrollments:catalogue"
PASSWORD_RESET_TIMEOUT = int(timedelta(hours=1).total_seconds())
# How long a link proves an address, and a new address waits for that.
PROOF_HOURS = env.int("PROOF_HOURS", default=48)
require(PROOF_HOURS >= 1, "PROOF_HOURS is below one: no link would work.")
SESSION_ENGINE = "accounts.sessions"
PASSWORD_HASHERS = ["accounts.passwords.Argon2"]
if env.bool("OLD_PASSWORD_HASHES", default=True):
    PASSWORD_HASHERS.append("django.contrib.auth.hashers.PBKDF2PasswordHasher")
_rules, _own = "django.contrib.auth.password_validation", ("email", "display_name")
_simple = ("MinimumLength", "CommonPassword", "NumericPassword")
AUTH_PASSWORD_VALIDATORS = [
    *({"NAME": f"{_rules}.{_name}Validator"} for _name in _simple),
    {"NAME": f"{_rules}.UserAttributeSimilarityValidator", "OPTIONS": {"user_attributes": _own}},
]

# Mail: printed where the server runs, until there is a server for it.
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
# How long handing over one mail may take in all; a sender's turn is twice as long.
MAIL_SECONDS = EMAIL_TIMEOUT = env.float("MAIL_SECONDS", default=30.0)
# The first pause after a failure, which doubles with each one in a row.
MAIL_PAUSE_SECONDS = env.float("MAIL_PAUSE_SECONDS", default=10.0)
# How many mails a sender hands over at once.
MAIL_CONNECTIONS = env.int("MAIL_CONNECTIONS", default=4)
for _name, _number in (("MAIL_SECONDS", MAIL_SECONDS), ("MAIL_CONNECTIONS", MAIL_CONNECTIONS)):
    require(_number > 0, f"{_name} is {_number}: without any nothing is sent.")
# How long a notice, and what became of its mail, is kept.
NOTICE_DAYS = env.int("NOTICE_DAYS", default=365)
DEFAULT_FROM_EMAIL = env.str("MAIL_FROM", default="talkplatform <noreply@localhost>")

USE_TZ, USE_I18N = True, False  # one language, so that nothing asks at each word which it is
TIME_ZONE, LANGUAGE_CODE = "UTC", "en-us"
FORMAT_MODULE_PATH = "talkplatform.formats"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_URL = "/media/"
MEDIA_ROOT = env.path("MEDIA_ROOT", default=str(BASE_DIR / "media"))
# The largest body that is read, with a picture or without one; it is kept in memory, on no disk.
DATA_UPLOAD_MAX_MEMORY_SIZE = FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
STORAGES = {
    "default": {"BACKEND": "common.storage.WholeFiles"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "common.storage.StaticFiles"
    },
}

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.api.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["common.parsers.BoundedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "common.schema.ErrorAwareSchema",
    "EXCEPTION_HANDLER": "common.api.answer_error",
    "UNAUTHENTICATED_USER": None,
    # An answer may quote what it refuses: half a surrogate pair has no UTF-8, but an escape.
    "UNICODE_JSON": False,
    "NUM_PROXIES": TRUSTED_PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=env.int("ACCESS_TOKEN_MINUTES", default=10)),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=env.int("REFRESH_TOKEN_DAYS", default=14)),
}

SPECTACULAR_SETTINGS = {
    "TITLE": "talkplatform",
    "DESCRIPTION": "Enrolment and escrow payments for live online courses.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "GET_LIB_DOC_EXCLUDES": "common.schema.undescriptive",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "common.schema.describe_errors",
        "common.schema.forget_database_limits",
    ],
    "SCHEMA_PATH_PREFIX": "/api",
    "ENUM_NAME_OVERRIDES": {
        "CourseStatus": "courses.models.Course.Status",
        "SessionStatus": "courses.models.CourseSession.Status",
        "EnrollmentStatus": "enrollments.models.EnrollmentStatus",
        "PurchaseStatus": "enrollments.models.PurchaseStatus",
        "HoldStatus": "payments.models.HoldStatus",
        "HoldPartStatus": "payments.models.HoldPart.Status",
        "HoldPartReason": "payments.models.HoldPart.Reason",
        "WithdrawalStatus": "payments.models.Withdrawal.Status",
        "TopUpStatus": "payments.models.TopUp.Status",
        "TopUpMethod": "payments.models.TopUp.Method",
        "RefundStatus": "payments.models.TopUpRefund.Status",
        "AccessReason": "enrollments.access.AccessReason",
    },
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "/static/img/favicon.svg",
}

# Courses. All of a course's sessions are read and shown together.
MAX_SESSIONS_PER_COURSE = env.int("MAX_SESSIONS_PER_COURSE", default=200)
# The page that plans them sends four fields of each; Django would refuse the thousandth.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000 + 4 * MAX_SESSIONS_PER_COURSE
SEARCH_VOCABULARY_SECONDS = env.int("SEARCH_VOCABULARY_SECONDS", default=60)
# How often a teacher may write to the students of one course in 24 hours.
ANNOUNCEMENTS_A_DAY = env.int("ANNOUNCEMENTS_A_DAY", default=5)
require(ANNOUNCEMENTS_A_DAY >= 1, "ANNOUNCEMENTS_A_DAY is at least 1.")
# How often a calendar feed may be fetched, as each process counts.
CALENDAR_FETCHES_PER_HOUR = env.int("CALENDAR_FETCHES_PER_HOUR", default=60)
# Money. Rates are basis points (1% = 100), frozen into each hold when it is made.
COMMISSION_BP = env.int("COMMISSION_BP", default=3000)
REFERRAL_BP = env.int("REFERRAL_BP", default=7000)
for _name, _rate in (("COMMISSION_BP", COMMISSION_BP), ("REFERRAL_BP", REFERRAL_BP)):
    require(0 <= _rate <= 10_000, f"{_name} is {_rate}: a rate is 0 to 10000 basis points.")
MIN_WITHDRAWAL = env("MIN_WITHDRAWAL", cast=Decimal, default=Decimal("10.00"))
# What one clerk may pay somebody in a day, and what one may grant: beyond it, it takes another.
TWO_PEOPLE_ABOVE = env("TWO_PEOPLE_ABOVE", cast=Decimal, default=Decimal("100.00"))
GRANT_TWO_PEOPLE_ABOVE = env("GRANT_TWO_PEOPLE_ABOVE", cast=Decimal, default=Decimal("100.00"))
for _name in ("MIN_WITHDRAWAL", "TWO_PEOPLE_ABOVE", "GRANT_TWO_PEOPLE_ABOVE"):
    _sum = globals()[_name]
    require(_sum.is_finite() and _sum >= 0, f"{_name} is {_sum}: a sum is zero or more.")
# The first seals payout details, the others still open them; none: a key made of SECRET_KEY.
PAYOUT_KEYS = env.list("PAYOUT_KEYS", default=[])
for _key in PAYOUT_KEYS:
    require(len(_key) >= 32, "A key in PAYOUT_KEYS is short: use 32 random characters or more.")
# Top-ups: the sum of one, new ones an hour, and for how many days a user can have one refunded.
TOP_UP_MIN = env("TOP_UP_MIN", cast=Decimal, default=Decimal("5.00"))
TOP_UP_MAX = env("TOP_UP_MAX", cast=Decimal, default=Decimal("500.00"))
require(0 < TOP_UP_MIN <= TOP_UP_MAX, "TOP_UP_MIN is above zero, and TOP_UP_MAX no less.")
TOP_UPS_PER_HOUR = env.int("TOP_UPS_PER_HOUR", default=10)
TOP_UP_REFUND_DAYS = env.int("TOP_UP_REFUND_DAYS", default=60)
for _name in ("TOP_UPS_PER_HOUR", "TOP_UP_REFUND_DAYS", "CALENDAR_FETCHES_PER_HOUR"):
    require(globals()[_name] >= 1, f"{_name} is below one.")
# Stripe takes them if it has a key; with one of a test account no money is real.
STRIPE_SECRET_KEY = env.str("STRIPE_SECRET_KEY", default="")
require(
    STRIPE_SECRET_KEY[:8] in ("", "sk_live_", "sk_test_", "rk_live_", "rk_test_"),
    "STRIPE_SECRET_KEY is no secret key: it starts with sk_live_, rk_live_, sk_test_ or rk_test_.",
)
# What signs its webhooks: two while one is changed.
STRIPE_WEBHOOK_SECRETS = env.list("STRIPE_WEBHOOK_SECRETS", default=[])
_whole = bool(STRIPE_SECRET_KEY) == any(STRIPE_WEBHOOK_SECRETS)
require(_whole, "Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRETS together.")
# What may be paid with: a delayed debit can be taken back for weeks.
STRIPE_METHODS = env.list("STRIPE_METHODS", default=["card"])
# Stands behind the account's own name on a card's statement.
STRIPE_STATEMENT_DESCRIPTOR = env.str("STRIPE_STATEMENT_DESCRIPTOR", default="")
require(
    len(STRIPE_STATEMENT_DESCRIPTOR) <= 22
    and not set(STRIPE_STATEMENT_DESCRIPTOR) & set("<>\\'\"*"),
    "STRIPE_STATEMENT_DESCRIPTOR has up to 22 characters, and none of < > \\ ' \" *.",
)
# Where its page is (a form of ours may lead there), and its API.
STRIPE_CHECKOUT_HOST = env.str("STRIPE_CHECKOUT_HOST", default="https://checkout.stripe.com")
STRIPE_API_BASE = env.str("STRIPE_API_BASE", default="https://api.stripe.com")
# A processor that only plays, in a world of one's own: its credit costs nothing.
PAYMENTS = env.str("PAYMENTS", default="")
require(PAYMENTS in ("", "rehearsal"), "PAYMENTS is empty, or rehearsal.")
_real = HTTPS or bool(STRIPE_SECRET_KEY)
require(not (PAYMENTS and _real), "PAYMENTS=rehearsal needs HTTPS=false and no STRIPE_SECRET_KEY.")
IDEMPOTENCY_KEY_DAYS = env.int("IDEMPOTENCY_KEY_DAYS", default=30)
JOIN_OPENS_MINUTES = env.int("JOIN_OPENS_MINUTES", default=10)

# After a session. Who was there for this part of the length that was sold attended it.
ATTENDANCE_THRESHOLD_PERCENT = env.int("ATTENDANCE_THRESHOLD_PERCENT", default=20)
require(0 < ATTENDANCE_THRESHOLD_PERCENT <= 100, "ATTENDANCE_THRESHOLD_PERCENT is 1 to 100.")
# How long after its end a session is settled: the last reports of who was there come late.
SETTLEMENT_GRACE_MINUTES = env.int("SETTLEMENT_GRACE_MINUTES", default=30)
require(SETTLEMENT_GRACE_MINUTES >= 0, "SETTLEMENT_GRACE_MINUTES is below zero.")
# How long after its session's end an event of LiveKit's is kept.
WEBHOOK_EVENT_DAYS = env.int("WEBHOOK_EVENT_DAYS", default=180)
# What becomes of the share of a session that the student missed: refund or release.
NO_SHOW = env.str("NO_SHOW", default="refund")
require(NO_SHOW in ("refund", "release"), "NO_SHOW is refund or release.")
# A student who misses a session is refunded all the same if it changed at shorter notice.
CHANGE_NOTICE_HOURS = env.int("CHANGE_NOTICE_HOURS", default=12)
require(CHANGE_NOTICE_HOURS >= 0, "CHANGE_NOTICE_HOURS is below zero: 0 asks for no notice.")

# Video. Without these the platform works, but nobody can join and nobody's attendance is known.
LIVEKIT_URL = env.str("LIVEKIT_URL", default="")
LIVEKIT_API_KEY = env.str("LIVEKIT_API_KEY", default="")
LIVEKIT_API_SECRET = env.str("LIVEKIT_API_SECRET", default="")
if len({bool(LIVEKIT_URL), bool(LIVEKIT_API_KEY), bool(LIVEKIT_API_SECRET)}) > 1:
    raise ImproperlyConfigured("Set LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET together.")
# How long a pass to a room lets in: those who are in stay in.
JOIN_PASS_MINUTES = env.int("JOIN_PASS_MINUTES", default=5)
# Answered polls of a room that lie no further from each other watch the time between them.
POLLS_APART_MINUTES = env.int("POLLS_APART_MINUTES", default=10)
# How long after its end a session's room is closed.
ROOM_CLOSES_MINUTES = env.int("ROOM_CLOSES_MINUTES", default=10)
# How long an answer of LiveKit is waited for; what moves money waits no longer for all of them.
LIVEKIT_TIMEOUT_SECONDS = env.float("LIVEKIT_TIMEOUT_SECONDS", default=2.0)

# What recurs (jobs.py): whether the server runs it, how often, and from which hour of UTC at night.
JOBS = env.bool("JOBS", default=True)
JOB_SECONDS = env.float("JOB_SECONDS", default=60.0)
require(0.1 <= JOB_SECONDS <= 3600, f"JOB_SECONDS is {JOB_SECONDS}: give 0.1 to 3600 seconds.")
NIGHT_HOUR = env.int("NIGHT_HOUR", default=3)
require(0 <= NIGHT_HOUR < 24, f"NIGHT_HOUR is {NIGHT_HOUR}: an hour is 0 to 23.")
# Fetched after each full round, for a monitor that complains when it is not.
HEARTBEAT_URL = env.str("HEARTBEAT_URL", default="")
if HEARTBEAT_URL and not HEARTBEAT_URL.startswith(("http://", "https://")):
    raise ImproperlyConfigured("HEARTBEAT_URL is no address: it starts with https:// or http://.")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {"discreet": {"()": "talkplatform.logs.Discreet"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "filters": ["discreet"]}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        # Django's own handlers would print it as it is; its server is for developers alone.
        "django": {"handlers": []},
        "django.server": {"handlers": [], "propagate": True},
        # It tells of each look at each job, every few seconds.
        "apscheduler": {"level": "ERROR"},
    },
}
