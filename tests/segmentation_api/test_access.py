"""Who may come in, and how often."""

import errno
import io
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.cache.backends.redis import RedisCache
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client, override_settings
from django.utils import timezone
from rest_framework_api_key.models import APIKey

from backend.environment import database
from segmentation_api.access import check_start
from segmentation_api.startup import declare_listeners, on_loopback
from segmentation_api.throttles import AddressThrottle, KeyThrottle
from segmentation_api.window_counts import WindowCounts
from tests.conftest import ROOT, Server

pytestmark = pytest.mark.django_db

PROTECTED = ["/api/models/", "/api/models/tiny/", "/api/models/tiny/model.onnx"]
OPEN = ["/healthz", "/readyz", "/api/schema/", "/api/docs/"]


def make_key(**options: Any) -> str:
    """A key, as create_api_key makes it."""
    return str(APIKey.objects.create_key(name="test", **options)[1])


def get(client: Client, path: str = "/api/models/", key: str | None = None, **extra: Any) -> Any:
    """GET with a key."""
    return client.get(path, headers={"Authorization": f"Api-Key {key}"} if key else {}, **extra)


def test_the_schema_follows_the_first_key(client: Client) -> None:
    def security() -> Any:
        schema = client.get("/api/schema/", headers={"Accept": "application/json"}).json()
        return schema["paths"]["/api/segment/"]["post"]["security"]

    assert security() == [{"ApiKey": []}, {}]
    make_key()
    assert security() == [{"ApiKey": []}]


class DictRedis(RedisCache):
    """Django's Redis cache, whose client keeps a dict and says how often it incremented."""

    increments = 0

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self.counts: dict[str, Any] = {}
        self._class = lambda *_, **__: self.Client(self.counts)

    class Client:
        """What of Django's client is called."""

        def __init__(self, counts: dict[str, Any]) -> None:
            self.counts = counts

        def add(self, key: str, value: Any, timeout: int | None) -> bool:
            """Set it, unless it is there."""
            return self.counts.setdefault(key, value) is value

        def get(self, key: str, default: Any) -> Any:
            """From the dict."""
            return self.counts.get(key, default)

        def incr(self, key: str, delta: int) -> int:
            """As Redis does: at once."""
            DictRedis.increments += 1
            self.counts[key] += delta
            return int(self.counts[key])


def test_on_loopback_without_keys_everybody_may(client: Client) -> None:
    assert [client.get(path).status_code for path in PROTECTED + OPEN] == [200] * 7


def test_off_loopback_without_keys_nobody_may(client: Client, photo: bytes) -> None:
    declare_listeners(["0.0.0.0"])
    for path in PROTECTED:
        response = client.get(path, REMOTE_ADDR="127.0.0.1")
        assert (response.status_code, response.json()["type"]) == (401, "api_key_missing")
        assert response["WWW-Authenticate"] == "Api-Key"
    for path in ("/api/segment/", "/api/segment/batch/"):
        assert client.post(path, photo, content_type="image/png").status_code == 401
    assert [client.get(path).status_code for path in OPEN] == [200] * 4


def test_once_a_key_is_made_keys_are_asked_for_on_loopback_too(client: Client) -> None:
    key = make_key()
    assert client.get("/api/models/").status_code == 401
    assert get(client, key=key).status_code == 200


def test_a_key_closes_the_door_that_was_open_before(client: Client) -> None:
    assert client.get("/api/models/").status_code == 200
    make_key()
    assert client.get("/api/models/").status_code == 401


def test_a_wrong_revoked_or_expired_key_is_403(client: Client) -> None:
    key = make_key()
    expired = make_key(expiry_date=timezone.now() - timedelta(days=1))
    for wrong in (key[:-1] + "!", "x", "", expired, "pre.\x00", "ü"):
        response = client.get("/api/models/", HTTP_AUTHORIZATION=f"Api-Key {wrong}")
        assert response.status_code == (403 if wrong else 401), wrong
    APIKey.objects.update(revoked=True)
    response = get(client, key=key)
    assert (response.status_code, response.json()["type"]) == (403, "api_key_invalid")
    assert client.get("/api/models/").status_code == 401, "revoking the last key must not open the door"


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer x", "Api-Key"])
def test_another_kind_of_credential_is_none(client: Client, header: str) -> None:
    make_key()
    assert client.get("/api/models/", headers={"Authorization": header}).status_code == 401


@pytest.mark.parametrize("kind", [OperationalError, InterfaceError, DatabaseError])
def test_a_database_out_of_order_opens_no_door(
    client: Client, monkeypatch: pytest.MonkeyPatch, log: io.StringIO, kind: type[Exception]
) -> None:
    make_key()

    def fail(*_: Any, **__: Any) -> None:
        raise kind("no connection to keys.example as user secret")

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", fail)
    answer = client.get("/api/models/")
    assert (answer.status_code, answer.json()["type"]) == (503, "not_ready")
    assert answer["Retry-After"] == "5"
    assert b"secret" not in answer.content
    assert "database_failed" in log.getvalue()
    assert "secret" not in log.getvalue()


@pytest.mark.parametrize("seen", [False, True])
def test_a_locked_database_is_asked_once_and_waited_for_two_seconds(client: Client, seen: bool) -> None:
    key, asked = make_key(), list[str]()
    if seen:
        assert get(client, key=key).status_code == 200

    def locked(execute: object, sql: str, *_: object) -> None:
        asked.append(sql)
        raise OperationalError("database is locked")

    with connection.execute_wrapper(locked):
        answer = get(client, key=key)
    assert (answer.status_code, answer.json()["type"]) == (503, "not_ready")
    assert len(asked) == 1
    assert database("sqlite:///db.sqlite3")["OPTIONS"]["timeout"] == 2


def test_public_means_public(client: Client, settings: Any) -> None:
    settings.API_PUBLIC = True
    declare_listeners(["0.0.0.0"])
    make_key()
    assert client.get("/api/models/").status_code == 200
    assert get(client, key="wrong").status_code == 200


def test_who_may_come_in_is_decided_before_the_body_is_read(client: Client, settings: Any) -> None:
    make_key()
    settings.MAX_UPLOAD_BYTES = 10
    assert client.post("/api/segment/", bytes(10**6), content_type="image/png").status_code == 401


class Unread:
    """A body that must not be read."""

    def read(self, size: int = -1) -> bytes:
        """Fails the test."""
        raise AssertionError("the body was read")

    readline = read


@pytest.mark.parametrize(
    ("kind", "length", "status"),
    [
        ("image/png", "1000", 401),
        ("multipart/form-data; boundary=b", "1000", 429),
        ("application/json", str(1 << 30), 413),
        ("text/plain", "1000", 415),
    ],
)
def test_a_refused_body_is_not_read(
    kind: str, length: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if status == 401:
        make_key()
    if status == 429:
        monkeypatch.setattr(AddressThrottle, "rate", "0/min", raising=False)
    body: dict[str, Any] = {"wsgi.input": Unread(), "CONTENT_LENGTH": length}
    answer = Client().generic("POST", "/api/segment/", b"", kind, CONTENT_TYPE=kind, **body)
    assert answer.status_code == status


@pytest.mark.parametrize(
    ("hosts", "loopback"),
    [
        (["127.0.0.1"], True),
        (["127.9.9.9", "::1"], True),
        (["localhost"], True),
        (["::ffff:127.0.0.1"], True),
        (["0.0.0.0"], False),
        (["::"], False),
        (["127.0.0.1", "10.0.0.1"], False),
        (["/run/service.sock"], False),
        (["example.org"], False),
        ([], False),
    ],
)
def test_the_service_starts_open_only_on_loopback(hosts: list[str], loopback: bool) -> None:
    declare_listeners(hosts)
    assert on_loopback() is loopback
    if loopback:
        check_start()
    else:
        with pytest.raises(ImproperlyConfigured, match="API_PUBLIC"):
            check_start()
        make_key()
        check_start()


def test_an_unknown_server_does_not_count_as_loopback() -> None:
    code = "from segmentation_api.startup import on_loopback; assert not on_loopback()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_metrics_are_for_this_machine_and_key_holders(client: Client, settings: Any) -> None:
    settings.API_PUBLIC = True
    key = make_key()
    assert client.get("/metrics").status_code == 200
    elsewhere: dict[str, Any] = {"REMOTE_ADDR": "10.0.0.7"}
    response = client.get("/metrics", **elsewhere)
    assert (response.status_code, response.json()["type"]) == (401, "api_key_missing")
    assert get(client, "/metrics", key, **elsewhere).status_code == 200
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}).status_code == 401
    assert client.get("/metrics", headers={"X-Forwarded-For": "127.0.0.1"}, **elsewhere).status_code == 401
    settings.NUM_PROXIES = 1
    assert client.get("/metrics").status_code == 401


def test_metrics_come_without_https_too(client: Client, settings: Any) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/api/models/").status_code == 301
    assert client.get("/metrics").status_code == 200


def test_over_the_rate_of_an_address_is_429(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AddressThrottle, "rate", "3/min", raising=False)
    assert [client.get("/api/models/").status_code for _ in range(4)] == [200, 200, 200, 429]
    response = client.get("/api/models/", headers={"X-Forwarded-For": "1.2.3.4"})
    assert (response.status_code, response.json()["type"]) == (429, "rate_limited"), (
        "an address cannot be made up"
    )
    assert 1 <= int(response["Retry-After"]) <= 60
    other: dict[str, Any] = {"REMOTE_ADDR": "10.0.0.7"}
    assert client.get("/api/models/", **other).status_code == 200
    assert client.get("/healthz").status_code == 200


def test_a_window_ends(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AddressThrottle, "rate", "1/min", raising=False)
    assert [client.get("/api/models/").status_code for _ in range(2)] == [200, 429]
    now = time.time()
    monkeypatch.setattr(AddressThrottle, "timer", staticmethod(lambda: now + 61))
    assert [client.get("/api/models/").status_code for _ in range(2)] == [200, 429]
    monkeypatch.setattr(AddressThrottle, "timer", staticmethod(lambda: now - 3600))
    assert client.get("/api/models/").status_code == 200, "a clock that was set back locks nobody out"


@pytest.mark.parametrize(
    ("addresses", "clients"),
    [
        ([f"2001:db8:0:1::{number:x}" for number in range(1, 61)], 1),
        ([f"2001:db8:0:{number:x}::1" for number in range(1, 9)], 8),
        (["10.0.0.1", "::ffff:10.0.0.1", "::FFFF:a00:1", "10.0.0.1:4711", "[::ffff:10.0.0.1]:80"], 1),
        (["2001:db8::1", "[2001:db8::1]", "[2001:db8::2]:443", "2001:DB8:0:0:ffff::", "2001:db8::1%eth0"], 1),
        ([f"10.0.0.{number}" for number in range(1, 9)], 8),
        (["unknown", "", "10.0.0.999"], 3),
    ],
)
def test_who_is_one_client(
    client: Client, monkeypatch: pytest.MonkeyPatch, addresses: list[str], clients: int
) -> None:
    monkeypatch.setattr(AddressThrottle, "rate", "1/min", raising=False)
    statuses = [client.get("/api/models/", REMOTE_ADDR=address).status_code for address in addresses]
    assert (statuses.count(200), statuses.count(429)) == (clients, len(addresses) - clients)


def test_the_prefix_of_one_client_is_a_setting(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    monkeypatch.setattr(AddressThrottle, "rate", "1/min", raising=False)
    settings.THROTTLE_IPV6_PREFIX = 48
    addresses = ["2001:db8:0:1::1", "2001:db8:0:2::1", "2001:db8:1::1"]
    assert [client.get("/api/models/", REMOTE_ADDR=one).status_code for one in addresses] == [200, 429, 200]


def test_clients_are_counted_in_bounded_memory() -> None:
    counts = WindowCounts(sets=4)
    heavy = bytes(16)
    for number in range(10):
        counts.count(heavy, 60, now=float(number))
    for number in range(1, 1000):
        assert counts.count(number.to_bytes(16, "little"), 60, now=20.0)[0] == 1
    assert counts.count(heavy, 60, now=21.0) == (11, 60.0), "who asked most is the last to be forgotten"


def test_counting_fails_as_503(client: Client, monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(AddressThrottle, "rate", "2/min", raising=False)
    monkeypatch.setattr(WindowCounts, "count", full)
    answer = client.get("/api/models/")
    assert (answer.status_code, answer.json()["type"]) == (503, "not_ready")
    assert "throttle_store_failed" in log.getvalue()


def test_all_workers_count_together(tmp_path: Path, models_dir: Path) -> None:
    server = Server(tmp_path, models_dir, WORKERS="2", THROTTLE_ADDRESS="20/hour").wait_until_ready()
    try:
        with ThreadPoolExecutor(8) as pool:
            ask = lambda _: httpx.get(f"{server.url}/api/models/").status_code  # noqa: E731
            statuses = list(pool.map(ask, range(40)))
    finally:
        server.stop()
    assert (statuses.count(200), statuses.count(429)) == (20, 20)


def test_over_the_rate_of_a_key_is_429(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KeyThrottle, "rate", "2/min", raising=False)
    first, second = make_key(), make_key()
    assert [get(client, key=first).status_code for _ in range(3)] == [200, 200, 429]
    assert get(client, key=second).status_code == 200


def test_redis_counts_by_itself_for_all_containers(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    store = {"BACKEND": f"{__name__}.DictRedis", "LOCATION": "redis://127.0.0.1:1"}
    monkeypatch.setattr(AddressThrottle, "rate", "2/min", raising=False)
    with override_settings(CACHES={"default": store}):
        assert [client.get("/api/models/").status_code for _ in range(3)] == [200, 200, 429]
    assert DictRedis.increments == 3


def test_without_its_redis_a_throttled_service_answers_503(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    with override_settings(CACHES={"default": store}):  # nobody listens there
        assert client.get("/api/models/").status_code == 200, "without a rate nothing is counted"
        monkeypatch.setattr(AddressThrottle, "rate", "2/min", raising=False)
        response = client.get("/api/models/")
    assert (response.status_code, response.json()["type"]) == (503, "not_ready")
    assert response["Retry-After"] == "5"


def test_create_api_key_prints_a_key_that_works(client: Client) -> None:
    out = StringIO()
    call_command("create_api_key", "phone", "--days", "7", stdout=out, stderr=StringIO())
    key = out.getvalue().strip()
    assert get(client, key=key).status_code == 200
    stored = APIKey.objects.get()
    assert stored.name == "phone"
    assert stored.expiry_date is not None
    assert key.split(".")[1] not in str(vars(stored)), "only the hash is kept"


@pytest.mark.parametrize(
    ("command", "reason", "said"),
    [
        (["create_api_key", "phone"], "database or disk is full", "DATABASE_URL: database or disk is full"),
        (["list_api_keys"], "database is locked", "DATABASE_URL: database is locked"),
        (["revoke_api_key", "abc"], "no such table: keys", "manage.py migrate"),
    ],
)
def test_commands_on_keys_say_what_is_wrong_with_the_database(
    client: Client, command: list[str], reason: str, said: str
) -> None:
    def fail(*_: object) -> None:
        raise OperationalError(reason)

    with connection.execute_wrapper(fail), pytest.raises(CommandError, match=said):
        call_command(*command)


def test_keys_are_listed_and_revoked_without_the_admin(client: Client) -> None:
    key, other = make_key(), make_key(expiry_date=timezone.now() - timedelta(days=1))
    prefix = key.partition(".")[0]
    assert get(client, key=key).status_code == 200
    out = StringIO()
    call_command("revoke_api_key", prefix, stdout=out)
    call_command("revoke_api_key", key, stdout=out)
    call_command("list_api_keys", stdout=out)
    assert get(client, key=key).status_code == 403
    lines = out.getvalue().splitlines()
    assert lines[:2] == [f"{prefix}: revoked"] * 2
    states = {line.split("\t")[0]: line.split("\t")[1] for line in lines[2:]}
    assert states == {prefix: "revoked", other.partition(".")[0]: "expired"}
    assert key.partition(".")[2] not in out.getvalue()
    with pytest.raises(CommandError, match="list_api_keys"):
        call_command("revoke_api_key", "nobody")


@pytest.mark.parametrize("wrong", [[" "], ["phone", "--days", "0"], ["phone", "--days", "99999999999"]])
def test_create_api_key_makes_none_that_could_not_be_used(wrong: list[str]) -> None:
    with pytest.raises(CommandError):
        call_command("create_api_key", *wrong, stdout=StringIO(), stderr=StringIO())
    assert not APIKey.objects.exists()


def test_cors_only_for_the_origins_allowed(start_server: Callable[..., Server]) -> None:
    server = start_server(CORS_ALLOWED_ORIGINS="https://app.example").wait_until_ready()
    with httpx.Client(base_url=server.url, headers={"Origin": "https://app.example"}) as page:
        allowed = page.get("/api/models/")
        others = [
            page.get("/api/models/", headers={"Origin": "https://evil.example"}),
            page.get("/metrics"),
        ]
        preflight = page.options("/api/segment/", headers={"Access-Control-Request-Method": "POST"})
    assert allowed.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Server-Timing" in allowed.headers["Access-Control-Expose-Headers"]
    assert not any("Access-Control-Allow-Origin" in answer.headers for answer in others)
    assert preflight.status_code == 200
    wanted = {"authorization", "content-type", "x-request-id"}
    assert wanted <= set(preflight.headers["Access-Control-Allow-Headers"].split(", "))


def test_without_origins_no_page_of_another_may_read_answers(client: Client) -> None:
    answer = client.get("/api/models/", headers={"Origin": "https://app.example"})
    assert "Access-Control-Allow-Origin" not in answer
