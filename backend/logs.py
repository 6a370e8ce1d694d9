"""The log: JSON lines on standard error, each with its request's id. Set up as django-structlog documents it."""

from typing import Any

import structlog
from structlog.stdlib import ProcessorFormatter

STEPS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
QUIETER = {
    # RequestLog has said it already, with less of what the client sent
    "django.request": "CRITICAL",
    "django.security": "CRITICAL",
    "django.server": "CRITICAL",
    # It warns of each HEAD, whose body Django leaves to the server
    "gunicorn.http.wsgi": "ERROR",
    # Their DEBUG lines hold a photo's EXIF values
    "PIL": "INFO",
    "botocore": "WARNING",
    "boto3": "WARNING",
    "urllib3": "WARNING",
}


def logging_config(level: str) -> dict[str, Any]:
    """Set up structlog. Returns the LOGGING of Django, which is gunicorn's logconfig_dict as well."""
    structlog.configure(
        processors=[*STEPS, ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    json_lines = {
        "()": ProcessorFormatter,
        "foreign_pre_chain": [*STEPS, structlog.stdlib.ExtraAdder()],
        "processors": [ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": json_lines},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {name: {"level": lowest} for name, lowest in QUIETER.items()}
        | {"gunicorn.error": {"handlers": [], "propagate": True}},
    }
