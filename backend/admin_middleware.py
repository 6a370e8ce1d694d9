"""Sessions, users and messages for the admin alone.

On all paths Django's middlewares would leave reference cycles in each request, which hold the photo until the garbage
collector comes.
"""

from typing import Any

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.http import HttpRequest
from django.utils.deprecation import MiddlewareMixin

ADMIN = "/admin/"


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
