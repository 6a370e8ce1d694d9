"""The answer of / where the web page is not built; where it is, whitenoise answers first."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views.decorators.csrf import csrf_exempt

from segmentation_api.errors import GET_ONLY, respond


@csrf_exempt  # a POST shall hear 405, not of a missing token
def not_built(request: HttpRequest) -> HttpResponse:
    """How to get the page, and where the API's documentation is: HTML for browsers, else plain text."""
    if request.method not in ("GET", "HEAD"):
        return respond(request, GET_ONLY)
    html = "text/html" in request.headers.get("Accept", "")
    kind, template = ("html", "not-built.html") if html else ("plain", "not-built.txt")
    response = HttpResponse(render_to_string(template), content_type=f"text/{kind}; charset=utf-8")
    policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    response["Content-Security-Policy"] = policy
    response["Cache-Control"] = "no-store"
    response["Vary"] = "Accept"
    return response
