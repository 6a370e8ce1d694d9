"""Jobs in /metrics: counted in the database when asked, since workers are other processes, perhaps elsewhere."""

from collections.abc import Iterator

from django.db.models import Count, Min, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily

from segmentation_api.jobs.models import Job, State


class Jobs:
    """A collector of prometheus_client."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Jobs by state, their bytes, and how long the first of the queue has waited."""
        rows = Job.objects.values("state").annotate(Count("pk"), Sum("bytes"))
        counts = {row["state"]: row["pk__count"] for row in rows}
        states = GaugeMetricFamily("segment_jobs", "Jobs by state.", labels=["state"])
        for state in State:
            states.add_metric([state.value], counts.get(state, 0))
        yield states
        stored = sum(row["bytes__sum"] for row in rows)
        yield GaugeMetricFamily("segment_jobs_bytes", "Bytes that jobs hold on disk.", value=stored)
        first = Job.objects.filter(state=State.QUEUED).aggregate(Min("created_at"))["created_at__min"]
        waited = (timezone.now() - first).total_seconds() if first else 0
        yield GaugeMetricFamily(
            "segment_jobs_oldest_queued_seconds", "Age of the oldest job in the queue.", value=waited
        )


def jobs_page() -> bytes:
    """As Prometheus reads it."""
    registry = CollectorRegistry()
    registry.register(Jobs())
    page: bytes = generate_latest(registry)
    return page
