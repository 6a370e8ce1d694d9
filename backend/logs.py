"""The log: JSON, one line an event, on standard error.

What this service says itself goes there by structlog alone; the way by way of Python's logging, which all others take,
would be half of what a line costs.
"""

import os
from typing import Any

import structlog

STEPS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
STANDARD_ERROR = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)


class NamedLogger(structlog.WriteLogger):
    """Writes lines to standard error; its name is that of the module whose lines they are."""

    def __init__(self, name: str = "") -> None:
        super().__init__(STANDARD_ERROR)
        self.name = name


def configure_structlog(level: str) -> None:
    """For the loggers of `structlog.get_logger(__name__)`."""
    structlog.configure(
        processors=[*STEPS, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=NamedLogger,
        cache_logger_on_first_use=True,
    )


def logging_config(level: str) -> dict[str, Any]:
    """For all other loggers, as Django's LOGGING and gunicorn's logconfig_dict take it."""
    json_lines = {
        "()": structlog.stdlib.ProcessorFormatter,
        "foreign_pre_chain": [*STEPS, structlog.stdlib.ExtraAdder()],
        "processors": [
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": json_lines},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # RequestLog has said it already, with less of what the client sent
            "django.request": {"level": "CRITICAL"},
            "django.security": {"level": "CRITICAL"},
            "django.server": {"level": "CRITICAL", "handlers": ["stderr"], "propagate": False},
            "gunicorn.error": {"handlers": [], "propagate": True},
            # It warns of each HEAD, whose body Django leaves to the server
            "gunicorn.http.wsgi": {"level": "ERROR"},
            # Their DEBUG lines hold a photo's EXIF values
            "PIL": {"level": "INFO"},
            "botocore": {"level": "WARNING"},
            "boto3": {"level": "WARNING"},
            "urllib3": {"level": "WARNING"},
        },
    }
