"""When a call is tried again: a parse changes nothing, so it may be sent any number of times."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from face_parsing_client.errors import ConnectionFailed, FaceParsingError, Problem

AGAIN = {429, 503}
UNASKED = 5
"""Attempts where nothing says when to come again, as with a wrong address."""


@dataclass(frozen=True)
class Retries:
    """Limits of trying again after 429, 503 and lost connections.

    attempts   in all; 1 for none again; None: as often as Retry-After asks for, and five where it does not
    seconds    from the first attempt, after which no other begins
    first      the least wait; doubled with each attempt where no Retry-After came
    jitter     share of the wait that is added at most, so that clients do not return all at once
    """

    attempts: int | None = None
    seconds: float = 60.0
    first: float = 0.5
    jitter: float = 0.25

    def wait(self, error: FaceParsingError, *, attempt: int, begun: float) -> float:
        """Seconds until the next attempt, from the 1st on; raises `error` where there is to be none.

        `begun` is time.monotonic() at the first attempt.
        """
        again = isinstance(error, ConnectionFailed) or (isinstance(error, Problem) and error.status in AGAIN)
        asked = retry_after(error.retry_after) if isinstance(error, Problem) else None
        most = UNASKED if self.attempts is None and asked is None else self.attempts
        if not again or (most is not None and attempt >= most):
            raise error
        pause = self.first * 2 ** (attempt - 1) if asked is None else max(asked, self.first)
        pause += random.uniform(0, self.jitter) * pause  # noqa: S311  # nosec B311  # no secret
        if time.monotonic() - begun + pause > self.seconds:
            raise error
        return pause


def retry_after(header: str | None, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> float | None:
    """Seconds that the header asks for, by number or date; None if it is missing or says neither."""
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except (ValueError, OverflowError):  # the latter for a number beyond any calendar
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - now()).total_seconds())
