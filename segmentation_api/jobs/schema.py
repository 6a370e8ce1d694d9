"""What OpenAPI says of jobs."""

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from segmentation_api.jobs.serializers import JobAnswer, JobForm, JobOptions, JobPrefix, JobPrefixes
from segmentation_api.schema import MEANINGS, problems

REQUEST_ID = OpenApiParameter(
    "X-Request-Id", str, OpenApiParameter.HEADER, response=True, description="as sent, or made here"
)
OWN_MEANINGS = MEANINGS | {
    400: "an option out of range or unknown, neither a zip nor a prefix, a prefix or callback that is not allowed",
    404: "no such job, or another key's",
    409: "the job is not done, or it failed",
    413: "too many bytes or images",
    415: "not a zip, or a compressed body",
    422: "a zip that is broken, or has links, paths out of it, or encrypted files",
    429: "over the rate, or the key has too many jobs; see `Retry-After`",
    503: "no room for another job; see `Retry-After`",
    507: "the disk is full",
}
READ = (401, 403, 404, 405, 429, 503)

create = extend_schema(
    operation_id="create_job",
    summary="Parse many photos, later",
    description=f"At most {settings.JOB_IMAGES:,} images, in a zip of at most {settings.JOB_BYTES:,} bytes, or under "
    "an `s3://` prefix that the operator allows. The photos are kept until the job ends, its results until it expires "
    "or is deleted.",
    parameters=[
        JobOptions,
        OpenApiParameter("Location", str, OpenApiParameter.HEADER, response=[202], description="of the job"),
        REQUEST_ID,
    ],
    request={
        "application/zip": OpenApiTypes.BINARY,
        "multipart/form-data": JobForm,
        "application/json": JobPrefixes,
    },
    responses={
        (202, "application/json"): JobAnswer,
        **problems(400, 401, 403, 405, 408, 413, 415, 422, 429, 503, 507, meanings=OWN_MEANINGS),
    },
)
detail = extend_schema(
    operation_id="get_job",
    summary="State and progress of a job",
    parameters=[REQUEST_ID],
    responses={(200, "application/json"): JobAnswer, **problems(*READ, meanings=OWN_MEANINGS)},
)
remove = extend_schema(
    operation_id="delete_job",
    summary="Cancel a job, and remove all of it",
    parameters=[REQUEST_ID],
    responses={204: OpenApiResponse(description="it is gone"), **problems(*READ, meanings=OWN_MEANINGS)},
)
result = extend_schema(
    operation_id="get_job_result",
    summary="The results of a job",
    description="A zip of the results, whose paths are those of the photos, and `manifest.jsonl`: a line of JSON for "
    "each image. Of a job with a `target`, where they are.",
    parameters=[REQUEST_ID],
    responses={
        (200, "application/zip"): OpenApiTypes.BINARY,
        (200, "application/json"): JobPrefix,
        **problems(*READ, 409, meanings=OWN_MEANINGS),
    },
)
