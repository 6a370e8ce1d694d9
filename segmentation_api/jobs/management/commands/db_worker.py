"""The worker of django-tasks-db, with the models loaded first and the sweep beside it."""

from argparse import ArgumentParser
from typing import Any

import cv2
from django.conf import settings
from django.db import connection
from django_tasks_db.management.commands import db_worker

from segmentation_api.engine import engine
from segmentation_api.jobs.sweep import Sweeper
from segmentation_api.startup import check_model

PATIENCE = 30
"""Seconds for a lock of SQLite, which many workers may want: no client waits for one of them."""


class Command(db_worker.Command):
    """`manage.py db_worker`: one image at a time; start as many as cores are to be had."""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """As the package has them; a reload would end jobs in the middle."""
        super().add_arguments(parser)
        parser.set_defaults(reload=False)

    def handle(self, **options: Any) -> None:
        """Work until SIGTERM; a job in hand goes back to the queue after its present image."""
        check_model()
        if connection.vendor == "sqlite":
            connection.settings_dict["OPTIONS"]["timeout"] = PATIENCE
        cv2.setNumThreads(settings.INFERENCE_THREADS)
        engine.models()
        Sweeper().start()
        super().handle(**options)
