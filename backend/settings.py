"""Django's settings, and ours under django.conf.settings as backend.environment reads them."""

import logging
from typing import Any

from corsheaders.defaults import default_headers

from backend import __version__
from backend.environment import BASE_DIR, read_environment
from backend.environment import BODY_OVERHEAD as BODY_OVERHEAD
from backend.logs import logging_config
from backend.static_files import IMMUTABLE, add_headers

env = read_environment()

# What is served
MODELS_DIR = env.MODELS_DIR
MODEL = env.MODEL
MODELS_CACHE = env.MODELS_CACHE
MAX_UPLOAD_BYTES = env.MAX_UPLOAD_BYTES
MAX_BATCH_BYTES = env.MAX_BATCH_BYTES
MAX_IMAGE_PIXELS = env.MAX_IMAGE_PIXELS
MAX_BATCH_IMAGES = 32

# Where it runs; PORT and others that only backend.server needs stay in `env`
BIND = env.BIND
RUN_DIR = env.RUN_DIR
WORKERS = env.WORKERS

# How much at once
PROVIDERS = env.PROVIDERS
INFERENCE_THREADS = env.INFERENCE_THREADS
INFERENCE_SLOTS = env.INFERENCE_SLOTS
QUEUE_SIZE = env.QUEUE_SIZE
MAX_BYTES_IN_FLIGHT = env.MAX_BYTES_IN_FLIGHT
QUEUE_TIMEOUT = env.QUEUE_TIMEOUT
MAX_FACES = env.MAX_FACES
MAX_CPU_SECONDS = env.MAX_CPU_SECONDS
DECODE_TIMEOUT = env.DECODE_TIMEOUT
STALL_TIMEOUT = env.STALL_TIMEOUT

# Who may come in
API_PUBLIC = env.API_PUBLIC
THROTTLE_KEY = env.THROTTLE_KEY or None
THROTTLE_ADDRESS = env.THROTTLE_ADDRESS or None
THROTTLE_IPV6_PREFIX = env.THROTTLE_IPV6_PREFIX
NUM_PROXIES = env.NUM_PROXIES
ALLOWED_HOSTS = env.ALLOWED_HOSTS
CORS_ALLOWED_ORIGINS = env.CORS_ALLOWED_ORIGINS
CSRF_TRUSTED_ORIGINS = env.CSRF_TRUSTED_ORIGINS
SECRET_KEY = env.SECRET_KEY
DEBUG = env.DEBUG
ADMIN = env.ADMIN

# HTTPS: everything `check --deploy` asks for, on in production
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.HTTPS
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]  # scraped from within, past the proxy that has the certificate
SECURE_HSTS_SECONDS = 31_536_000 if env.HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = env.HTTPS
if env.PROXY_SSL_HEADER:
    SECURE_PROXY_SSL_HEADER = (f"HTTP_{env.PROXY_SSL_HEADER.upper().replace('-', '_')}", "https")

# Stores
DATABASES = {"default": env.DATABASE_URL}
CACHES = {"default": env.CACHE_URL}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "segmentation_api",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_structlog",
]

# Jobs keep photos on disk, so all of it is there only where it is asked for
JOBS = env.JOBS
if JOBS:
    INSTALLED_APPS += ["segmentation_api.jobs", "django_tasks", "django_tasks_db"]
    TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
    JOBS_DIR = env.JOBS_DIR
    JOB_BYTES = env.JOB_BYTES
    JOB_IMAGES = env.JOB_IMAGES
    JOB_SECONDS = env.JOB_SECONDS
    JOB_KEEP = env.JOB_KEEP
    JOB_LEASE = env.JOB_LEASE
    JOBS_PER_KEY = env.JOBS_PER_KEY
    JOBS_BYTES_PER_KEY = env.JOBS_BYTES_PER_KEY
    JOBS_TOTAL = env.JOBS_TOTAL
    JOBS_BYTES = env.JOBS_BYTES
    JOB_S3_PREFIXES = env.JOB_S3_PREFIXES
    JOB_CALLBACK_HOSTS = env.JOB_CALLBACK_HOSTS
    JOB_CALLBACK_NETWORKS = env.JOB_CALLBACK_NETWORKS
    JOB_CALLBACK_SECRET = env.JOB_CALLBACK_SECRET
    BODY_TIMEOUT = env.BODY_TIMEOUT
    if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":  # workers write beside the service
        DATABASES["default"]["OPTIONS"] |= {
            "transaction_mode": "IMMEDIATE",
            "init_command": "PRAGMA journal_mode=WAL",
        }

MIDDLEWARE = [
    "segmentation_api.telemetry.request_id",
    "segmentation_api.health.probes",
    "segmentation_api.telemetry.http_metrics",
    "segmentation_api.telemetry.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# CORS costs each request a look at its headers, so it is installed only where origins are named
if CORS_ALLOWED_ORIGINS:
    MIDDLEWARE.insert(
        MIDDLEWARE.index("django.middleware.common.CommonMiddleware"), "corsheaders.middleware.CorsMiddleware"
    )

# Only a front that understands these answers may get them
FRONT_FILES = env.FRONT_FILES
if FRONT_FILES:
    MIDDLEWARE.insert(
        MIDDLEWARE.index("whitenoise.middleware.WhiteNoiseMiddleware"),
        "segmentation_api.front_files.middleware",
    )

# Traces: an extra, so the middleware and its packages are looked for only where they are asked for
OTEL_EXPORTER_OTLP_ENDPOINT = env.OTEL_EXPORTER_OTLP_ENDPOINT
if OTEL_EXPORTER_OTLP_ENDPOINT:
    MIDDLEWARE.insert(1, "segmentation_api.tracing.middleware")

ROOT_URLCONF = "backend.urls"
WSGI_APPLICATION = "backend.wsgi.application"
APPEND_SLASH = False
USE_I18N = False
TIME_ZONE = "UTC"  # of the process too: entries of zips, logs of libraries
CSRF_FAILURE_VIEW = "segmentation_api.errors.csrf_failure"
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [*default_headers, "x-request-id"]
CORS_EXPOSE_HEADERS = ["Server-Timing", "X-Model", "X-Request-Id", "X-Warnings", "Retry-After"]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "backend" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": ["django.template.context_processors.request"],
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

# The admin: what it takes is loaded only where it is asked for
if ADMIN:
    for name in ("admin", "auth", "contenttypes", "sessions", "messages"):
        INSTALLED_APPS.append(f"django.contrib.{name}")
    before = MIDDLEWARE.index("django.middleware.common.CommonMiddleware")
    MIDDLEWARE[before:before] = ["backend.admin_middleware.budget", "backend.admin_middleware.Sessions"]
    after = MIDDLEWARE.index("django.middleware.csrf.CsrfViewMiddleware") + 1
    MIDDLEWARE[after:after] = ["backend.admin_middleware.Authentication", "backend.admin_middleware.Messages"]
    for name in ("auth.context_processors.auth", "messages.context_processors.messages"):
        TEMPLATES[0]["OPTIONS"]["context_processors"].append(f"django.contrib.{name}")

STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True  # served from the packages that have them: no collectstatic
WHITENOISE_AUTOREFRESH = False

# The web page at /, if it was built (make page)
PAGE_DIR = BASE_DIR / "frontend" / "out"
if (PAGE_DIR / "index.html").is_file():
    WHITENOISE_ROOT = PAGE_DIR
WHITENOISE_INDEX_FILE = True
WHITENOISE_IMMUTABLE_FILE_TEST = IMMUTABLE
WHITENOISE_ADD_HEADERS_FUNCTION = add_headers
WHITENOISE_ALLOW_ALL_ORIGINS = False

# An upload is kept in memory only; segmentation_api.parsers bounds it
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 << 10
DATA_UPLOAD_MAX_NUMBER_FIELDS = 64
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_BATCH_IMAGES + 1

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["segmentation_api.access.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["segmentation_api.access.MayComeIn"],
    "DEFAULT_THROTTLE_CLASSES": [
        "segmentation_api.throttles.KeyThrottle",
        "segmentation_api.throttles.AddressThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"key": THROTTLE_KEY, "address": THROTTLE_ADDRESS},
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "segmentation_api.errors.drf_exception_handler",
    "NUM_PROXIES": NUM_PROXIES,
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Face parsing API",
    "DESCRIPTION": "A photo in; each pixel one of the model's classes out. Nothing of a photo is kept.",
    "VERSION": __version__,
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "segmentation_api.schema.tell_if_open",
    ],
}

# JSON logs, one line per request
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.NOTSET  # no line for request_started
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True  # telemetry.request_id has checked it
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # an address is personal data; the proxy's log may have it
DJANGO_STRUCTLOG_USER_ID_FIELD = ""

LOGGING = logging_config(env.LOG_LEVEL)
