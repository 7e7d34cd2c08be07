"""Every setting of Carefield. Values come from the environment through `config.env` alone.

Durations of the work (alarms, hand-overs, grace periods) are in seconds of domain time; the demo
divides them by `TIME_SCALE`. Nothing ever moves the clock.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import django_stubs_ext

from config import env

# `ModelAdmin[Unit]` and the like, which Django itself does not know at run time.
django_stubs_ext.monkeypatch()

BASE_DIR = Path(__file__).resolve().parent.parent

# production | development (the demo) | test. Only production demands every secret.
ENVIRONMENT = env.choice("CAREFIELD_ENV", "production", ("production", "development", "test"))
PRODUCTION = ENVIRONMENT == "production"
DEBUG = False

# Published on purpose: worthless outside a machine that holds no one's data.
_DEVELOPMENT_SECRET = "not-a-secret-" * 4
_DEVELOPMENT_KEY = "dev1:Y2FyZWZpZWxkLWRldmVsb3BtZW50LWtleS0wMDAwMDE="
_DEVELOPMENT_INDEX_KEY = "Y2FyZWZpZWxkLWRldmVsb3BtZW50LWluZGV4LTAwMDE="


def _unless_production(value: str) -> str | None:
    return None if PRODUCTION else value


# --- Secrets ---------------------------------------------------------------------------------
SECRET_KEY = env.text("SECRET_KEY", _unless_production(_DEVELOPMENT_SECRET))
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
# AES-256 key ring for protected health information: `id:base64`, the newest first. Older keys
# only decrypt. `manage.py new_field_key` prints a fresh one, `rotate_field_keys` moves the rows.
FIELD_KEYS = env.keys("FIELD_KEYS", _unless_production(_DEVELOPMENT_KEY))
# Key of blind indexes (look-up by equality without decrypting). It does not rotate.
INDEX_KEY = env.key("INDEX_KEY", _unless_production(_DEVELOPMENT_INDEX_KEY))

# --- Engines ---------------------------------------------------------------------------------
# DATABASE_URL is the application's role, which owns nothing. Migrations run as the owner:
# `manage.py migrate --database owner`.
DATABASES: dict[str, dict[str, Any]] = {"default": env.database("DATABASE_URL")}
_POOL_MIN = env.whole("DATABASE_POOL_MIN", 2, least=0)
_POOL = {
    "min_size": _POOL_MIN,
    "max_size": env.whole("DATABASE_POOL_MAX", 12, least=max(1, _POOL_MIN)),
    "timeout": env.number("DATABASE_POOL_TIMEOUT_SECONDS", 5, least=0.1),
    # The pool waits twice as long after each failure to connect. Left to itself it stays away for
    # as long again as PostgreSQL was, up to minutes; given up early, whoever asks begins anew.
    "reconnect_timeout": 2,
}
DATABASES["default"]["CONN_MAX_AGE"] = 0  # the pool keeps connections; threads must not
# The pool asks a connection whether it lives before it lends it: after a restart of PostgreSQL each
# dead one would fail a call or turn a tablet away.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# No writer waits long for the one lock that orders commits: 503 and a retry are better.
_LOCK_SECONDS = env.number("DATABASE_LOCK_TIMEOUT_SECONDS", 5, least=0.1)
DATABASES["default"]["OPTIONS"].setdefault(
    "options",
    f"-c lock_timeout={_LOCK_SECONDS * 1000:.0f}ms -c idle_in_transaction_session_timeout=60s",
)
# A statement that a connection has run so often is planned once and kept: half of a call's time in
# the database was planning. 0 for a connection pooler that hands each transaction another server
# connection and does not know of prepared statements.
_PREPARE_AFTER = env.whole("DATABASE_PREPARE_AFTER", 2, least=0)
DATABASES["default"]["OPTIONS"] |= {
    "server_side_binding": True,
    "prepare_threshold": _PREPARE_AFTER or None,
}
# The tests' own process makes and drops databases, which a pool would hold open.
if env.flag("DATABASE_POOL", ENVIRONMENT != "test"):
    DATABASES["default"]["OPTIONS"]["pool"] = _POOL
if env.text("DATABASE_OWNER_URL", "") and ENVIRONMENT != "test":
    DATABASES["owner"] = env.database("DATABASE_OWNER_URL")
    # A migration that waits for a table, behind a backup that reads it, has everybody wait behind
    # itself. It gives up before they do, and is repeated.
    DATABASES["owner"]["OPTIONS"].setdefault(
        "options", f"-c lock_timeout={_LOCK_SECONDS * 500:.0f}ms"
    )
# The role that `manage.py grant_privileges` gives the application's rights to.
DATABASE_APP_ROLE = env.text("DATABASE_APP_ROLE", "carefield_app")

REDIS_URL = env.redis("REDIS_URL")
REDIS_PREFIX = env.text("CAREFIELD_REDIS_PREFIX", "carefield")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": REDIS_PREFIX,
    }
}

# --- Celery: the broker carries wake-ups and ids; every due time is a column -------------------
CELERY_BROKER_URL = REDIS_URL
# A task that runs longer is killed, and is told so after three quarters of the time.
CELERY_TASK_TIME_LIMIT = env.whole("TASK_TIME_LIMIT_SECONDS", 60, least=2)
CELERY_TASK_SOFT_TIME_LIMIT = CELERY_TASK_TIME_LIMIT * 3 // 4
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "global_keyprefix": f"{REDIS_PREFIX}:celery:",
    # 300 s above the hard limit: no task runs twice while it runs.
    "visibility_timeout": CELERY_TASK_TIME_LIMIT + 300,
    # redis-py 8.1 gives up on a socket after 5 s, just when a blocking read of the worker's ends.
    "socket_timeout": 15,
    "socket_keepalive": True,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 10
CELERY_WORKER_ENABLE_SOFT_SHUTDOWN_ON_IDLE = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# A worker that waits for strangers' servers must not be the one that raises alarms or reminds of
# what is due: deliveries to partners have a queue, and so a worker, of their own, and so has
# everything that talks to gateways of mail and text messages
# (`celery -A config worker --queues webhooks`, `celery -A config worker --queues notify`).
CELERY_TASK_ROUTES = {
    "webhooks.deliver": {"queue": "webhooks"},
    "webhooks.mail_notices": {"queue": "notify"},
    "notify.hand_over": {"queue": "notify"},
    "referrals.send_links": {"queue": "notify"},
}
# Beat sends this often a task that writes that a worker ran it. After three missed ones `/readyz`
# says that the worker is gone.
WORKER_HEARTBEAT_SECONDS = 10
# All servers together write no oftener than this for `/readyz`, to know whether writes are kept.
WRITE_PROBE_SECONDS = 5.0

# --- Django ----------------------------------------------------------------------------------
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]")
if PRODUCTION and not ALLOWED_HOSTS:
    raise env.Misconfigured("ALLOWED_HOSTS", "is not set")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "channels",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "apps.core",  # its templates and static files stand before those of the next two
    "unfold.apps.BasicAppConfig",
    "apps.core.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "apps.changes",
    "apps.audit",
    "apps.accounts",
    "apps.sync",
    "apps.live",
    "apps.webhooks",
    "apps.notify",
    "apps.dispatch",
    "apps.assignments",
    "apps.people",
    "apps.casenotes",
    "apps.firstaid",
    "apps.referrals",
    "apps.followups",
    "apps.metrics",
    "apps.cockpit",
]
if not PRODUCTION:
    INSTALLED_APPS.append("django_migration_linter")

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "apps.core.answers.Guarded",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
if ENVIRONMENT == "test":
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
NAVIGATION = "config.navigation.GROUPS"  # the sidebar of the admin
LANGUAGE_CODE = "en-us"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
# The city's wall clock: what desks read and type, CAD's times without an offset, and the hours of
# a rule that names no zone.
CITY_TIME_ZONE = env.zone("CITY_TIME_ZONE", "America/Los_Angeles")

STATIC_URL = "static/"
# Where `collectstatic` puts files; only production serves from there.
STATIC_ROOT = env.text("STATIC_ROOT", str(BASE_DIR / "staticfiles")) if PRODUCTION else None
WHITENOISE_USE_FINDERS = not PRODUCTION
# In tests every client is a new server: it must not list all static files first.
WHITENOISE_AUTOREFRESH = ENVIRONMENT == "test"

# --- Photos and signatures ----------------------------------------------------------------------
# Where they are kept, sealed. Any backend of Django's storage API does; all servers and workers see
# the same. The folder belongs into the backup, beside the database.
MEDIA_FOLDER = env.text("MEDIA_FOLDER", str(BASE_DIR / "var" / "media"))
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "media": {
        "BACKEND": "apps.sync.media.storage.DurableStorage",
        "OPTIONS": {"location": MEDIA_FOLDER},
    },
}
MEDIA_LARGEST_BYTES = env.whole("MEDIA_LARGEST_BYTES", 16 * 1024 * 1024, least=1024)
# A phone's camera has 48 million. Opening one takes 12 bytes of memory a pixel.
MEDIA_LARGEST_PIXELS = env.whole("MEDIA_LARGEST_PIXELS", 50_000_000, least=1)
# Half-sent files of one person.
MEDIA_OPEN_UPLOADS = env.whole("MEDIA_OPEN_UPLOADS", 50, least=1)
# A file that no document names (yet, or any more) is kept this long; so is a half-sent one.
MEDIA_UNNAMED_DAYS = env.number("MEDIA_UNNAMED_DAYS", 7, least=1)

# --- Transport security ----------------------------------------------------------------------
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", PRODUCTION)
if env.flag("BEHIND_TLS_PROXY", False):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = env.whole("SESSION_SECONDS", 12 * 3600, least=60)  # one shift
X_FRAME_OPTIONS = "DENY"

# Five failures lock for 15 minutes, per name and address (NIST SP 800-53 AC-7 as CJIS sets it).
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "apps.accounts.lockout.answer"
AXES_VERBOSE = False
AXES_SENSITIVE_PARAMETERS = ["username", "password", "code"]
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_DISABLE_ACCESS_LOG = True

# --- Requests ----------------------------------------------------------------------------------
# Threads that answer requests; more of them wait in line. With those of the sockets (5) they are
# no more than the pool has connections.
REQUEST_THREADS = env.whole("REQUEST_THREADS", 7, least=1)
# Requests of tablets' synchronisation that may wait in line. More are sent away with 503 and a time
# to come back; calls from CAD and desks never are, and always find a thread.
REQUEST_QUEUE = env.whole("REQUEST_QUEUE", 100, least=1)
# Bytes of their bodies that are held in memory at once; beyond it 503.
REQUEST_BODIES_BYTES = env.whole("REQUEST_BODIES_BYTES", 128 * 1024 * 1024, least=8 * 1024 * 1024)
# A body that has not come to its end after this long is refused. The largest takes 35 KB/s.
REQUEST_BODY_SECONDS = env.number("REQUEST_BODY_SECONDS", 120, least=1)
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024  # bytes; the largest legitimate push is 1 MB
# Of one partner's systems, by its tokens; more are told when to come back (429).
PARTNER_REQUESTS_A_MINUTE = env.whole("PARTNER_REQUESTS_A_MINUTE", 600, least=1)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.auth.TabletAuthentication",
        "apps.accounts.auth.ClientTokenAuthentication",
        "apps.accounts.auth.PartnerTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.accounts.permissions.Nobody"],
    "DEFAULT_RENDERER_CLASSES": ["apps.core.rendering.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.rendering.JSONParser"],
    "DEFAULT_THROTTLE_CLASSES": ["apps.accounts.throttles.PartnerThrottle"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "apps.core.pagination.CursorPagination",
    "PAGE_SIZE": 100,
    # Throttles count by the address that the server gives, never by a header that anybody can send.
    "NUM_PROXIES": 0,
    "EXCEPTION_HANDLER": "apps.core.problems.exception_handler",
    "DEFAULT_VERSIONING_CLASS": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Carefield",
    "VERSION": "1",
    "DESCRIPTION": "The backend of crisis responders' tablets.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    # Fields of one name with different choices.
    "ENUM_NAME_OVERRIDES": {
        "WebhookEndpointState": "apps.webhooks.models.EndpointState",
        "WebhookDeliveryState": "apps.webhooks.models.DeliveryState",
    },
}

# --- The work ----------------------------------------------------------------------------------
# The demo plays a shift fast: every domain duration is divided by this.
TIME_SCALE = env.number("TIME_SCALE", 1, least=0.01)
# An unacknowledged call rises at the second responder, the supervisors, the dispatch desk.
ESCALATION_SECONDS = (
    env.number("ESCALATE_SECOND_RESPONDER_SECONDS", 30, least=1),
    env.number("ESCALATE_SUPERVISORS_SECONDS", 60, least=1),
    env.number("ESCALATE_DISPATCH_SECONDS", 90, least=1),
)
# How often Celery looks for due alarms. Real seconds: this is how late an alarm may be.
ESCALATION_TICK_SECONDS = env.number("ESCALATION_TICK_SECONDS", 5, least=0.2)
# A crew on scene is asked so often whether all is well, where its call type says nothing else. On
# an average call (34 minutes) that is once. The project's own, to be confirmed by the department.
CHECK_IN_MINUTES = env.number("CHECK_IN_MINUTES", 20, least=1)
# Without an answer the supervisors are told so long after it was due, and after as long again as
# the second one says the dispatch desk.
CHECK_IN_GRACE_SECONDS = (
    env.number("CHECK_IN_SUPERVISORS_SECONDS", 120, least=1),
    env.number("CHECK_IN_DISPATCH_SECONDS", 120, least=1),
)
# A cleared call stays on its unit's tablets this long.
CLEARED_STAYS_SECONDS = env.number("CLEARED_STAYS_SECONDS", 3600, least=0)
# A person whose record was opened without a call that led to them is shown this long.
BREAK_GLASS_MINUTES = env.number("BREAK_GLASS_MINUTES", 60, least=1)
# A person to whom no call leads stays with whoever wrote of them this long, to be named on one.
UNLINKED_PERSON_HOURS = env.number("UNLINKED_PERSON_HOURS", 24, least=0)
# A mis-tap is undone without a reason within this time (real seconds).
MISTAP_SECONDS = env.number("MISTAP_SECONDS", 10, least=0)
# A signed note is locked after this long; until then a further responder may sign it too.
NOTE_LOCK_HOURS = env.number("NOTE_LOCK_HOURS", 24, least=0)
# A call whose coordinates move by more than this has another place, and is acknowledged anew: some
# two blocks. Geocoders and the positions of phones jitter by less.
MATERIAL_MOVE_METRES = env.number("MATERIAL_MOVE_METRES", 150, least=1)
# What responders began is tied to the event whose number they type where it was called in within so
# many hours of it; to one that they do not see, within fewer, and within so many metres. A desk
# confirms the others.
LINK_HOURS = env.number("LINK_HOURS", 12, least=0)
LINK_NEAR_HOURS = env.number("LINK_NEAR_HOURS", 2, least=0)
LINK_NEAR_METRES = env.number("LINK_NEAR_METRES", 1000, least=1)
# A message from CAD that cannot be parsed is kept this long.
HELD_MESSAGE_DAYS = env.number("HELD_MESSAGE_DAYS", 7, least=1)
# A tablet's clock that is further off than this is marked.
CLOCK_SUSPECT_SECONDS = env.number("CLOCK_SUSPECT_SECONDS", 120, least=1)

# --- Naloxone and first aid --------------------------------------------------------------------
# Fewer pieces of naloxone than this in a kit are too few, where the product says nothing else.
STOCK_LOW_AT = env.whole("STOCK_LOW_AT", 2, least=0)
# A lot is warned of so long before its last good day.
STOCK_EXPIRING_DAYS = env.whole("STOCK_EXPIRING_DAYS", 60, least=0)
# So many overdoses within so many metres of each other and so many hours alert the supervisors.
SPIKE_OVERDOSES = env.whole("SPIKE_OVERDOSES", 3, least=2)
SPIKE_METRES = env.number("SPIKE_METRES", 1000, least=1)
SPIKE_HOURS = env.number("SPIKE_HOURS", 24, least=0.1)

# Whether photographs of people are taken up in their records. Off: a tablet that sends one is told
# that the field is not recorded, and the picture goes with those that nothing names.
PERSON_PHOTOS = env.flag("PERSON_PHOTOS", False)

# --- Referrals ---------------------------------------------------------------------------------
# Who discloses, as consents and partners read it, and the number that a partner calls.
CARE_NAME = env.text("CARE_NAME", "Seattle CARE Department")
CARE_PHONE = env.text("CARE_PHONE", "")
# How often Celery looks for referrals that nobody answers. Real seconds.
REFERRAL_TICK_SECONDS = env.number("REFERRAL_TICK_SECONDS", 15, least=0.2)
# How often Celery looks for links and codes to send. Real seconds: somebody waits for a code.
LINK_TICK_SECONDS = env.number("LINK_TICK_SECONDS", 2, least=0.2)
# Under which address partners reach this server: it stands in the links that they are sent.
PUBLIC_URL = env.text(
    "PUBLIC_URL", f"https://{ALLOWED_HOSTS[0]}" if PRODUCTION else "http://127.0.0.1:8000"
).rstrip("/")

# --- Follow-ups ----------------------------------------------------------------------------------
# How often Celery looks for follow-ups that are due. Real seconds: how late a reminder may be.
FOLLOW_UP_TICK_SECONDS = env.number("FOLLOW_UP_TICK_SECONDS", 5, least=0.2)
# What the days between a call and its follow-ups are divided by: the demo plays three of them while
# it plays an hour of a shift.
FOLLOW_UP_TIME_SCALE = env.number("FOLLOW_UP_TIME_SCALE", TIME_SCALE, least=0.01)

# --- Events to partners (webhooks) ---------------------------------------------------------------
# How often a worker is told to look for what is due. Real seconds: how late a first attempt may be.
WEBHOOK_TICK_SECONDS = env.number("WEBHOOK_TICK_SECONDS", 1, least=0.2)
# One attempt in all, from resolving the name to the end of the answer.
WEBHOOK_TIMEOUT_SECONDS = env.number("WEBHOOK_TIMEOUT_SECONDS", 15, least=0.1)
# A claimed attempt whose worker has died is due again after this long.
WEBHOOK_LEASE_SECONDS = env.number("WEBHOOK_LEASE_SECONDS", 30, least=0.2)
if WEBHOOK_LEASE_SECONDS <= WEBHOOK_TIMEOUT_SECONDS:
    raise env.Misconfigured("WEBHOOK_LEASE_SECONDS", "must be longer than WEBHOOK_TIMEOUT_SECONDS")
# One task delivers for so long, below Celery's limit. What is under way then goes on, and the next
# task writes down what comes of it.
WEBHOOK_PUMP_SECONDS = env.number("WEBHOOK_PUMP_SECONDS", 20, least=0.1)
# Attempts under way at once, of one worker, to one partner and to one endpoint: what a slow one can
# keep busy.
WEBHOOK_IN_FLIGHT = env.whole("WEBHOOK_IN_FLIGHT", 200, least=1)
WEBHOOK_PARTNER_IN_FLIGHT = env.whole("WEBHOOK_PARTNER_IN_FLIGHT", 48, least=1)
WEBHOOK_ENDPOINT_IN_FLIGHT = env.whole("WEBHOOK_ENDPOINT_IN_FLIGHT", 16, least=1)
# Bodies and excerpts of answers are kept, sealed, for so long; what was sent when stays.
WEBHOOK_BODY_DAYS = env.number("WEBHOOK_BODY_DAYS", 30, least=1)
# Who is mailed when an endpoint only fails, beside the warning in the admin.
WEBHOOK_WARNINGS_TO = env.words("WEBHOOK_WARNINGS_TO")
# http and loopback are called too: for development and tests alone.
WEBHOOK_PRIVATE_TARGETS = not PRODUCTION

# --- Mail --------------------------------------------------------------------------------------
# Written to the log where no server is named.
EMAIL_HOST = env.text("EMAIL_HOST", "")
EMAIL_PORT = env.whole("EMAIL_PORT", 587, least=1)
EMAIL_USE_TLS = env.flag("EMAIL_USE_TLS", True)
EMAIL_HOST_USER = env.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = env.text("EMAIL_HOST_PASSWORD", "")
# How long a mail server is waited for, each time that it should say something.
EMAIL_TIMEOUT = env.number("EMAIL_TIMEOUT_SECONDS", 10, least=0.1)
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "carefield@localhost")

# --- What our own people are told outside their tablets ------------------------------------------
# The hours of a team that has none of its own, by the city's clock: its shift, and when nothing
# rings. Equal times: the whole day, and never. The admin's "Team hours" hold those of a team.
TEAM_OPENS = env.wall_time("TEAM_OPENS", "12:00")
TEAM_CLOSES = env.wall_time("TEAM_CLOSES", "22:00")
TEAM_QUIET_FROM = env.wall_time("TEAM_QUIET_FROM", "22:00")
TEAM_QUIET_UNTIL = env.wall_time("TEAM_QUIET_UNTIL", "08:00")
# How often a worker is told to look for messages to hand over. Real seconds.
NOTIFY_TICK_SECONDS = env.number("NOTIFY_TICK_SECONDS", 5, least=0.2)
# One task hands over for so long, below Celery's limit; the next goes on.
NOTIFY_TURN_SECONDS = env.number("NOTIFY_TURN_SECONDS", 20, least=0.1)
if NOTIFY_TURN_SECONDS + EMAIL_TIMEOUT >= CELERY_TASK_SOFT_TIME_LIMIT:
    raise env.Misconfigured("NOTIFY_TURN_SECONDS", "must end before a task's time is over")
# A message whose worker has died is handed over again after so long, never while one still runs.
NOTIFY_LEASE_SECONDS = env.number("NOTIFY_LEASE_SECONDS", 1.5 * CELERY_TASK_TIME_LIMIT, least=1)
if NOTIFY_LEASE_SECONDS <= CELERY_TASK_TIME_LIMIT:
    raise env.Misconfigured("NOTIFY_LEASE_SECONDS", "must be longer than TASK_TIME_LIMIT_SECONDS")
# A person's mails are at least so far apart; what comes meanwhile is in the next one.
NOTIFY_DIGEST_SECONDS = env.number("NOTIFY_DIGEST_SECONDS", 900, least=0)
# So are their text messages, and their push messages.
NOTIFY_BURST_SECONDS = env.number("NOTIFY_BURST_SECONDS", 60, least=0)
# Messages to one person in one shift, by all channels. What is more waits for the next shift; what
# has risen to the supervisors is not counted, and waits for NOTIFY_BURST_SECONDS alone.
NOTIFY_BUDGET = env.whole("NOTIFY_BUDGET", 12, least=1)
# What was told stays listed so long.
NOTIFY_KEPT_DAYS = env.number("NOTIFY_KEPT_DAYS", 90, least=1)
# What sends text and push messages: the dotted names of functions that take an address, a text and
# an id (the same on every attempt), and raise where they cannot. Without one nobody is told that
# way, and no partner's contact is sent texts. `apps.notify.channels.console.text` (and `.push`)
# writes them to the log: not in production.
TEXT_SENDER = env.text("TEXT_SENDER", "")
PUSH_SENDER = env.text("PUSH_SENDER", "")
for _name, _sender in (("TEXT_SENDER", TEXT_SENDER), ("PUSH_SENDER", PUSH_SENDER)):
    if PRODUCTION and _sender.startswith("apps.notify.channels.console."):
        raise env.Misconfigured(_name, "writes what it is given to the log: not in production")

# --- The directory -----------------------------------------------------------------------------
# A service that nobody has verified for so many days becomes a task for the supervisors.
DIRECTORY_STALE_DAYS = env.whole("DIRECTORY_STALE_DAYS", 90, least=1)
# What is told of capacity is to be believed for so long where nobody says until when.
CAPACITY_VALID_SECONDS = env.number("CAPACITY_VALID_SECONDS", 4 * 3600, least=60)

# --- What is exported --------------------------------------------------------------------------
# Who writes the NEMSIS files. CARE is no licensed EMS agency: this number (at most 15 characters)
# is no state's and says so. ANSI codes of Washington and King County.
NEMSIS_AGENCY_NUMBER = env.text("NEMSIS_AGENCY_NUMBER", "CARE-UNLICENSED")
if len(NEMSIS_AGENCY_NUMBER) > 15:
    raise env.Misconfigured("NEMSIS_AGENCY_NUMBER", "has more than 15 characters")
NEMSIS_AGENCY_NAME = env.text("NEMSIS_AGENCY_NAME", "Seattle CARE Department")
NEMSIS_STATE = env.text("NEMSIS_STATE", "53")
NEMSIS_COUNTY = env.text("NEMSIS_COUNTY", "53033")
# How exactly an overdose's place is told: 3 decimals of a degree are about 110 metres.
ODMAP_PLACE_DECIMALS = env.whole("ODMAP_PLACE_DECIMALS", 3, least=0)

# --- Tablets -----------------------------------------------------------------------------------
# Whoever signed in longer ago has to sign in again: longer than any shift with its overtime.
SIGN_IN_HOURS = env.number("SIGN_IN_HOURS", 16, least=0.01)
# What a lost tablet may still hand in: many times what a responder types in a shift offline. Beyond
# it nothing is kept, so that whoever has found it cannot fill the disk.
LOST_TABLET_ROWS = env.whole("LOST_TABLET_ROWS", 2000, least=1)
LOST_TABLET_BYTES = env.whole("LOST_TABLET_BYTES", 16 * 1024 * 1024, least=1024)
# Apps built for an older version of the schemas are served nothing (426: update the app); what they
# push is taken all the same.
OLDEST_SCHEMA_SERVED = env.whole("OLDEST_SCHEMA_SERVED", 1, least=1)
# Rows that one round trip may push, of all collections together.
ROUND_TRIP_ROWS = env.whole("ROUND_TRIP_ROWS", 200, least=1)
# A tablet that nobody has heard of for so long is treated as lost: it may hand in, nothing else.
HOLDER_DAYS = env.number("HOLDER_DAYS", 30, least=1)
# The log of changes is kept until everybody who follows it has read it, and then for so many days.
CHANGE_LOG_DAYS = env.whole("CHANGE_LOG_DAYS", 90, least=30)

# --- Sockets -----------------------------------------------------------------------------------
HEARTBEAT_SECONDS = env.number("HEARTBEAT_SECONDS", 10, least=0.2)
# A socket that has not said hello after this long is closed.
SOCKET_HELLO_SECONDS = env.number("SOCKET_HELLO_SECONDS", 10, least=0.1)
# A client that has not read for this long is dropped: it dials again and catches up.
SOCKET_STUCK_SECONDS = env.number("SOCKET_STUCK_SECONDS", 20, least=0.5)
# A socket's rights are looked up again this often, whatever pokes were lost.
SOCKET_RECHECK_SECONDS = env.number("SOCKET_RECHECK_SECONDS", 60, least=1)
# A socket is closed (1012) after this long, with jitter, and dials again.
SOCKET_LIFETIME_SECONDS = env.number("SOCKET_LIFETIME_SECONDS", 6 * 3600, least=10)

# --- Logs: one JSON object a line, no request bodies, no query strings ---------------------------
_LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "apps.core.logs.JSONFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": _LOG_LEVEL},
    "loggers": {
        "django.request": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        # They name the address of every request, which may carry a partner's secret.
        "httpx2": {"level": "WARNING"},
        "httpcore2": {"level": "WARNING"},
        # uvicorn names the address of every socket with its query string: our formatter drops it.
        "uvicorn": {"level": _LOG_LEVEL, "handlers": [], "propagate": True},
        "uvicorn.access": {"level": "WARNING"},
    },
}
