"""What whitenoise sends with the page's files and the documentation's assets. Read by settings: no Django here."""

from wsgiref.headers import Headers

IMMUTABLE = r"^/_next/static/"
"""Addresses whose content never changes: Next.js puts a hash of it into them."""

SECURITY_HEADERS = {
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "frame-ancestors 'none'",  # the page's own policy is a <meta>, which cannot say this
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
"""What Django's middleware would add to an answer of Django's, and what a page with a camera needs."""


def add_headers(headers: Headers, path: str, url: str) -> None:
    """WHITENOISE_ADD_HEADERS_FUNCTION. A page names the files of one build: it is asked for anew each time."""
    for name, value in SECURITY_HEADERS.items():
        headers[name] = value
    if path.endswith(".html"):
        headers["Cache-Control"] = "no-cache"
