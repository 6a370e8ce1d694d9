"""What only the running service can show of its door: the admin, the run directory, the database's file, Host."""

import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.apps import apps
from django.conf import settings

from tests.backend.test_server import Start, post, read_all, until, workers
from tests.conftest import ROOT, Server

pytestmark = pytest.mark.timeout(240)


def manage(environment: dict[str, str], *arguments: str, **more: str) -> str:
    """manage.py for that service; what it prints."""
    command = [sys.executable, "manage.py", *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env={**environment, **more}, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def statuses(server: Server, key: str = "", number: int = 8) -> set[int]:
    """Of requests on connections of their own, so that all workers are asked."""
    headers = {"Authorization": f"Api-Key {key}"} if key else {}
    with ThreadPoolExecutor(number) as pool:
        ask = lambda _: httpx.get(f"{server.url}/api/models/", headers=headers, timeout=30)  # noqa: E731
        return {answer.status_code for answer in pool.map(ask, range(number))}


def test_a_service_goes_on_without_its_run_dir(start_server: Start, photo: bytes) -> None:
    server = start_server(WORKERS="2", THROTTLE_ADDRESS="1000/hour").wait_until_ready()
    assert post(server, photo).status_code == 200
    shutil.rmtree(server.run_dir)
    assert post(server, photo).status_code == 200
    killed = workers(server)[0]
    os.kill(killed, signal.SIGKILL)
    until(lambda: killed not in workers(server) and len(workers(server)) == 2)
    until((server.run_dir / "gunicorn.pid").is_file)
    for _ in range(10):
        assert post(server, photo).status_code == 200
    text = httpx.get(f"{server.url}/metrics").text
    assert 'segment_images_total{model="tiny",output="mask"} 12.0' in text, "those of the dead worker too"
    assert "reloads" in manage(server.environment, "reload_models")


def test_a_service_goes_on_without_a_place_for_a_run_dir(start_server: Start, photo: bytes) -> None:
    server = start_server(WORKERS="2").wait_until_ready()
    shutil.rmtree(server.run_dir)
    server.run_dir.write_text("no folder can be made here")
    killed = workers(server)[0]
    os.kill(killed, signal.SIGKILL)
    until(lambda: killed not in workers(server) and len(workers(server)) == 2)
    assert {post(server, photo).status_code for _ in range(10)} == {200}
    assert httpx.get(f"{server.url}/readyz").status_code == 200
    assert server.stop() == 0


def test_the_databases_file_may_be_replaced(start_server: Start, tmp_path: Path) -> None:
    server = start_server(WORKERS="2").wait_until_ready()
    environment = server.environment
    manage(environment, "migrate", "--verbosity", "0")
    key = manage(environment, "create_api_key", "laptop")
    database, good, revoked = server.run_dir.parent / "db.sqlite3", tmp_path / "good", tmp_path / "revoked"
    shutil.copy(database, good)
    shutil.copy(database, revoked)
    manage(environment, "revoke_api_key", key, DATABASE_URL=f"sqlite:///{revoked}")
    until(lambda: statuses(server) == {401})
    assert statuses(server, key) == {200}
    revoked.replace(database)  # another file
    assert statuses(server, key) == {403}
    shutil.copy(good, database)  # the same file with another content
    assert statuses(server, key) == {200}
    database.unlink()
    assert statuses(server) | statuses(server, key) == {401, 503}
    os.kill(workers(server)[0], signal.SIGKILL)
    until(lambda: len(workers(server)) == 2)
    assert 200 not in statuses(server) | statuses(server, key), "without its keys it does not open"
    assert not database.exists()
    good.replace(database)
    assert statuses(server, key) == {200}


def test_a_locked_database_is_503_until_it_is_free(start_server: Start) -> None:
    server = start_server(WORKERS="2").wait_until_ready()
    manage(server.environment, "migrate", "--verbosity", "0")
    key = manage(server.environment, "create_api_key", "laptop")
    assert statuses(server, key) == {200}
    with sqlite3.connect(server.run_dir.parent / "db.sqlite3", isolation_level=None) as other:
        other.execute("BEGIN EXCLUSIVE")
        headers = {"Authorization": f"Api-Key {key}"}
        for path in ("/api/models/", "/api/segment/"):
            answer = httpx.request(
                "POST" if "segment" in path else "GET", server.url + path, headers=headers, timeout=30
            )
            assert (answer.status_code, answer.json()["type"]) == (503, "not_ready")
        other.execute("ROLLBACK")
    assert statuses(server, key) == {200}


def test_the_admin_is_off_and_not_even_loaded(server: Server) -> None:
    for path in ("/admin/", "/admin/login/", "/admin", "/static/admin/css/base.css"):
        answer = httpx.get(server.url + path)
        assert (answer.status_code, answer.json()["type"]) == (404, "not_found")
        assert httpx.post(server.url + path, data={"username": "a"}).status_code in (404, 405)
    assert not any(
        apps.is_installed(f"django.contrib.{name}") for name in ("admin", "auth", "sessions", "messages")
    )
    assert not any("admin" in middleware for middleware in settings.MIDDLEWARE)


def log_in(server: Server, password: str, **headers: str) -> httpx.Response:
    """The admin's form, as a browser sends it."""
    with httpx.Client(base_url=server.url, timeout=60) as browser:
        form = browser.get("/admin/login/").text
        token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[0]
        fields = {"csrfmiddlewaretoken": token, "username": "root", "password": password}
        answer = browser.post("/admin/login/?next=/admin/", data=fields, headers=headers)
        if answer.status_code == 302:
            assert browser.get("/admin/rest_framework_api_key/apikey/").status_code == 200
    return answer


def test_the_admin_checks_one_password_at_a_time_and_few_of_an_address(start_server: Start) -> None:
    # Two proxies at most, so that this test can come from several addresses
    server = start_server(ADMIN="true", WORKERS="2", NUM_PROXIES="1").wait_until_ready()
    manage(server.environment, "migrate", "--verbosity", "0")
    given = ("--noinput", "--username", "root", "--email", "root@faces.example")
    manage(server.environment, "createsuperuser", *given, DJANGO_SUPERUSER_PASSWORD="right-password")
    assert log_in(server, "right-password", **{"X-Forwarded-For": "10.0.0.1"}).status_code == 302

    with ThreadPoolExecutor(8) as pool:
        attempts = [
            pool.submit(log_in, server, "wrong", **{"X-Forwarded-For": f"10.0.1.{n}"}) for n in range(8)
        ]
        answers = [attempt.result() for attempt in attempts]
    found = sorted(answer.status_code for answer in answers)
    assert found[0] == 200, "the form again"
    assert found[-1] == 503, "another's is being checked"
    assert all(answer.headers["Retry-After"] == "1" for answer in answers if answer.status_code == 503)

    found = [log_in(server, "wrong", **{"X-Forwarded-For": f"2001:db8::{n}"}).status_code for n in range(12)]
    assert found == [200] * 10 + [429] * 2
    answer = log_in(server, "right-password", **{"X-Forwarded-For": "2001:db8::ffff"})
    assert (answer.status_code, answer.json()["type"]) == (429, "rate_limited")
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert httpx.get(f"{server.url}/api/models/").status_code == 200


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /healthz HTTP/1.1\r\n\r\n", 400),
        ("GET /api/models/ HTTP/1.1\r\nX-Host: localhost\r\n\r\n", 400),
        ("POST /api/segment/ HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", 400),
        ("GET http://localhost/api/models/ HTTP/1.1\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", 200),
        ("GET /healthz HTTP/1.0\r\n\r\n", 200),
    ],
)
def test_http_1_1_wants_one_host(server: Server, head: str, status: int) -> None:
    with server.connect() as connection:
        connection.sendall(head.encode())
        answer = read_all(connection)
    assert answer.split()[1] == str(status).encode()
    if status == 400:
        assert b'"type": "bad_request"' in answer
        assert (b"wants a Host header" in answer) is ("host: localhost" not in head)
    assert b"Connection: close" in answer


def test_start_is_refused_by_name(start_server: Start, tmp_path: Path, models_dir: Path) -> None:
    variables: dict[str, Any] = {"ENVIRONMENT": "production", "DEBUG": "true", "SECRET_KEY": "k" * 60}
    server = start_server(**variables)
    assert server.process.wait(60) != 0
    assert server.log.read_text().startswith("Cannot start: DEBUG: ")
