"""The admin's middlewares, installed with ADMIN=true: its log-in's budget; sessions, users and messages for its paths.

On all paths Django's middlewares would leave reference cycles in each request, which hold the photo until the garbage
collector comes.
"""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest, HttpResponse
from django.utils.deprecation import MiddlewareMixin
from rest_framework.exceptions import Throttled

from segmentation_api.errors import Problem, logged_problem, respond
from segmentation_api.shared_lock import SharedLock
from segmentation_api.telemetry import GetResponse
from segmentation_api.throttles import WindowThrottle, client_network

ADMIN, LOG_IN = "/admin/", "/admin/login/"

hashing = SharedLock()
"""Held while a password may be hashed, which takes a third of a second of CPU."""


class LogInThrottle(WindowThrottle):
    """Log-ins, per client address."""

    rate = "10/min"
    scope = "admin"

    def get_cache_key(self, request: Any, view: Any) -> str:
        """The address, or the network of one."""
        return client_network(self.get_ident(request))


def budget(get_response: GetResponse) -> GetResponse:
    """Middleware: of the forms sent to the admin one at a time is worked on, of all workers; the others get 503."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD") or not request.path_info.startswith(ADMIN):
            return get_response(request)
        try:
            throttle: Any = LogInThrottle()
            if request.path_info == LOG_IN and not throttle.allow_request(request, None):
                raise Throttled(wait=throttle.wait())
            request.POST  # noqa: B018  # read before the others have to wait for it
            if not hashing.acquire(wait=False):
                raise Problem(
                    503, "too_busy", "Another log-in is being checked.", headers={"Retry-After": "1"}
                )
        except Exception as error:
            return respond(request, logged_problem(error, "log_in_failed"))
        try:
            return get_response(request)
        finally:
            hashing.release()

    return middleware


class ForAdmin(MiddlewareMixin):
    """Mixed into a middleware, which other paths bypass."""

    def __call__(self, request: HttpRequest) -> Any:
        """The answer."""
        if request.path_info.startswith(ADMIN):
            return super().__call__(request)
        return self.get_response(request)


class Sessions(ForAdmin, SessionMiddleware):
    """django_session, by cookie."""


class Authentication(ForAdmin, AuthenticationMiddleware):
    """request.user, by session."""


class Messages(ForAdmin, MessageMiddleware):
    """What the admin says on its next page."""
