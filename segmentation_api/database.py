"""The database's connections, and its errors in words."""

from django.db import DatabaseError, ProgrammingError, connection, connections


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


def lacks_tables(error: DatabaseError) -> bool:
    """Whether it says that `manage.py migrate` has not run yet: SQLite by an OperationalError."""
    return isinstance(error, ProgrammingError) or "no such table" in str(error)


def setting_and_reason(error: DatabaseError) -> str:
    """For the operator: the setting, and the first line of what the database says."""
    return f"DATABASE_URL: {str(error).partition(chr(10))[0]}"
