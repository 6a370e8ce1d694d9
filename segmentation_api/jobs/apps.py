"""The Django app of jobs; INSTALLED_APPS has it with JOBS=true."""

from django.apps import AppConfig


class JobsConfig(AppConfig):
    """Its tables begin with `jobs_`."""

    name = "segmentation_api.jobs"
    label = "jobs"
