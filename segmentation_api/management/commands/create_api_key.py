"""Make an API key."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError
from django.utils import timezone
from rest_framework_api_key.models import APIKey

from segmentation_api.management.key_command import KeyCommand

MOST_DAYS = 36500


class Command(KeyCommand):
    """`manage.py create_api_key NAME [--days N]`: prints the key once; only its hash is stored."""

    help = "Make an API key and print it, once. From then on keys are asked for, on loopback too."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """NAME and how long it holds."""
        parser.add_argument("name", help="whose key it is; shown in the admin")
        parser.add_argument("--days", type=int, help=f"let it expire after so many days, 1 to {MOST_DAYS}")

    def handle(self, *args: Any, **options: Any) -> None:
        """Only the key goes to stdout, so that a script can take it."""
        name, days = options["name"].strip()[:50], options["days"]
        if not name:
            raise CommandError("NAME is empty")
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise CommandError(f"--days must be from 1 to {MOST_DAYS}")
        expiry = timezone.now() + timedelta(days=days) if days is not None else None
        _, key = APIKey.objects.create_key(name=name, expiry_date=expiry)
        self.stderr.write("Keep it: it is shown only now. Use: -H 'Authorization: Api-Key <key>'")
        self.stdout.write(key)
