"""How long who waits for SQLite."""

from typing import Any
from unittest.mock import Mock

import pytest
from django.core.management import call_command
from django.db import connection

from backend.environment import STORE_SECONDS
from segmentation_api.jobs.management.commands import db_worker


@pytest.mark.skipif(connection.vendor != "sqlite", reason="waits on PostgreSQL are its own")
def test_workers_wait_longer_than_requests_do(monkeypatch: pytest.MonkeyPatch) -> None:
    options: dict[str, Any] = connection.settings_dict["OPTIONS"]
    assert options["timeout"] == STORE_SECONDS
    assert options["transaction_mode"] == "IMMEDIATE"
    monkeypatch.setitem(options, "timeout", STORE_SECONDS)  # for what comes after
    monkeypatch.setattr(db_worker.Command.__mro__[1], "handle", lambda *_, **__: None)
    for name in ("check_model", "engine", "Sweeper"):
        monkeypatch.setattr(db_worker, name, Mock())
    call_command("db_worker")
    assert options["timeout"] == db_worker.PATIENCE
