"""What a deployment relies on: health probes by IP address, and draining."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from segmentation_api.health import DRAINING

pytestmark = pytest.mark.django_db

Segment = Callable[..., Any]


@pytest.fixture
def draining(run_dir: Path) -> Iterator[None]:
    """Draining is on, as docker/deploy/on-host.sh turns it on in the old container."""
    (run_dir / DRAINING).touch()
    yield
    (run_dir / DRAINING).unlink()


def test_a_balancers_probe_needs_no_host_and_no_https(
    client: Client, segment: Segment, settings: Any
) -> None:
    segment()
    settings.ALLOWED_HOSTS = ["faces.example.org"]
    settings.SECURE_SSL_REDIRECT = True
    for path in ("/healthz", "/readyz"):
        assert client.get(path, headers={"Host": "10.0.3.17:8000"}).status_code == 200
    assert client.get("/api/models/", headers={"Host": "10.0.3.17:8000"}).status_code in (301, 400)


def test_a_draining_service_is_not_ready_and_works_on(
    client: Client, segment: Segment, draining: None
) -> None:
    assert segment().status_code == 200
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["type"]) == (503, "not_ready")
    assert answer.json()["detail"].startswith("Draining")
    assert client.get("/healthz").status_code == 200


def test_ready_again_when_the_draining_is_called_off(client: Client, segment: Segment, run_dir: Path) -> None:
    segment()
    (run_dir / DRAINING).touch()
    assert client.get("/readyz").status_code == 503
    (run_dir / DRAINING).unlink()
    assert client.get("/readyz").status_code == 200
