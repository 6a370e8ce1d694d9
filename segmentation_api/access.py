"""Who may come in, and how often.

API_PUBLIC=true: everybody. Else holders of a key; and as long as no key has ever been made, everybody, if the
server listens on loopback only. The address the server is bound to counts, never the client's.
"""

import fcntl
import ipaddress
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.core.cache import caches
from django.core.cache.backends.redis import RedisCache
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework_api_key.models import AbstractAPIKey, APIKey
from rest_framework_api_key.permissions import KeyParser

from segmentation_api.errors import not_ready
from segmentation_api.startup import on_loopback, run_dir

if TYPE_CHECKING:  # importing views asks DRF's settings for the classes below
    from rest_framework.views import APIView

logger = structlog.get_logger(__name__)

FORWARDED = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP")


def check_start() -> None:
    """Raises ImproperlyConfigured where the service must not start; its message names the setting."""
    if not (settings.API_PUBLIC or on_loopback() or keys_made()):
        raise ImproperlyConfigured(
            "API_PUBLIC: the service would be open to other machines. Make a key (manage.py create_api_key NAME), "
            "or set API_PUBLIC=true to let everybody in, or bind to 127.0.0.1 with backend/server/config.py"
        )


def check_stores() -> None:
    """Raises ImproperlyConfigured if keys cannot be looked up, though they may be asked for, or counts not be kept.

    A Redis may come later than the service.
    """
    try:
        if not settings.API_PUBLIC:
            keys_made()
    except DatabaseError as error:
        raise ImproperlyConfigured(f"DATABASE_URL: {str(error).partition(chr(10))[0]}") from None
    try:
        caches["default"]
    except OSError as error:
        raise ImproperlyConfigured(f"CACHE_URL: {error}") from None


def keys_made() -> bool:
    """Whether a key was ever made; revoked ones count, so that revoking the last does not open the door.

    Raises DatabaseError where that cannot be known: then nobody comes in.
    """
    table = connection.ops.quote_name(APIKey._meta.db_table)
    try:
        # Asked with each request: the ORM takes ten times as long as the database, and Django's cursor three times.
        # Both drivers' connections execute by themselves
        connection.ensure_connection()
        with connection.wrap_database_errors:
            query = f"SELECT 1 FROM {table} LIMIT 1"  # noqa: S608  # nosec B608: no name from outside
            return connection.connection.execute(query).fetchone() is not None
    except DatabaseError:
        if _migrated():
            raise
        return False


def valid_key(request: HttpRequest) -> AbstractAPIKey | None:
    """The usable key that the request carries, if any."""
    text = KeyParser().get(request)
    if not text:
        return None
    try:
        key: AbstractAPIKey = APIKey.objects.get_from_key(text)
    except APIKey.DoesNotExist:
        return None
    except DatabaseError:
        if _migrated():
            raise
        return None
    return None if key.has_expired else key


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`; request.auth is the key."""

    def authenticate(self, request: Request) -> tuple[None, AbstractAPIKey] | None:
        """None without a key. Raises PermissionDenied for a wrong one, unless nobody is asked for keys."""
        key = valid_key(request._request)
        if key is not None:
            return None, key
        if KeyParser().get(request._request) and keys_asked():
            raise PermissionDenied
        return None

    def authenticate_header(self, request: Request) -> str:
        """What makes DRF answer 401 and not 403 where the key is missing."""
        return str(KeyParser.keyword)


class MayComeIn(BasePermission):
    """Key holders, and everybody where no keys are asked."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Raises NotAuthenticated."""
        if request.auth is None and keys_asked():
            raise NotAuthenticated
        return True


def may_see_metrics(request: HttpRequest) -> bool:
    """Key holders and this machine itself. A request that came through a proxy is not from this machine."""
    direct = settings.NUM_PROXIES == 0 and not any(name in request.META for name in FORWARDED)
    if direct and _is_loopback_peer(request.META.get("REMOTE_ADDR", "")):
        return True
    return valid_key(request) is not None


class SharedThrottle(SimpleRateThrottle):
    """Counts in the cache that all workers share, one request at a time."""

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """False if the request is over the rate."""
        if self.rate is None:
            return True
        with _counting_alone():
            return bool(super().allow_request(request, view))


class KeyThrottle(SharedThrottle):
    """THROTTLE_KEY: requests with a key, per key."""

    scope = "key"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        """By the key's public prefix."""
        key: Any = request.auth
        return self.cache_format % {"scope": self.scope, "ident": key.prefix} if key else None


class AddressThrottle(SharedThrottle):
    """THROTTLE_ADDRESS: requests without a key, per client address (behind NUM_PROXIES trusted proxies)."""

    scope = "address"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        """By the address."""
        if request.auth is not None:
            return None
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


@contextmanager
def _counting_alone() -> Iterator[None]:
    """A lock for all who share the counts: other containers too, if those are in Redis; else this RUN_DIR's workers.

    Raises Problem (503) where Redis cannot be reached: without its counts nobody is under the rate.
    """
    store = caches["default"]
    if not isinstance(store, RedisCache):
        with (run_dir() / "throttle.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        return

    from redis.exceptions import RedisError  # loaded only where it is used

    try:
        client = store._cache.get_client(None, write=True)
        with client.lock("throttle", timeout=5, blocking_timeout=5, sleep=0.002):
            yield
    except RedisError as error:
        logger.error("throttle_store_failed", reason=type(error).__name__)
        raise not_ready("Requests cannot be counted now.") from None


def keys_asked() -> bool:
    """Whether a request needs a key."""
    return not (settings.API_PUBLIC or (on_loopback() and not keys_made()))


def _migrated() -> bool:
    """Whether the table of keys is there. Raises DatabaseError if even that cannot be asked."""
    return APIKey._meta.db_table in connection.introspection.table_names()


def _is_loopback_peer(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
