"""Without JOBS=true there are no jobs: no address, no app, no schema."""

from django.conf import settings
from django.test import Client


def test_there_is_nothing_of_jobs(client: Client) -> None:
    for path in ("/api/jobs/", "/api/jobs/00000000-0000-4000-8000-000000000000/"):
        assert client.get(path).status_code == client.post(path).status_code == 404
    assert not [app for app in settings.INSTALLED_APPS if "jobs" in app or "tasks" in app]
    assert b"job" not in client.get("/api/schema/").content
    assert b"segment_jobs" not in client.get("/metrics").content
