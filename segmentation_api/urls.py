"""/api/"""

from django.urls import path

from segmentation_api.schema import DocsView, SchemaView
from segmentation_api.views import BatchView, ModelDetailView, ModelFileView, ModelListView, SegmentView

urlpatterns = [
    path("segment/", SegmentView.as_view(), name="segment"),
    path("segment/batch/", BatchView.as_view(), name="segment-batch"),
    path("models/", ModelListView.as_view(), name="models"),
    path("models/<str:name>/", ModelDetailView.as_view(), name="model"),
    path("models/<str:name>/model.onnx", ModelFileView.as_view(), name="model-file"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", DocsView.as_view(), name="docs"),
]
