"""Where the bundles are: MODELS_DIR, a folder with one bundle per subfolder, or an s3:// prefix of the same form."""

from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from ml_core.bundle import CARD


def bundle_folders() -> dict[str, Path]:
    """Name -> folder of every bundle there is. Raises ImproperlyConfigured if MODELS_DIR cannot be read at all."""
    if settings.MODELS_DIR.startswith("s3://"):
        from segmentation_api.s3_bundles import fetch_bundles  # boto3 costs 30 MB that a folder does not

        return fetch_bundles(settings.MODELS_DIR, settings.MODELS_CACHE)
    folder = Path(settings.MODELS_DIR)
    if not folder.is_dir():
        raise ImproperlyConfigured(f"MODELS_DIR: no folder {folder}")
    return {card.parent.name: card.parent for card in sorted(folder.glob(f"[!.]*/{CARD}"))}
