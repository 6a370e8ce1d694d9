"""Settings. Each one of ours is read here, once, from the environment; .env.example says what it means."""

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

import environ
from corsheaders.defaults import default_headers

from backend.environment import (
    available_cores,
    cache,
    collector,
    database,
    flag,
    folder,
    header,
    hosts,
    one_of,
    origins,
    rate,
    read,
    secret_key,
    text,
    whole,
    words,
)
from backend.logs import configure_structlog, logging_config
from backend.static_files import IMMUTABLE, add_headers

BASE_DIR = Path(__file__).resolve().parent.parent
environ.Env.read_env(BASE_DIR / ".env")

# What is served
MODELS_DIR = read("MODELS_DIR", text, str(BASE_DIR / "ml_core" / "bundles"))
MODEL = read("MODEL", text, "lite-int8")
MODELS_CACHE = Path(read("MODELS_CACHE", text, str(Path.home() / ".cache" / "face-parsing" / "models")))
MAX_UPLOAD_BYTES = read("MAX_UPLOAD_BYTES", whole(1024, 1 << 30), str(16 << 20))
MAX_BATCH_BYTES = read("MAX_BATCH_BYTES", whole(1024, 4 << 30), str(64 << 20))
MAX_IMAGE_PIXELS = read("MAX_IMAGE_PIXELS", whole(1, 1_000_000_000), "50000000")
MAX_BATCH_IMAGES = 32

# Where it runs
ENVIRONMENT = read("ENVIRONMENT", one_of("development", "production"), "development")
PRODUCTION = ENVIRONMENT == "production"
BIND = read("BIND", text, "127.0.0.1")
PORT = read("PORT", whole(1, 65535), "8000")
STATE_DIR = read("STATE_DIR", folder, str(BASE_DIR))
RUN_DIR = Path(read("RUN_DIR", text, str(Path(tempfile.gettempdir()) / f"face-parsing-{os.getuid()}-{PORT}")))
LOG_LEVEL = read("LOG_LEVEL", one_of("DEBUG", "INFO", "WARNING", "ERROR"), "INFO")

# How much at once
CORES = available_cores()
PROVIDERS = read("PROVIDERS", words, "CPUExecutionProvider")
INFERENCE_THREADS = read("INFERENCE_THREADS", whole(1, 256), "1")
INFERENCE_SLOTS = read("INFERENCE_SLOTS", whole(1, 1024), str(max(1, CORES // INFERENCE_THREADS)))
WORKERS = read("WORKERS", whole(1, 256), str(max(2, -(-CORES // 4))))
THREADS = read("THREADS", whole(2, 1024), "64")
QUEUE_SIZE = read("QUEUE_SIZE", whole(0, 10_000), "16")
HEADER_TIMEOUT = read("HEADER_TIMEOUT", whole(1, 3600), "10")
BODY_TIMEOUT = read("BODY_TIMEOUT", whole(1, 3600), "60")
STOP_TIMEOUT = read("STOP_TIMEOUT", whole(1, 3600), "30")

# Who may come in
API_PUBLIC = read("API_PUBLIC", flag, "false")
THROTTLE_KEY = read("THROTTLE_KEY", rate, "")
THROTTLE_ADDRESS = read("THROTTLE_ADDRESS", rate, "")
NUM_PROXIES = read("NUM_PROXIES", whole(0, 16), "0")
ALLOWED_HOSTS = read("ALLOWED_HOSTS", hosts, "localhost,127.0.0.1,[::1]")
CORS_ALLOWED_ORIGINS = read("CORS_ALLOWED_ORIGINS", origins, "")
CSRF_TRUSTED_ORIGINS = read("CSRF_TRUSTED_ORIGINS", origins, "")
SECRET_KEY = secret_key(STATE_DIR / "secret_key", demanded=PRODUCTION)
DEBUG = read("DEBUG", flag, "false")

# HTTPS: everything `check --deploy` asks for, on in production
HTTPS = read("HTTPS", flag, str(PRODUCTION))
SECURE_SSL_REDIRECT = SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^metrics$"]  # asked for from within, past the proxy that has the certificate
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
PROXY_SSL_HEADER = read("PROXY_SSL_HEADER", header, "")
if PROXY_SSL_HEADER:
    SECURE_PROXY_SSL_HEADER = (f"HTTP_{PROXY_SSL_HEADER.upper().replace('-', '_')}", "https")

# Stores
DATABASES = {"default": read("DATABASE_URL", database, f"sqlite:///{STATE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"].setdefault("CONN_MAX_AGE", None)  # opening the file costs more than asking it
CACHES = {"default": read("CACHE_URL", cache, f"filecache://{RUN_DIR / 'cache'}")}
if CACHES["default"]["BACKEND"] == "django.core.cache.backends.filebased.FileBasedCache":
    CACHES["default"]["BACKEND"] = "segmentation_api.count_files.CountFiles"
if CACHES["default"]["BACKEND"] == "django.core.cache.backends.redis.RedisCache":
    CACHES["default"]["OPTIONS"] = {
        "socket_timeout": 2,
        "socket_connect_timeout": 2,
        **CACHES["default"].get("OPTIONS", {}),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "segmentation_api",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "rest_framework_api_key",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_prometheus",
    "django_structlog",
]

MIDDLEWARE = [
    "segmentation_api.telemetry.request_id",
    "segmentation_api.health.probes",
    "segmentation_api.telemetry.http_metrics",
    "segmentation_api.telemetry.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "backend.admin_middleware.Sessions",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "backend.admin_middleware.Authentication",
    "backend.admin_middleware.Messages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

# Other origins' pages, where there are any: a request's headers are looked through for it
if CORS_ALLOWED_ORIGINS:
    MIDDLEWARE.insert(
        MIDDLEWARE.index("django.middleware.common.CommonMiddleware"), "corsheaders.middleware.CorsMiddleware"
    )

# Traces: an extra, so the middleware and its packages are looked for only where they are asked for
OTEL_EXPORTER_OTLP_ENDPOINT = read("OTEL_EXPORTER_OTLP_ENDPOINT", collector, "")
if OTEL_EXPORTER_OTLP_ENDPOINT:
    MIDDLEWARE.insert(1, "segmentation_api.tracing.middleware")

ROOT_URLCONF = "backend.urls"
WSGI_APPLICATION = "backend.wsgi.application"
APPEND_SLASH = False
USE_I18N = False
USE_TZ = True
CSRF_FAILURE_VIEW = "segmentation_api.errors.csrf_failure"
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = [*default_headers, "x-request-id"]
CORS_EXPOSE_HEADERS = ["Server-Timing", "X-Model", "X-Request-Id", "Retry-After"]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("MinimumLengthValidator", "CommonPasswordValidator", "NumericPasswordValidator")
]

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

# An upload is kept in memory only; segmentation_api.uploads bounds it
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 << 10
DATA_UPLOAD_MAX_NUMBER_FIELDS = 64
DATA_UPLOAD_MAX_NUMBER_FILES = MAX_BATCH_IMAGES + 1

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["segmentation_api.access.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["segmentation_api.access.MayComeIn"],
    "DEFAULT_THROTTLE_CLASSES": [
        "segmentation_api.access.KeyThrottle",
        "segmentation_api.access.AddressThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"key": THROTTLE_KEY, "address": THROTTLE_ADDRESS},
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
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
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "segmentation_api.schema.tell_if_open",
    ],
}

# JSON logs, one line a request
DJANGO_STRUCTLOG_STATUS_4XX_LOG_LEVEL = logging.INFO
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # an address is personal data; the proxy's log may have it
DJANGO_STRUCTLOG_USER_ID_FIELD = ""

LOGGING = logging_config(LOG_LEVEL)
configure_structlog(LOG_LEVEL)
