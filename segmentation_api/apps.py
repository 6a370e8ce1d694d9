"""The Django app."""

from django.apps import AppConfig
from django.conf import settings
from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries


class SegmentationApiConfig(AppConfig):
    """No models of its own: what is kept are API keys, nothing of a photo."""

    name = "segmentation_api"
    verbose_name = "Segmentation API"

    def ready(self) -> None:
        """Leave out what Django does before and after each request for nothing.

        A database that is a file stays open, a cache that is files has nothing to close, and nobody reads the queries:
        to look for all that takes as long as to read the request.
        """
        database, cache = settings.DATABASES["default"], settings.CACHES["default"]
        if database["ENGINE"] == "django.db.backends.sqlite3" and database["CONN_MAX_AGE"] is None:
            request_started.disconnect(close_old_connections)
            request_finished.disconnect(close_old_connections)
        if cache["BACKEND"] == "segmentation_api.count_files.CountFiles":
            request_finished.disconnect(close_caches)
        if not settings.DEBUG:
            request_started.disconnect(reset_queries)
