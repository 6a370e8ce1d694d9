"""Have the running service load the bundles that are in MODELS_DIR now."""

import os
import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from segmentation_api.engine import engine


class Command(BaseCommand):
    """`manage.py reload_models`"""

    help = "Check every bundle, then have the running service (same PORT or RUN_DIR) load them; no request is dropped."

    def handle(self, *args: Any, **options: Any) -> None:
        """Checks here first what the workers will check, so that the result is seen."""
        refused = engine.reload()
        for name, reason in refused.items():
            self.stderr.write(f"{name}: refused: {reason}")
        if settings.MODEL in refused:
            raise CommandError("The service was not told to reload: its default model would not load.")
        for name in engine.models():
            self.stdout.write(f"{name}: good")
        pid_file = settings.RUN_DIR / "gunicorn.pid"
        try:
            os.kill(int(pid_file.read_text()), signal.SIGHUP)
        except (OSError, ValueError):
            raise CommandError(
                f"No running service found by {pid_file}; is PORT (or RUN_DIR) the service's?"
            ) from None
        self.stdout.write("The service reloads.")
        if refused:
            raise CommandError("The good ones are being reloaded; the refused ones stay as they are.")
