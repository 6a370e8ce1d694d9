"""The settings an operator makes, from the environment or .env: typed, bounded, and named when one is wrong.

.env.example says more about each. The environment wins over .env, and an empty value means the default.
"""

import importlib.util
import os
import secrets
from contextlib import suppress
from ipaddress import ip_network
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured
from dotenv import load_dotenv
from pydantic import (
    BeforeValidator,
    DirectoryPath,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from backend.machine import available_cores, available_memory

BASE_DIR = Path(__file__).resolve().parent.parent
SHORTEST_KEY = 50
"""As `manage.py check --deploy` asks of SECRET_KEY."""
BODY_OVERHEAD = 128 << 10
"""Bytes a body may have beyond its images: boundaries, part headers, form fields."""
BYTES_A_PIXEL = 16
"""What a photo takes at most while it is computed: 0.8 GB for 50 megapixels."""
WORKER_BYTES = 250 << 20
"""What a worker takes with the models loaded."""
STORE_SECONDS = 2
"""How long a request waits for a database or a Redis."""
POOL = {"min_size": 1, "max_size": 8, "timeout": STORE_SECONDS}
"""Connections to PostgreSQL of one process."""
SHORTEST_SECRET = 32
"""Of JOB_CALLBACK_SECRET: as long as the digest."""


def database(url: str) -> dict[str, Any]:
    """A DATABASES entry of Django's. Nobody waits longer than STORE_SECONDS for a lock or a connection."""
    config: dict[str, Any] = dict(dj_database_url.parse(url))
    options = config.get("OPTIONS", {})
    if config["ENGINE"] == "django.db.backends.sqlite3":
        config["CONN_MAX_AGE"] = None  # opening the file costs more than a query
        config["OPTIONS"] = {"timeout": STORE_SECONDS, **options}
    elif config["ENGINE"] == "django.db.backends.postgresql":
        # A connection per thread would be more than PostgreSQL has, and opening one takes longer than the query
        config["OPTIONS"] = {"connect_timeout": STORE_SECONDS, **options, "pool": POOL}
        config["CONN_HEALTH_CHECKS"] = True
    return config


def cache(url: str) -> dict[str, Any]:
    """A CACHES entry of Django's, in which throttles count for several services."""
    if urlsplit(url).scheme in ("redis", "rediss"):
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        backend = "django.core.cache.backends.redis.RedisCache"
        retry = Retry(NoBackoff(), 0)  # by default it waits several times
        timeouts = {"socket_timeout": STORE_SECONDS, "socket_connect_timeout": STORE_SECONDS, "retry": retry}
        return {"BACKEND": backend, "LOCATION": url, "OPTIONS": timeouts}
    raise ValueError(
        "must be redis://host:6379/0 or rediss://..., or empty: then the workers count in memory that they share"
    )


def run_dir(given: dict[str, Any]) -> Path:
    """Where a service's pid file is, unless told otherwise: in the user's runtime folder, else in STATE_DIR."""
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent")
    if folder.is_absolute() and folder.is_dir() and folder.stat().st_uid == os.getuid():
        return folder / f"face-parsing-{given['PORT']}"
    return Path(given["STATE_DIR"]).absolute() / f"run-{given['PORT']}"


def largest_body(given: dict[str, Any]) -> int:
    """Bytes of the largest body that is taken, perhaps in base64."""
    return int(max(given["MAX_UPLOAD_BYTES"], given["MAX_BATCH_BYTES"])) * 4 // 3 + BODY_OVERHEAD


def slots(given: dict[str, Any]) -> int:
    """As many as there are cores for, and memory for the largest photos."""
    memory = available_memory() - given["WORKERS"] * WORKER_BYTES - given["MAX_BYTES_IN_FLIGHT"]
    by_memory = memory // (given["MAX_IMAGE_PIXELS"] * BYTES_A_PIXEL)
    return max(1, min(256, available_cores() // int(given["INFERENCE_THREADS"]), int(by_memory)))


def words(value: str) -> list[str]:
    """The words of a comma list."""
    return [word.strip() for word in value.split(",") if word.strip()]


def networks(value: str) -> list[str]:
    """A comma list of networks such as 10.0.0.0/8."""
    try:
        return [str(ip_network(word)) for word in words(value)]
    except ValueError as error:
        raise ValueError(f"{error}") from None


Stage = Literal["development", "production"]
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
Seconds = Annotated[int, Field(ge=1, le=3600)]
Rate = Annotated[str, Field(pattern=r"^([1-9]\d*/(s|sec|second|m|min|minute|h|hour|d|day))?$")]
Header = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$")]
Address = Annotated[str, Field(pattern=r"^(https?://[^\s/]+(/\S*)?)?$")]
Host = Annotated[str, Field(pattern=r"^(\*|\.?[\w-]+(\.[\w-]+)*\.?|\[[0-9a-fA-F:.]+\])$")]
Origin = Annotated[str, Field(pattern=r"^[a-z][a-z0-9+.-]*://([\w*.-]+|\[[0-9a-fA-F:.]+\])(:\d+)?$")]
Words = Annotated[list[str], NoDecode, BeforeValidator(words)]
CallbackHost = Annotated[str, Field(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)*(:\d{1,5})?$")]
CallbackHosts = Annotated[list[CallbackHost], NoDecode, BeforeValidator(words)]
Prefix = Annotated[str, Field(pattern=r"^s3://[a-z0-9.-]{3,63}(/[^/?#]+)*/?$")]
Prefixes = Annotated[list[Prefix], NoDecode, BeforeValidator(words)]
Networks = Annotated[list[str], NoDecode, BeforeValidator(networks)]
Hosts = Annotated[list[Host], NoDecode, BeforeValidator(words)]
Origins = Annotated[list[Origin], NoDecode, BeforeValidator(words)]
Database = Annotated[dict[str, Any], NoDecode, BeforeValidator(database)]
Cache = Annotated[dict[str, Any], NoDecode, BeforeValidator(cache)]


class Environment(BaseSettings):
    """One field per setting, named like its variable. A default may depend on the fields above it.

    What a setting does stands in .env.example. A field's description is the error for a value that fails its pattern.
    """

    model_config = SettingsConfigDict(case_sensitive=True, validate_default=False)

    # What is served
    MODELS_DIR: str = f"{BASE_DIR}/ml_core/bundles"
    MODEL: str = "lite-int8"
    MODELS_CACHE: Path = Path.home() / ".cache/face-parsing/models"
    MAX_UPLOAD_BYTES: int = Field(16 << 20, ge=1024, le=1 << 30)
    MAX_BATCH_BYTES: int = Field(64 << 20, ge=1024, le=4 << 30)
    MAX_IMAGE_PIXELS: int = Field(50_000_000, ge=1, le=1_000_000_000)

    # Where it runs
    ENVIRONMENT: Stage = "development"
    BIND: str = "127.0.0.1"
    PORT: int = Field(8000, ge=1, le=65535)
    STATE_DIR: DirectoryPath = BASE_DIR
    RUN_DIR: Path = Field(default_factory=run_dir)
    FRONT_FILES: DirectoryPath | None = None
    LOG_LEVEL: Level = "INFO"
    OTEL_EXPORTER_OTLP_ENDPOINT: Address = Field("", description="Collector such as http://localhost:4318.")

    # How much at once
    PROVIDERS: Words = Field(["CPUExecutionProvider"])
    INFERENCE_THREADS: int = Field(1, ge=1, le=256)
    WORKERS: int = Field(default_factory=lambda: max(2, -(-available_cores() // 4)), ge=1, le=256)
    MAX_BYTES_IN_FLIGHT: int = Field(
        default_factory=lambda given: max(largest_body(given), min(256 << 20, available_memory() // 8)),
        ge=1024,
        le=16 << 30,
    )
    INFERENCE_SLOTS: int = Field(default_factory=lambda given: slots(given), ge=1, le=256)
    THREADS: int = Field(64, ge=2, le=1024)
    QUEUE_SIZE: int = Field(16, ge=0, le=10_000)
    QUEUE_TIMEOUT: Seconds = 2
    MAX_FACES: int = Field(64, ge=1, le=10_000)
    MAX_CPU_SECONDS: Seconds = 4
    DECODE_TIMEOUT: Seconds = 4
    STALL_TIMEOUT: Seconds = 10
    HEADER_TIMEOUT: Seconds = 10
    BODY_TIMEOUT: Seconds = 60
    STOP_TIMEOUT: Seconds = 30

    # Who may come in
    API_PUBLIC: bool = False
    THROTTLE_KEY: Rate = Field("", description="Requests per key, such as 60/min (s, min, hour, day).")
    THROTTLE_ADDRESS: Rate = Field("", description="Requests per address without a key, such as 60/min.")
    THROTTLE_IPV6_PREFIX: int = Field(64, ge=16, le=128)
    NUM_PROXIES: int = Field(0, ge=0, le=16)
    ALLOWED_HOSTS: Hosts = Field(
        ["localhost", "127.0.0.1", "[::1]"],
        description="Names of the service such as faces.example, without http:// and without a port.",
    )
    CORS_ALLOWED_ORIGINS: Origins = Field([], description="Such as https://app.example, without a path.")
    CSRF_TRUSTED_ORIGINS: Origins = Field([], description="Such as https://app.example, without a path.")
    SECRET_KEY: str = Field("", validate_default=True)
    DEBUG: bool = False
    ADMIN: bool = False
    HTTPS: bool = Field(default_factory=lambda given: given["ENVIRONMENT"] == "production")
    PROXY_SSL_HEADER: Header = Field("", description="Of the client's scheme, such as X-Forwarded-Proto.")

    # Jobs
    JOBS: bool = False
    JOBS_DIR: Path = Field(default_factory=lambda given: given["STATE_DIR"] / "jobs")
    JOB_BYTES: int = Field(256 << 20, ge=1024, le=4 << 30)
    JOB_IMAGES: int = Field(1000, ge=1, le=60_000)
    JOB_SECONDS: int = Field(3600, ge=1, le=604_800)
    JOB_KEEP: int = Field(86_400, ge=1, le=2_592_000)
    JOB_LEASE: int = Field(60, ge=2, le=3600)
    JOBS_PER_KEY: int = Field(100, ge=1, le=1_000_000)
    JOBS_BYTES_PER_KEY: int = Field(2 << 30, ge=1024, le=1 << 50)
    JOBS_TOTAL: int = Field(1000, ge=1, le=1_000_000)
    JOBS_BYTES: int = Field(10 << 30, ge=1024, le=1 << 50)
    JOB_S3_PREFIXES: Prefixes = Field([], description="Such as s3://bucket/prefix.")
    JOB_CALLBACK_HOSTS: CallbackHosts = Field([], description="Such as hooks.example or hooks.example:8443.")
    JOB_CALLBACK_NETWORKS: Networks = Field([])
    JOB_CALLBACK_SECRET: str = Field("", validate_default=True)

    # Stores
    DATABASE_URL: Database = Field(
        default_factory=lambda given: database(f"sqlite:///{given['STATE_DIR']}/db.sqlite3")
    )
    CACHE_URL: Cache = Field(
        default_factory=lambda: {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}
    )

    @model_validator(mode="before")
    @classmethod
    def _empty_means_default(cls, values: dict[str, str]) -> dict[str, str]:
        return {name: stripped for name, value in values.items() if (stripped := value.strip())}

    @field_validator("OTEL_EXPORTER_OTLP_ENDPOINT")
    @classmethod
    def _tracing_is_installed(cls, value: str) -> str:
        if value and importlib.util.find_spec("opentelemetry") is None:
            raise ValueError("needs more packages: pip install -r requirements-tracing.txt")
        return value

    @field_validator("MAX_BYTES_IN_FLIGHT")
    @classmethod
    def _takes_the_largest(cls, value: int, info: ValidationInfo) -> int:
        if {"MAX_UPLOAD_BYTES", "MAX_BATCH_BYTES"} <= info.data.keys() and value < largest_body(info.data):
            raise ValueError(f"must be {largest_body(info.data)} at least, the largest body that is taken")
        return value

    @field_validator("JOB_CALLBACK_SECRET")
    @classmethod
    def _callbacks_are_signed(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("JOB_CALLBACK_HOSTS") and len(value) < SHORTEST_SECRET:
            raise ValueError(
                f"must be set where JOB_CALLBACK_HOSTS is, to {SHORTEST_SECRET} characters at least"
            )
        return value

    @field_validator("DEBUG")
    @classmethod
    def _never_in_production(cls, value: bool, info: ValidationInfo) -> bool:
        if value and info.data.get("ENVIRONMENT") == "production":
            raise ValueError("must not be true in production: its error pages show settings and code")
        return value

    @field_validator("SECRET_KEY")
    @classmethod
    def _key(cls, value: str, info: ValidationInfo) -> str:
        """The key given; outside production the one that was generated and is kept in STATE_DIR."""
        production = info.data.get("ENVIRONMENT") == "production"
        if value or production:
            if production and len(value) < SHORTEST_KEY:
                raise ValueError(f"must be set in production, to {SHORTEST_KEY} characters at least")
            return value
        file = info.data.get("STATE_DIR", BASE_DIR) / "secret_key"
        try:
            key = _kept_key(file)
        except OSError as error:
            raise ValueError(f"not set, and {file} cannot be kept: {error.strerror}") from None
        if len(key) < SHORTEST_KEY:
            raise ValueError(f"{file} holds no key; delete it to have a new one made")
        return key


def read_environment() -> Environment:
    """All settings; .env goes to os.environ, which boto3 reads too. Raises ImproperlyConfigured: "NAME: reason"."""
    load_dotenv(BASE_DIR / ".env", interpolate=False)
    try:
        return Environment()
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
    name, message = str(wrong["loc"][0]), wrong["msg"]
    field = Environment.model_fields[name]
    if wrong["type"] == "value_error":
        message = str(wrong["ctx"]["error"])
    elif wrong["type"] == "string_pattern_mismatch":
        message = f"{wrong['input']!r} does not fit. {field.description}"
    elif field.annotation is int:
        low, high = field.metadata
        message = f"must be a whole number from {low.ge} to {high.le}"
    raise ImproperlyConfigured(f"{name}: {message}")


def _kept_key(file: Path) -> str:
    """The key in `file`, made on the first start; a hard link makes two processes that start at once agree on one."""
    if not file.exists():
        with NamedTemporaryFile("w", dir=file.parent) as draft:  # readable by its owner only
            draft.write(secrets.token_urlsafe(SHORTEST_KEY))
            draft.flush()
            with suppress(FileExistsError):
                os.link(draft.name, file)
    return file.read_text().strip()
