"""Everything the service answers to; /healthz and /readyz are answered by segmentation_api.health."""

from django.conf import settings
from django.urls import include, path

from backend.page import not_built
from segmentation_api.views import metrics

urlpatterns = [
    path("", not_built, name="page"),
    path("api/", include("segmentation_api.urls")),
    path("metrics", metrics, name="metrics"),
]
if settings.ADMIN:
    from django.contrib import admin

    urlpatterns.append(path("admin/", admin.site.urls))

handler400 = handler403 = "segmentation_api.errors.refused"
handler404 = "segmentation_api.errors.not_found"
handler500 = "segmentation_api.errors.server_error"
