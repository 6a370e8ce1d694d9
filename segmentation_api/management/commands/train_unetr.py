"""Train a model: ingest, prepare, train, evaluate, ending in a bundle the service can load."""

from argparse import ArgumentParser
from importlib.util import find_spec
from typing import Any

from django.core.management.base import BaseCommand, CommandError

INSTALL = "pip install -r training/requirements.txt"


class Command(BaseCommand):
    """`manage.py train_unetr [--preset lite|full] [--data NAME|PATH|URL] [--epochs N | --minutes M] ...`"""

    help = __doc__
    requires_system_checks = []  # training needs no service

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options that all stages share."""
        from training.options import add_arguments

        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the four stages; without TensorFlow say how to get it."""
        if missing := [name for name in ("tensorflow", "keras") if find_spec(name) is None]:
            needed = " and ".join(missing)
            raise CommandError(f"Training needs {needed}, which serving does not. Install it:\n{INSTALL}")
        from training.options import NAMES, STOPPED, RunError, RunOptions
        from training.pipeline import run

        try:
            run(RunOptions(**{name: options[name] for name in NAMES}))
        except RunError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(STOPPED, returncode=130) from None
