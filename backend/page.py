"""What / says where the web page was never built. Where it was, whitenoise has answered before."""

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from segmentation_api.errors import GET_ONLY, respond

TEXT = """The service runs; its web page was not built.

With node 20.9 or newer `make page` builds it, and `make serve` serves it here.
The API needs no page: /api/docs/ documents it and lets you try it.
"""
HTML = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Face parts</title>
<style>body { font: 1rem/1.6 system-ui, sans-serif; max-width: 34rem; margin: 15vh auto; padding: 0 1rem }</style>
</head>
<body>
<main>
<h1>The service runs; its web page was not built</h1>
<p>With node 20.9 or newer <code>make page</code> builds it, and <code>make serve</code> serves it here.</p>
<p>The API needs no page: <a href="/api/docs/">/api/docs/</a> documents it and lets you try it.</p>
</main>
</body>
</html>
"""


@csrf_exempt  # it changes nothing; a POST is to hear that, not of a token
def not_built(request: HttpRequest) -> HttpResponse:
    """How to get the page, and where the API's documentation is: HTML for browsers, else plain text."""
    if request.method not in ("GET", "HEAD"):
        return respond(request, GET_ONLY)
    html = "text/html" in request.headers.get("Accept", "")
    kind = "text/html" if html else "text/plain"
    response = HttpResponse(HTML if html else TEXT, content_type=f"{kind}; charset=utf-8")
    response["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    )
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept"
    return response
