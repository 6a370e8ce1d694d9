"""/api/jobs/"""

from django.urls import path

from segmentation_api.jobs.views import JobResultView, JobsView, JobView

urlpatterns = [
    path("", JobsView.as_view(), name="jobs"),
    path("<uuid:pk>/", JobView.as_view(), name="job"),
    path("<uuid:pk>/result/", JobResultView.as_view(), name="job-result"),
]
