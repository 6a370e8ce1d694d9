"""How often a client may come: requests are counted in windows that start with a client's first one.

The counts are in Django's cache, which all workers share. Redis counts atomically; the file store reads, then writes,
so it needs a lock, and it lists its files at each write, so one file holds the counts of many clients.
"""

import fcntl
import secrets
from typing import TYPE_CHECKING, Any

import structlog
from django.core.cache import cache, caches
from django.core.cache.backends.redis import RedisCache
from django.utils.crypto import salted_hmac
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from segmentation_api.errors import not_ready
from segmentation_api.startup import run_dir

if TYPE_CHECKING:  # importing views asks DRF's settings for the classes below
    from rest_framework.views import APIView

logger = structlog.get_logger(__name__)

SHARDS = 64
"""How many files hold the counts of a scope."""


class WindowThrottle(SimpleRateThrottle):
    """At most so many requests in a window. A client's name is stored as a keyed hash."""

    num_requests: int
    duration: int
    start: float

    def allow_request(self, request: Request, view: "APIView") -> bool:
        """False over the rate. Raises Problem (503) if the store fails: what is not counted is refused."""
        name = None if self.rate is None else self.get_cache_key(request, view)
        if name is None:
            return True
        key = salted_hmac(self.scope or "", name).hexdigest()
        try:
            in_redis = isinstance(caches["default"], RedisCache)
            count = self._count_in_redis(key) if in_redis else self._count_in_files(key)
        except Exception as error:  # each store has its own
            logger.error("throttle_store_failed", reason=type(error).__name__)
            raise not_ready("Requests cannot be counted now.") from None
        return count <= self.num_requests

    def wait(self) -> float:
        """Seconds until the window ends."""
        return self.start + self.duration - self.timer()

    def _count_in_redis(self, key: str) -> int:
        """The requests in the client's window, this one included."""
        now = self.timer()
        self.start = cache.get_or_set(key, now, self.duration) or now
        counter = f"{key}-{self.start}"
        cache.add(counter, 0, self.duration)
        return cache.incr(counter)

    def _count_in_files(self, key: str) -> int:
        """As `_count_in_redis`, under a lock."""
        shard = f"{self.scope}-{int(key, 16) % SHARDS}"
        with (run_dir() / "throttle.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            now = self.timer()
            stored: dict[str, tuple[float, int]] = cache.get(shard, {})
            windows = {name: window for name, window in stored.items() if window[0] + self.duration > now}
            self.start, count = windows.get(key, (now, 0))
            windows[key] = self.start, count + 1
            cache.set(shard, windows, self.duration)
            cache.get(f"{self.scope}-{secrets.randbelow(SHARDS)}")  # which deletes it once it has expired
        return count + 1


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
        """The address."""
        return None if request.auth else self.get_ident(request)
