"""What a job is asked for, and what is said of it."""

import re
from typing import Any

from django.conf import settings
from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework.fields import CharField, ChoiceField, DateTimeField, IntegerField, UUIDField
from rest_framework.serializers import ValidationError

from segmentation_api import answers
from segmentation_api.jobs.models import SHOWN, Job, State
from segmentation_api.serializers import CommaListField, OptionsSerializer, PhotoField
from segmentation_api.services import OUTPUTS

PREFIX = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()=@,+ -]+)*/?")


@extend_schema_field({"type": "string", "pattern": "^({0})(,({0}))*$".format("|".join(OUTPUTS))})
class OutputsField(CommaListField):
    """A comma list of outputs."""

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        """The words, without repeats."""
        found = super().to_internal_value(data)
        if not set(found) <= set(OUTPUTS):
            raise ValidationError(f"must be of {', '.join(OUTPUTS)}")
        return found


class PrefixField(CharField):
    """An s3:// prefix in one of JOB_S3_PREFIXES."""

    def to_internal_value(self, data: Any) -> str:
        """With its last slash. Raises ValidationError."""
        text = super().to_internal_value(data)
        if not PREFIX.fullmatch(text) or {".", ".."} & set(text.split("/")):
            raise ValidationError("must be s3://bucket/prefix")
        prefix = f"{text.rstrip('/')}/"
        if not any(prefix.startswith(f"{allowed.rstrip('/')}/") for allowed in settings.JOB_S3_PREFIXES):
            raise ValidationError("is not under a prefix that this service reads and writes")
        return prefix


class JobOptions(OptionsSerializer):
    """What all images of a job share."""

    output = OutputsField(  # type: ignore[assignment]  # a list in place of one
        default=("mask",), help_text="Comma list of what is made of each photo."
    )
    callback = CharField(
        required=False, max_length=1000, help_text="https address that is told when the job has ended."
    )


class JobSerializer(JobOptions):
    """Photos at an s3:// prefix, with their options; a zip needs neither prefix."""

    source = PrefixField(  # type: ignore[assignment]  # DRF's `source` is of a field, not of a serializer
        required=False, max_length=1000, help_text="s3:// prefix of the photos."
    )
    target = PrefixField(required=False, max_length=1000, help_text="s3:// prefix for the results.")


class JobForm(JobOptions):
    """A zip and its options. For OpenAPI only, as the next."""

    archive = PhotoField(help_text="A zip of photos.")


class JobPrefixes(JobOptions):
    """Two prefixes and the options, in JSON."""

    source = PrefixField(  # type: ignore[assignment]
        max_length=1000, help_text="s3:// prefix of the photos."
    )
    target = PrefixField(max_length=1000, help_text="s3:// prefix for the results.")


Progress = answers.shape(
    "JobProgress",
    "How far a job is.",
    total=IntegerField(help_text="images; 0 while a bucket has not been listed yet"),
    done=IntegerField(help_text="with a result or an error"),
    failed=IntegerField(help_text="of them with an error"),
)
JobError = answers.shape(
    "JobError", "Why a job failed.", type=CharField(help_text="a stable code"), detail=CharField()
)
JobAnswer = answers.shape(
    "Job",
    "A job.",
    id=UUIDField(),
    state=ChoiceField(choices=[state.value for state in SHOWN]),
    progress=Progress(),
    created_at=DateTimeField(),
    started_at=DateTimeField(allow_null=True),
    finished_at=DateTimeField(allow_null=True),
    expires_at=DateTimeField(help_text="when it and its results are removed"),
    result=CharField(allow_null=True, help_text="where the results are, once the job is done"),
    error=JobError(allow_null=True),
)
JobPrefix = answers.shape(
    "JobPrefix",
    "Where the results of a job with a `target` are.",
    prefix=CharField(),
    manifest=CharField(help_text="a line of JSON for each image"),
)


def described(job: Job) -> dict[str, Any]:
    """The JSON of a job, as of GET and of callbacks."""
    return {
        "id": str(job.pk),
        "state": job.state,
        "progress": {"total": job.total, "done": job.done, "failed": job.failed},
        "created_at": stamp(job.created_at),
        "started_at": stamp(job.started_at),
        "finished_at": stamp(job.finished_at),
        "expires_at": stamp(job.expires_at),
        "result": reverse("job-result", args=[job.pk]) if job.state == State.DONE else None,
        "error": {"type": job.error_code, "detail": job.error_detail} if job.state == State.FAILED else None,
    }


def stamp(moment: Any) -> str | None:
    """ISO 8601 in UTC."""
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
