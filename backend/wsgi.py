"""The WSGI entry. gunicorn with backend/server/config.py is the server this is made for."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
handler = get_wsgi_application()

from backend.content_type import readable  # noqa: E402
from segmentation_api.access import check_start  # noqa: E402

check_start()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Django's, of a request whose Content-Type it can read."""
    if "CONTENT_TYPE" in environ:
        environ["CONTENT_TYPE"] = readable(environ["CONTENT_TYPE"])
    return handler(environ, start_response)
