"""Revoke an API key."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from rest_framework_api_key.models import APIKey

from segmentation_api.management.key_command import KeyCommand


class Command(KeyCommand):
    """`manage.py revoke_api_key PREFIX`"""

    help = "Revoke an API key for good. The running service refuses it from the next request on."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """PREFIX, or a whole key."""
        parser.add_argument("prefix", help="as list_api_keys prints it: what a key has before its dot")

    def handle(self, *args: Any, **options: Any) -> None:
        """Revoking a revoked key changes nothing."""
        prefix = options["prefix"].partition(".")[0]
        key = APIKey.objects.filter(prefix=prefix).first()
        if key is None:
            raise CommandError("No key has this prefix. manage.py list_api_keys lists them.")
        if not key.revoked:
            key.revoked = True
            key.save()
        self.stdout.write(f"{prefix}: revoked")
