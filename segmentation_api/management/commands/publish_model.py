"""Put a model bundle into a bucket, where services with MODELS_DIR=s3://... find it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from botocore.exceptions import NoCredentialsError
from django.core.management.base import BaseCommand, CommandError

from ml_core.bundle import Bundle, BundleError
from ml_core.segmenter import Segmenter
from segmentation_api.engine import GOLDEN_SHARE
from segmentation_api.s3_bundles import S3Error, publish_bundle, split


class Command(BaseCommand):
    """`manage.py publish_model DIR s3://bucket/prefix`"""

    help = f"{__doc__} It is verified first; what is there already is not sent again."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """From where and where to."""
        parser.add_argument("folder", metavar="DIR", type=Path, help="the bundle; its name is the model's")
        parser.add_argument("url", metavar="s3://bucket/prefix", help="what the service has as MODELS_DIR")

    def handle(self, *args: Any, **options: Any) -> None:
        """One line per file. Nothing is sent of a bundle that the service would refuse."""
        folder: Path = options["folder"].absolute()
        url: str = options["url"]
        if not url.startswith("s3://") or not split(url)[0]:
            raise CommandError(f"{url}: not of the form s3://bucket/prefix")
        bundle = _verified(folder)
        sent = 0
        try:
            for address, new in publish_bundle(folder, url):
                sent += new
                self.stdout.write(f"{address}: {'uploaded' if new else 'there already'}")
        except NoCredentialsError:
            raise CommandError("No AWS credentials: set AWS_PROFILE, or what else boto3 reads.") from None
        except S3Error as error:
            raise CommandError(f"{url}: {error}") from None
        self.stdout.write(
            f"{folder.name} (version {bundle.version}, sha256 {bundle.sha256[:12]}) is published. "
            f"Serve it with MODELS_DIR={url} MODEL={folder.name}; reload_models takes it up while running."
            if sent
            else "Nothing to do: all of it is there already."
        )


def _verified(folder: Path) -> Bundle:
    """The bundle, if the service would serve it: its sha256 is right and it gives its golden answer."""
    try:
        bundle = Bundle.load(folder)
        agreement = Segmenter(bundle).golden_agreement()
    except BundleError as error:
        raise CommandError(str(error)) from None
    except Exception as error:  # ONNX Runtime raises many kinds
        raise CommandError(f"{folder}: it does not run: {error}") from None
    if agreement < GOLDEN_SHARE:
        raise CommandError(f"{folder}: its golden image agrees on {agreement:.1%} of the pixels only")
    return bundle
