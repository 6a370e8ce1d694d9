"""The database's connections."""

from django.db import connection, connections


def give_back_connection() -> None:
    """Return this thread's connection to the pool of PostgreSQL connections, where there is one.

    Django would hold it to the end of the request, and so through a slow upload, the queue and the inference; and
    there are more threads than connections.
    """
    if connection.settings_dict["OPTIONS"].get("pool") and not connection.in_atomic_block:
        connection.close()


def close_connections() -> None:
    """All of this process, and their pool with its threads."""
    for one in connections.all(initialized_only=True):
        one.close()
        if close_pool := getattr(one, "close_pool", None):
            close_pool()
