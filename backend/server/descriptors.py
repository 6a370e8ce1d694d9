"""How many connections a worker may have: each takes a file descriptor, and so do the files it reads."""

import resource

MOST_DESCRIPTORS = 1 << 20
MOST_CONNECTIONS = 4096
OF_A_WORKER, OF_A_THREAD = 128, 4
"""Descriptors for models, pipes and logs; for a thread's database, its file and the wait for its client."""


def most_connections(threads: int) -> int:
    """Raise the soft limit of descriptors to the hard one; the connections that a worker may have then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else hard
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    except (OSError, ValueError):  # the system has a lower limit of its own
        limit = soft
    return max(threads + 1, min(MOST_CONNECTIONS, limit - OF_A_WORKER - OF_A_THREAD * threads))
