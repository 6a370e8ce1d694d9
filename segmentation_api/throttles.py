"""How often a client may come: requests are counted in windows that start with a client's first one.

The counts are in memory that the workers of this service share, or in a Redis for several services.
"""

import ipaddress
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.core.cache import cache, caches
from django.core.cache.backends.redis import RedisCache
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from segmentation_api.errors import not_ready
from segmentation_api.window_counts import NAME_BYTES, window_counts

if TYPE_CHECKING:  # importing views asks DRF's settings for the classes below
    from rest_framework.views import APIView

logger = structlog.get_logger(__name__)


class WindowThrottle(SimpleRateThrottle):
    """At most so many requests in a window. A client's name is stored as a keyed hash."""

    num_requests: int
    duration: int
    end: float

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """False over the rate. Raises Problem (503) if the store fails: what is not counted is refused."""
        name = None if self.rate is None else self.get_cache_key(request, view)
        if name is None:
            return True
        digest = salted_hmac(self.scope or "", name, algorithm="sha256").digest()[:NAME_BYTES]
        try:
            in_redis = isinstance(caches["default"], RedisCache)
            count = self._count_in_redis(digest.hex()) if in_redis else self._count_here(digest)
        except Exception as error:  # each store has its own
            logger.error("throttle_store_failed", reason=type(error).__name__)
            raise not_ready("Requests cannot be counted now.") from None
        return count <= self.num_requests

    def wait(self) -> float:
        """Seconds until the window ends."""
        return self.end - self.timer()

    def _count_here(self, name: bytes) -> int:
        """The requests in the client's window, this one included."""
        count, self.end = window_counts.count(name, self.duration, self.timer())
        return count

    def _count_in_redis(self, key: str) -> int:
        """As `_count_here`, with commands that are each atomic."""
        now = self.timer()
        start = cache.get_or_set(key, now, self.duration) or now
        self.end = start + self.duration
        counter = f"{key}-{start}"
        cache.add(counter, 0, self.duration)
        return cache.incr(counter)


class KeyThrottle(WindowThrottle):
    """THROTTLE_KEY: requests with a key, per key."""

    scope = "key"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        """The key's public prefix."""
        key: Any = request.auth
        return str(key.prefix) if key else None


class AddressThrottle(WindowThrottle):
    """THROTTLE_ADDRESS: requests without a key, per client address (behind NUM_PROXIES trusted proxies)."""

    scope = "address"

    def get_cache_key(self, request: Request, view: "APIView") -> str | None:
        """The address, or the network of one."""
        return None if request.auth else client_network(self.get_ident(request))


def client_network(text: str) -> str:
    """Whom an address stands for: an IPv4 address itself, of IPv6 the network that one client has for itself.

    Some proxies add the port, with which each connection would be another client. What is no address stays as it is.
    """
    for bare in (text, text.strip("[]"), text.rpartition(":")[0].strip("[]")):
        try:
            address = ipaddress.ip_address(bare)
        except ValueError:
            continue
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ipaddress.IPv6Network((int(address), settings.THROTTLE_IPV6_PREFIX), strict=False))
    return text
