"""Reading settings from the environment: each value checked, a wrong one named."""

import importlib.util
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import environ
from django.core.exceptions import ImproperlyConfigured

T = TypeVar("T")

RATE = re.compile(r"[1-9]\d*/(s|sec|second|m|min|minute|h|hour|d|day)")
HOST = re.compile(r"\*|\.?[\w-]+(\.[\w-]+)*\.?|\[[0-9a-fA-F:.]+\]")
ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://([\w*.-]+|\[[0-9a-fA-F:.]+\])(:\d+)?")
WEB_ADDRESS = re.compile(r"https?://[^\s/]+(/\S*)?")
HEADER = re.compile(r"[A-Za-z0-9-]+")
SHORTEST_KEY = 50
"""As `manage.py check --deploy` asks of SECRET_KEY."""

env = environ.Env()


def read(name: str, cast: Callable[[str], T], default: str) -> T:
    """The setting `name`, cast; unset or empty means the default. Raises ImproperlyConfigured with its name."""
    value = str(env.str(name, default="")).strip() or default
    try:
        return cast(value)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name}: {error}") from None


def text(value: str) -> str:
    """The value as it stands."""
    return value


def folder(value: str) -> Path:
    """A folder that is there."""
    if not Path(value).is_dir():
        raise ValueError(f"no folder {value}")
    return Path(value)


def collector(value: str) -> str:
    """The address of an OpenTelemetry collector, or nothing; only with the packages it takes."""
    if value and importlib.util.find_spec("opentelemetry") is None:
        raise ValueError("needs more packages: pip install -r requirements-tracing.txt")
    return "".join(_each([value] if value else [], WEB_ADDRESS, "an address such as http://localhost:4318"))


def words(value: str) -> list[str]:
    """A comma list."""
    return [word.strip() for word in value.split(",") if word.strip()]


def hosts(value: str) -> list[str]:
    """A comma list of host names."""
    return _each(words(value), HOST, "a host name such as faces.example, without http:// and without a port")


def origins(value: str) -> list[str]:
    """A comma list of origins."""
    return _each(
        words(value), ORIGIN, "an origin such as https://app.example, without a path or a slash at its end"
    )


def header(value: str) -> str:
    """A header's name, or nothing."""
    return "".join(_each([value] if value else [], HEADER, "a header's name such as X-Forwarded-Proto"))


def flag(value: str) -> bool:
    """true or false; anything else is an error, since a mistyped switch must not mean "off"."""
    known = {"true": True, "1": True, "yes": True, "on": True}
    known |= {"false": False, "0": False, "no": False, "off": False}
    if value.lower() not in known:
        raise ValueError("must be true or false")
    return known[value.lower()]


def whole(low: int, high: int | None = None) -> Callable[[str], int]:
    """A cast to whole numbers from `low` to `high`."""

    def cast(value: str) -> int:
        if (
            not re.fullmatch(r"-?\d{1,15}", value)
            or int(value) < low
            or (high is not None and int(value) > high)
        ):
            raise ValueError(
                f"must be a whole number from {low}" + (f" to {high}" if high is not None else " up")
            )
        return int(value)

    return cast


def one_of(*choices: str) -> Callable[[str], str]:
    """A cast that lets only `choices` pass."""

    def cast(value: str) -> str:
        if value not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return value

    return cast


def rate(value: str) -> str | None:
    """A throttle rate such as 60/min, or nothing."""
    if value and not RATE.fullmatch(value):
        raise ValueError("must be a rate such as 60/min (s, min, hour or day)")
    return value or None


def database(value: str) -> dict[str, Any]:
    """A database URL such as postgres://user:password@host/name."""
    config = _parsed(environ.Env.db_url_config, value)
    if "." not in config["ENGINE"]:  # an unknown scheme comes back as it is
        raise ValueError("is not a URL of a known kind")
    return config


def cache(value: str) -> dict[str, Any]:
    """A cache URL such as redis://host:6379/0; of a store that all workers share, or each would count alone."""
    config = _parsed(environ.Env.cache_url_config, value)
    if config["BACKEND"].rpartition(".")[2] in ("LocMemCache", "DummyCache"):
        raise ValueError("must be a store that all workers share, such as redis://host:6379/0")
    return config


def secret_key(file: Path, *, demanded: bool) -> str:
    """SECRET_KEY, or the one made and kept in `file` (readable by its owner only) on the first start."""
    given = os.environ.get("SECRET_KEY", "")  # not through django-environ: it would expand a leading "$"
    if given:
        if demanded and len(given) < SHORTEST_KEY:
            raise ImproperlyConfigured(
                f"SECRET_KEY: must have {SHORTEST_KEY} characters at least in production"
            )
        return given
    if demanded:
        raise ImproperlyConfigured("SECRET_KEY: must be set in production")
    try:
        if not file.exists():
            _keep_new_key(file)
        key = file.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"SECRET_KEY: not set, and {file} cannot be kept: {error.strerror}"
        ) from None
    if len(key) < SHORTEST_KEY:
        raise ImproperlyConfigured(f"SECRET_KEY: {file} holds no key; delete it to have a new one made")
    return key


def available_cores() -> int:
    """CPU cores this process may use, a container's quota included."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return min(cores, max(1, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no cgroup v2, or no quota ("max")
        return cores


def _keep_new_key(file: Path) -> None:
    """Write a key under another name and link it into place: of two processes starting at once one wins whole."""
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as target:
            target.write(secrets.token_urlsafe(50))
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _each(values: list[str], pattern: re.Pattern[str], kind: str) -> list[str]:
    """The values, if all of each fits the pattern."""
    if wrong := next((value for value in values if not pattern.fullmatch(value)), None):
        raise ValueError(f"{wrong!r} is not {kind}")
    return values


def _parsed(parse: Callable[[str], dict[str, Any]], value: str) -> dict[str, Any]:
    try:
        config = parse(value)
    except Exception:  # the parser raises many kinds; its message may hold the password
        raise ValueError("is not a URL of a known kind") from None
    if not config:
        raise ValueError("is not a URL of a known kind")
    return config
