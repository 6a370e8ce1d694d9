"""What the commands on API keys share."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from segmentation_api.database import lacks_tables, setting_and_reason


class KeyCommand(BaseCommand):
    """Ends with one line where the database cannot be used."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """As BaseCommand does; raises CommandError for a database that is locked, full, broken or not migrated."""
        try:
            return super().execute(*args, **options)
        except DatabaseError as error:
            hint = "; `manage.py migrate` makes the tables" if lacks_tables(error) else ""
            raise CommandError(setting_and_reason(error) + hint) from error
