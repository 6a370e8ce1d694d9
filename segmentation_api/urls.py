"""/api/"""

from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularSwaggerView

from segmentation_api.schema import SchemaView
from segmentation_api.views import BatchView, ModelDetailView, ModelFileView, ModelListView, SegmentView

OPEN: dict[str, Any] = {"http_method_names": ("get", "head"), "throttle_classes": ()}
"""The documentation is for everybody, whatever the rate."""

urlpatterns: list[URLPattern | URLResolver] = [
    path("segment/", SegmentView.as_view(), name="segment"),
    path("segment/batch/", BatchView.as_view(), name="segment-batch"),
    path("models/", ModelListView.as_view(), name="models"),
    path("models/<str:name>/", ModelDetailView.as_view(), name="model"),
    path("models/<str:name>/model.onnx", ModelFileView.as_view(), name="model-file"),
    path("schema/", SchemaView.as_view(**OPEN), name="schema"),
    path("docs/", SpectacularSwaggerView.as_view(url_name="schema", **OPEN), name="docs"),
]

if settings.JOBS:
    urlpatterns.append(path("jobs/", include("segmentation_api.jobs.urls")))
