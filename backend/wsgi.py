"""The WSGI entry. gunicorn with backend/server/config.py is the server this is made for."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")
application = get_wsgi_application()

from segmentation_api.access import check_start  # noqa: E402

check_start()
