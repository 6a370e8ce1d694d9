"""The Django app."""

from django.apps import AppConfig


class SegmentationApiConfig(AppConfig):
    """No models of its own: what is kept are API keys, nothing of a photo."""

    name = "segmentation_api"
    verbose_name = "Segmentation API"
