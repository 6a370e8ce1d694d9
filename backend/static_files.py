"""Headers of the static files that whitenoise serves. Imported by settings, so no Django here."""

from wsgiref.headers import Headers

IMMUTABLE = r"^/_next/static/"
"""URLs that hold a hash of their content, by Next.js: cached for good."""

SECURITY_HEADERS = {
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",  # not possible in the page's <meta>
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
"""What Django's middlewares add to its own responses, and what a page with a camera needs."""


def add_headers(headers: Headers, path: str, url: str) -> None:
    """WHITENOISE_ADD_HEADERS_FUNCTION. HTML names the files of one build, so it is revalidated each time."""
    for name, value in SECURITY_HEADERS.items():
        headers[name] = value
    if path.endswith(".html"):
        headers["Cache-Control"] = "no-cache"
