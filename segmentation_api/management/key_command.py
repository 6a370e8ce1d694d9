"""What the commands on API keys share."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError


class KeyCommand(BaseCommand):
    """Ends with one line where the database cannot be used."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """As BaseCommand does; raises CommandError for a database that is locked, full, broken or not migrated."""
        try:
            return super().execute(*args, **options)
        except DatabaseError as error:
            reason = str(error).partition("\n")[0]
            hint = "; `manage.py migrate` makes the tables" if "no such table" in reason else ""
            raise CommandError(f"DATABASE_URL: {reason}{hint}") from error
