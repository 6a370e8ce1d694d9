"""Headers of the static files that whitenoise serves. Imported by settings, so no Django here."""

from wsgiref.headers import Headers

IMMUTABLE = r"^/_next/static/"
"""URLs that hold a hash of their content, by Next.js: cached for good."""


def add_headers(headers: Headers, path: str, url: str) -> None:
    """WHITENOISE_ADD_HEADERS_FUNCTION. HTML names the files of one build, so it is revalidated each time."""
    headers["X-Frame-Options"] = "DENY"  # Django's middleware adds it to its own responses alone
    headers["Content-Security-Policy"] = "frame-ancestors 'none'"  # not possible in the page's <meta>
    headers["Cross-Origin-Embedder-Policy"] = "require-corp"  # or its worker gets no threads
    headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
    if path.endswith(".html"):
        headers["Cache-Control"] = "no-cache"
