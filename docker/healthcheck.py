"""The image's HEALTHCHECK: exits with 0 if this container's /readyz answers 200."""

import http.client
import os
import sys

bind = os.environ.get("BIND", "")
host = "127.0.0.1" if bind in ("", "0.0.0.0", "::") else bind  # noqa: S104  # nosec B104
connection = http.client.HTTPConnection(host, int(os.environ.get("PORT") or 8000), timeout=4)
try:
    connection.request("GET", "/readyz")
    sys.exit(connection.getresponse().status != 200)
except OSError as error:
    sys.exit(f"/readyz: {error}")
