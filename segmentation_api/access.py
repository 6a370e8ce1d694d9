"""Who may come in.

API_PUBLIC=true: everybody. Else holders of a key; and as long as no key has ever been made, everybody, if the
server listens on loopback only. The address the server is bound to counts, never the client's.
"""

import threading
import time
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.core.cache import caches
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, connection
from django.db.models.signals import post_save
from django.dispatch import receiver
from django.http import HttpRequest
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework_api_key.models import AbstractAPIKey, APIKey
from rest_framework_api_key.permissions import KeyParser

from segmentation_api.database import give_back_connection
from segmentation_api.errors import forget
from segmentation_api.startup import is_loopback, on_loopback

FORWARDED = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP")
KEYS_SEEN = threading.Event()
"""Set once this process has seen that a key was made."""


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
        raise ImproperlyConfigured(f"DATABASE_URL: {str(error).partition(chr(10))[0]}") from None
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
    try:
        return bool(APIKey.objects.exists())
    except DatabaseError as error:
        forget(error)
        if APIKey._meta.db_table in connection.introspection.table_names():
            raise
        return False
    finally:
        give_back_connection()


@receiver(post_save, sender=APIKey)
def _ask_again(**_: Any) -> None:
    """A key made in this process, as in the admin, is seen at once."""
    keys_exist.cache_clear()


def valid_key(request: HttpRequest) -> AbstractAPIKey | None:
    """The usable key that the request carries, if any."""
    text = KeyParser().get(request)
    if not text or not keys_made():
        return None
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
    """Key holders, and everybody where no keys are asked."""

    def has_permission(self, request: Request, view: object) -> bool:
        """Raises NotAuthenticated."""
        if request.auth is None and keys_asked():
            raise NotAuthenticated
        return True


def may_see_metrics(request: HttpRequest) -> bool:
    """Key holders and this machine itself. A request that came through a proxy is not from this machine."""
    direct = settings.NUM_PROXIES == 0 and not any(name in request.META for name in FORWARDED)
    if direct and is_loopback(request.META.get("REMOTE_ADDR", "")):
        return True
    return valid_key(request) is not None


def keys_asked() -> bool:
    """Whether a request needs a key."""
    return not (settings.API_PUBLIC or (on_loopback() and not keys_made()))
