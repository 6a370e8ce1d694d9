"""Callbacks: to hosts that the operator named, over https, signed, and never to an address inside unless named as well.

The name is looked up once, and the connection goes to the address that was checked. Redirects are not followed and the
answer's body is not read. The signature is HMAC-SHA256 of `<timestamp>.<body>`, as docs/jobs.md shows.
"""

import hashlib
import hmac
import http.client
import ipaddress
import json
import re
import socket
import ssl
import threading
import time
from contextlib import suppress
from datetime import timedelta
from urllib.parse import urlsplit

import structlog
from django.conf import settings
from django.utils import timezone

from segmentation_api.errors import invalid
from segmentation_api.jobs.models import ENDED, Job
from segmentation_api.jobs.serializers import described

logger = structlog.get_logger(__name__)

SECONDS = 10
WAITS = (10, 60, 300, 1800, 7200)
"""Seconds from one try to the next."""
PLAIN = re.compile(r"https://[A-Za-z0-9.:-]+(/[!-~]*)?")
NAT64 = ipaddress.ip_network("64:ff9b::/96")
UNICAST = ipaddress.ip_network("2000::/3")
"""All public IPv6. Python takes more for it: site-local addresses, and forms in which an IPv4 one is written."""
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def check_url(url: str) -> str:
    """The address, if its host is one of JOB_CALLBACK_HOSTS. Raises Problem (400)."""
    if not PLAIN.fullmatch(url) or "#" in url or "\\" in url:
        raise invalid(
            "callback", "must be https://host/path in plain ASCII, without user, password and fragment"
        )
    if urlsplit(url).netloc.lower() not in settings.JOB_CALLBACK_HOSTS:
        raise invalid("callback", "its host is not one that this service calls")
    return url


def signature(body: bytes, timestamp: int) -> str:
    """The value of X-Signature."""
    secret = settings.JOB_CALLBACK_SECRET.encode()
    digest = hmac.new(secret, b"%d.%s" % (timestamp, body), hashlib.sha256).hexdigest()
    return f"t={timestamp},v1={digest}"


def deliver(job_id: str) -> None:
    """Call back once; unless that is answered with 2xx, the sweep queues another try, as often as there are WAITS."""
    job = Job.objects.filter(pk=job_id, state__in=ENDED, callback_due__isnull=False).first()
    if job is None:
        return
    tries = job.callback_tries + 1
    try:
        status = post(job.callback, json.dumps(described(job)).encode())
        reason = "" if 200 <= status < 300 else f"status {status}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = type(error).__name__ if not isinstance(error, Refused) else str(error)
    if reason:
        logger.warning("callback_failed", job=str(job), tries=tries, reason=reason)
    else:
        logger.info("callback_delivered", job=str(job), tries=tries)
    again = reason and tries <= len(WAITS)
    due = timezone.now() + timedelta(seconds=WAITS[tries - 1]) if again else None
    Job.objects.filter(pk=job.pk).update(callback_tries=tries, callback_due=due)


class Refused(OSError):
    """The name leads to an address that is not called."""


def post(url: str, body: bytes) -> int:
    """POST the signed body; the status. Raises OSError, Refused for an address inside among them."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 443
    if parts.netloc.lower() not in settings.JOB_CALLBACK_HOSTS:
        raise Refused("its host is no longer allowed")
    connection = PinnedConnection(host, port, timeout=SECONDS)
    limit = threading.Timer(SECONDS, connection.hang_up)
    limit.start()
    try:
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        headers = {"Content-Type": "application/json", "X-Signature": signature(body, int(time.time()))}
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        limit.cancel()
        connection.close()


class PinnedConnection(http.client.HTTPConnection):
    """Connects to the address that was checked, so that a second look-up cannot give another."""

    default_port = http.client.HTTPS_PORT

    def connect(self) -> None:
        """TLS to the first address of the name, its certificate checked for the name."""
        address = checked_address(self.host, self.port)
        plain = socket.create_connection((address, self.port), SECONDS)
        try:
            self.sock = ssl.create_default_context().wrap_socket(plain, server_hostname=self.host)
        except BaseException:
            plain.close()
            raise

    def hang_up(self) -> None:
        """From another thread: an answer must be there in time, however slowly its bytes trickle in."""
        with suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


def checked_address(host: str, port: int) -> str:
    """The first address of the name, if every one of them may be called. Raises OSError."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(row[4][0]) for row in found]
    if not all(map(may_be_called, addresses)):
        raise Refused("the name leads to an address inside")
    return addresses[0]


def may_be_called(text: str) -> bool:
    """Public addresses, and those in JOB_CALLBACK_NETWORKS."""
    address = inner(ipaddress.ip_address(text.partition("%")[0]))
    named = any(address in ipaddress.ip_network(network) for network in settings.JOB_CALLBACK_NETWORKS)
    public = address.version == 4 or address in UNICAST
    return named or (public and address.is_global and not address.is_multicast)


def inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address
