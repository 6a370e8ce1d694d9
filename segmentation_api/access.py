"""Who may come in.

API_PUBLIC=true: everybody. Else holders of a key; and as long as no key has ever been made, everybody, if the
server listens on loopback only. The address the server is bound to counts, never the client's.
"""

import mmap
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, OperationalError, connection
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework_api_key.models import AbstractAPIKey, APIKey
from rest_framework_api_key.permissions import KeyParser

from segmentation_api.database import give_back_connection, lacks_tables, setting_and_reason
from segmentation_api.errors import Problem, forget
from segmentation_api.startup import is_loopback, on_loopback

FORWARDED = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP")
DEFAULT_PORTS = {"http": 80, "https": 443}


class SharedFlag:
    """threading.Event without waiting, of this process and of those it forks."""

    def __init__(self) -> None:
        self._byte = mmap.mmap(-1, 1)

    def is_set(self) -> bool:
        """Whether any of them has set it."""
        return self._byte[0] != 0

    def set(self) -> None:
        """For all of them."""
        self._byte[0] = 1

    def clear(self) -> None:
        """For tests."""
        self._byte[0] = 0


KEYS_SEEN = SharedFlag()
"""Set once it was seen that a key was made."""
DATABASE_SEEN = SharedFlag()
"""Set once the database's file was there."""
_opened = threading.local()


def check_start() -> None:
    """Raises ImproperlyConfigured where the service must not start; its message names the setting."""
    if not (settings.API_PUBLIC or on_loopback() or keys_made()):
        raise ImproperlyConfigured(
            "API_PUBLIC: the service would be open to other machines. Make a key (manage.py create_api_key NAME), "
            "or set API_PUBLIC=true to let everybody in, or bind to 127.0.0.1 with backend/server/config.py"
        )


def check_stores() -> None:
    """Raises ImproperlyConfigured if the store of keys or of counts is unusable. A Redis may start later."""
    try:
        if not settings.API_PUBLIC:
            keys_made()
    except DatabaseError as error:
        raise ImproperlyConfigured(setting_and_reason(error)) from None
    try:
        caches["default"]
    except OSError as error:
        raise ImproperlyConfigured(f"CACHE_URL: {error}") from None


def keys_made() -> bool:
    """Whether a key was ever made; revoked ones count, so that revoking the last does not open the door.

    The first key of another process, such as create_api_key's, is seen within a second. Raises DatabaseError where
    the answer cannot be known: then nobody comes in.
    """
    if not KEYS_SEEN.is_set() and keys_exist(int(time.monotonic())):
        KEYS_SEEN.set()
    return KEYS_SEEN.is_set()


@lru_cache(maxsize=1)
def keys_exist(second: int) -> bool:
    """Asked once a second: the query takes as long as all other Python of a request. None exist before `migrate`."""
    follow_database()
    try:
        return bool(APIKey.objects.exists())
    except DatabaseError as error:
        forget(error)
        # By the error itself: of a locked database a second question would be a second wait
        if lacks_tables(error):
            return False
        raise
    finally:
        give_back_connection()


def follow_database() -> None:
    """Open SQLite's file anew if it was replaced or rewritten, as a restore does: connections keep the old one.

    Raises OperationalError if it is gone: opening it would make an empty one, in which no key was ever made.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return
    try:
        found = Path(connection.settings_dict["NAME"]).stat()
    except OSError as error:
        if DATABASE_SEEN.is_set():
            raise OperationalError(f"the database is gone: {error.strerror}") from None
        return
    DATABASE_SEEN.set()
    state = found.st_dev, found.st_ino, found.st_size, found.st_ctime_ns
    if getattr(_opened, "state", None) != state:
        connection.close()
        _opened.state = state


@receiver(post_save, sender=APIKey)
def _ask_again(**_: Any) -> None:
    """A key made in this process, as in the admin, is seen at once."""
    keys_exist.cache_clear()


def valid_key(request: HttpRequest) -> AbstractAPIKey | None:
    """The usable key that the request carries, if any."""
    text = KeyParser().get(request)
    if not text or not keys_made():
        return None
    follow_database()
    try:
        key: AbstractAPIKey = APIKey.objects.get_from_key(text)
    except APIKey.DoesNotExist:
        return None
    finally:
        give_back_connection()
    return None if key.has_expired else key


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Api-Key <key>`; request.auth is the key."""

    def authenticate(self, request: Request) -> tuple[None, AbstractAPIKey] | None:
        """None without a key. Raises PermissionDenied for a wrong one, unless nobody is asked for keys."""
        key = valid_key(request._request)
        if key is None and KeyParser().get(request._request) and keys_asked():
            raise PermissionDenied
        return key and (None, key)

    def authenticate_header(self, request: Request) -> str:
        """What makes DRF answer 401 and not 403 where the key is missing."""
        return str(KeyParser.keyword)


class MayComeIn(BasePermission):
    """Key holders; where no keys are asked, everybody but web pages of other sites."""

    def has_permission(self, request: Request, view: object) -> bool:
        """Raises NotAuthenticated, or Problem (403) for another site's page."""
        if keys_asked():
            if request.auth is None:
                raise NotAuthenticated
        elif request.method not in SAFE_METHODS and from_another_site(request._request):
            raise Problem(
                403,
                "cross_site",
                "A web page of another site sent this, and the service asks for no key. CORS_ALLOWED_ORIGINS names the "
                "origins whose pages may.",
            )
        return True


def from_another_site(request: HttpRequest) -> bool:
    """Whether a browser says that a page of another site sends the request. Pages of named origins never count."""
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site")
    if origin in settings.CORS_ALLOWED_ORIGINS:
        return False
    if site in ("cross-site", "same-site"):
        return True
    if site in ("same-origin", "none"):
        return False
    return origin is not None and _parts(origin) != _parts(f"{request.scheme}://{request.get_host()}")


def _parts(origin: str) -> tuple[str, str | None, int | None] | None:
    """Scheme, host and port; None for what is no origin, such as `null`."""
    try:
        parts = urlsplit(origin)
        return parts.scheme, parts.hostname, parts.port or DEFAULT_PORTS[parts.scheme]
    except (ValueError, KeyError):
        return None


def may_see_metrics(request: HttpRequest) -> bool:
    """Key holders and this machine itself. A request that came through a proxy is not from this machine."""
    direct = settings.NUM_PROXIES == 0 and not any(name in request.META for name in FORWARDED)
    if direct and is_loopback(request.META.get("REMOTE_ADDR", "")):
        return True
    return valid_key(request) is not None


def keys_asked() -> bool:
    """Whether a request needs a key."""
    return not (settings.API_PUBLIC or (on_loopback() and not keys_made()))
