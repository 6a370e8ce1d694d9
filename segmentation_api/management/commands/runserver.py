"""Django's development server, judged by the address it binds to like gunicorn is."""

from typing import Any

from django.contrib.staticfiles.management.commands.runserver import Command as Base

from segmentation_api.access import check_start, check_stores
from segmentation_api.startup import check_model, declare_listeners


class Command(Base):
    """`manage.py runserver [address:port]`"""

    addr: str  # set by Django from the argument

    def inner_run(self, *args: Any, **options: Any) -> None:
        """Start, if the service may be reached at this address."""
        declare_listeners([self.addr])
        check_model()
        check_stores()
        check_start()
        super().inner_run(*args, **options)
