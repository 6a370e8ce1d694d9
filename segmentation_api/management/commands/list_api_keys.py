"""List the API keys."""

from typing import Any

from rest_framework_api_key.models import APIKey

from segmentation_api.management.key_command import KeyCommand


class Command(KeyCommand):
    """`manage.py list_api_keys`: one line per key, the newest first."""

    help = "List the API keys: prefix, state, day made, day of expiry, name. revoke_api_key takes the prefix."

    def handle(self, *args: Any, **options: Any) -> None:
        """Columns by tabs, for `cut` and `awk`; of a key only the public prefix is known."""
        for key in APIKey.objects.order_by("-created"):
            state = "revoked" if key.revoked else "expired" if key.has_expired else "valid"
            expiry = f"{key.expiry_date:%Y-%m-%d}" if key.expiry_date else "-"
            name = "".join(letter if letter.isprintable() else "?" for letter in key.name)
            self.stdout.write(f"{key.prefix}\t{state}\t{key.created:%Y-%m-%d}\t{expiry}\t{name}")
