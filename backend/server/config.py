"""gunicorn's settings: `gunicorn -c backend/server/config.py backend.wsgi`. Values come from backend.settings."""

import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")

from django.core.exceptions import ImproperlyConfigured

from backend.server import descriptors, memory

memory.use_one_heap()
try:
    from backend import settings
    from backend.settings import env
    from segmentation_api.startup import check_bind, check_model, run_dir

    run = run_dir()
    check_bind()
except ImproperlyConfigured as error:
    sys.exit(f"Cannot start: {error}")

bind = f"[{env.BIND}]:{env.PORT}" if ":" in env.BIND else f"{env.BIND}:{env.PORT}"
pidfile = str(run / "gunicorn.pid")
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # nosec B108

# Threads wait for slow clients and for a slot, of which there is one per core. With two processes or more, the service
# survives the death of one.
worker_class = "backend.server.worker.DeadlineWorker"
workers = env.WORKERS
threads = env.THREADS
worker_connections = descriptors.most_connections(threads)
backlog = 4096
keepalive = 15
timeout = 60
graceful_timeout = env.STOP_TIMEOUT

limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190
# A proxy's headers are believed as NUM_PROXIES and PROXY_SSL_HEADER say, nowhere else
forwarded_allow_ips = forwarder_headers = ""

SWITCH_SECONDS = 0.001
"""After which a thread lets another one run Python: of dozens, each waits its turn many times in a request."""

# Pillow warns of damaged photos: clients are told, and Python would remember each wording
warnings.filterwarnings("ignore", module=r"PIL\.")
logconfig_dict = settings.LOGGING
logger_class = "backend.server.worker.NoAccessLog"


def on_starting(server: Any) -> None:
    """In the master, before it listens: make what the workers share, and check the model."""
    import django

    django.setup()
    from django.urls import get_resolver

    from segmentation_api import shared_metrics, window_counts  # noqa: F401
    from segmentation_api.budgets import bytes_in_flight
    from segmentation_api.engine import engine
    from segmentation_api.slots import shared_slots

    megabytes = bytes_in_flight.count
    server.log.info("Workers: %d; slots: %d; bodies: %d MiB", workers, shared_slots.count, megabytes)
    _check(check_model, server)
    engine.sandbox.start()  # one for all workers; if it ends, each starts its own
    get_resolver().url_patterns  # noqa: B018  # imports the views, whose memory the workers share
    memory.settle()
    server.handle_hup = lambda: server.kill_workers(signal.SIGHUP)
    murder_workers = server.murder_workers

    def each_second() -> None:
        keep_pid_file(server)
        murder_workers()

    server.murder_workers = each_second


def when_ready(server: Any) -> None:
    """In the master, listening but without workers: who is let in depends on where it listens."""
    from segmentation_api.access import check_start, check_stores
    from segmentation_api.startup import declare_listeners

    names = [listener.sock.getsockname() for listener in server.LISTENERS]  # of a Unix socket a path
    declare_listeners([name[0] if isinstance(name, tuple) else str(name) for name in names])
    _check(check_stores, server)
    _check(check_start, server)
    server.log.info("API docs: http://%s/api/docs/", bind)


def pre_fork(server: Any, worker: Any) -> None:
    """In the master: which column of the metrics the worker writes."""
    from segmentation_api.shared_metrics import free_column

    worker.column = free_column({other.column for other in server.WORKERS.values()})


def post_fork(server: Any, worker: Any) -> None:
    """In the worker, before anything else."""
    from segmentation_api.shared_metrics import use_column

    use_column(worker.column)


def keep_pid_file(server: Any) -> None:
    """In the master: make RUN_DIR and its pid file anew if somebody cleaned them away; the service needs neither."""
    if server.pidfile is None or os.access(server.pidfile.fname, os.F_OK):
        return
    file = Path(server.pidfile.fname)
    try:
        run_dir()
        file.write_text(f"{os.getpid()}\n")
    except (ImproperlyConfigured, OSError):  # tried again in a second
        with suppress(OSError):
            file.unlink()


def post_worker_init(worker: Any) -> None:
    """In a worker, before it takes requests: load the models, and reload them on SIGHUP."""
    import cv2

    from segmentation_api.engine import engine

    sys.setswitchinterval(SWITCH_SECONDS)
    # Not one per core: OpenCV's idle threads spin, and other photos are computed meanwhile
    cv2.setNumThreads(settings.INFERENCE_THREADS)
    engine.models()
    engine.warm_up()
    memory.settle()
    memory.trim_regularly()
    worker.nr_conns = 0  # from now on the others leave connections to it

    def reload_models(*_: object) -> None:
        threading.Thread(target=engine.reload, name="reload-models", daemon=True).start()

    signal.signal(signal.SIGHUP, reload_models)


def worker_exit(server: Any, worker: Any) -> None:
    """In a worker whose requests are answered: end now, since taking the inference threads apart can hang."""
    if worker.booted and os.getpid() == worker.pid:
        if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
            from segmentation_api.tracing import flush

            flush()
        logging.shutdown()
        os._exit(0)


def child_exit(server: Any, worker: Any) -> None:
    """In the master: zero the gauges of a worker that has ended, and free what it held."""
    from backend.server.worker import NOT_THERE
    from segmentation_api.budgets import bytes_in_flight
    from segmentation_api.shared_metrics import end_column
    from segmentation_api.slots import shared_slots

    shared_slots.give_back_all_of(worker.pid)
    bytes_in_flight.give_back_all_of(worker.pid)
    end_column(worker.column)
    worker.nr_conns = NOT_THERE


def _check(check: Callable[[], None], server: Any) -> None:
    """Run a start check; if it fails, the master ends with one line."""
    from segmentation_api.database import close_connections

    try:
        check()
    except ImproperlyConfigured as error:
        server.log.error("Cannot start: %s", error)
        if server.pidfile is not None:
            server.pidfile.unlink()
        sys.exit(1)
    finally:
        close_connections()  # they must not cross the fork
