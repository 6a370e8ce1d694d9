"""Train a model: ingest, prepare, train, evaluate, ending in a bundle the service can load."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

INSTALL = "pip install -r training/requirements.txt"


class Command(BaseCommand):
    """`manage.py train_unetr [--preset lite|full] [--data NAME|PATH|URL] [--epochs N | --minutes M] ...`"""

    help = __doc__
    requires_system_checks = []  # training needs no service

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What is not given comes from training/params.yaml and config.yaml."""
        parser.add_argument("--preset", choices=("lite", "full"), help="size of the model")
        parser.add_argument(
            "--data", help="a data set's name in training/config.yaml, a folder, a zip or a URL"
        )
        length = parser.add_mutually_exclusive_group()
        length.add_argument("--epochs", type=int, help="train so many epochs")
        length.add_argument("--minutes", type=float, help="train about so long")
        parser.add_argument("--resume", action="store_true", help="go on from the last checkpoint")
        parser.add_argument(
            "--init", type=Path, metavar="BUNDLE", help="start from the weights of this bundle"
        )
        parser.add_argument("--out", type=Path, metavar="DIR", help="where the bundle is written")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the four stages; without TensorFlow say how to get it."""
        try:
            import keras  # noqa: F401
            import tensorflow  # noqa: F401
        except ImportError as error:
            raise CommandError(
                f"Training needs {error.name}, which serving does not. Install it:\n{INSTALL}"
            ) from None
        from training.pipeline import run

        names = ("preset", "data", "epochs", "minutes", "resume", "init", "out")
        run(**{name: options[name] for name in names})
