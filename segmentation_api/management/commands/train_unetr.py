"""Train a model: ingest, prepare, train, evaluate, ending in a bundle the service can load."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

INSTALL = "pip install -r requirements.txt -r training/requirements.txt"


class Command(BaseCommand):
    """`manage.py train_unetr [--preset NAME] [--data NAME|PATH|URL] [--epochs N | --minutes M] ...`"""

    help = __doc__
    requires_system_checks = []  # training needs no service

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Django's own --version gives way to that of the weights."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options that all stages share. The serving image has no training code and says so."""
        try:
            from training.options import add_arguments
        except ModuleNotFoundError:
            raise SystemExit(f"This installation only serves. To train, in a checkout:\n{INSTALL}") from None
        add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the four stages; without the packages that only training needs, say how to install them."""
        from ml_core.unetr.interrupt import sigterm_as_ctrl_c
        from training import needs
        from training.options import NAMES, RunError, RunOptions

        asked = RunOptions(**{name: options[name] for name in NAMES})
        try:
            with sigterm_as_ctrl_c():
                if told := needs.lacking() or needs.broken():
                    raise CommandError(told)
                from training.pipeline import run

                run(asked)
        except (RunError, OSError) as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt:
            raise CommandError(asked.stopped, returncode=130) from None
