"""gunicorn's settings: `gunicorn -c backend/server/config.py backend.wsgi`. Values come from backend.settings."""

import ctypes
import gc
import logging
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backend.settings")

from django.core.exceptions import ImproperlyConfigured

# glibc: one heap for all threads, before there are any, and none of the large blocks of photos in it. With a heap each,
# what is free in one is of no use to the others; between large blocks of unlike sizes small ones stay behind; and
# memory grows for thousands of requests. Other C libraries have no such function.
M_ARENA_MAX, M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -8, -3, -1
libc = ctypes.CDLL(None)
if mallopt := getattr(libc, "mallopt", None):
    mallopt(M_ARENA_MAX, 1)
    mallopt(M_MMAP_THRESHOLD, 2**20)
    mallopt(M_TRIM_THRESHOLD, 2**24)

try:
    from backend import settings
    from segmentation_api.startup import check_bind, check_model, run_dir

    run = run_dir()
    check_bind()
except ImproperlyConfigured as error:
    sys.exit(f"Cannot start: {error}")

metrics_dir = run / "metrics"
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(metrics_dir)  # before prometheus_client is imported

bind = f"[{settings.BIND}]:{settings.PORT}" if ":" in settings.BIND else f"{settings.BIND}:{settings.PORT}"
pidfile = str(run / "gunicorn.pid")
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108  # nosec B108

# Threads wait for slow clients and for their turn; segmentation_api.admission lets as many compute as there
# are cores. More than one process, so that the death of one is not the death of the service.
worker_class = "backend.server.worker.DeadlineWorker"
workers = settings.WORKERS
threads = settings.THREADS
worker_connections = 1000
backlog = 512
keepalive = 15
timeout = 60
graceful_timeout = settings.STOP_TIMEOUT

limit_request_line = 8190
limit_request_fields = 64
limit_request_field_size = 8190
forwarded_allow_ips = ""  # what a proxy says is believed by NUM_PROXIES and PROXY_SSL_HEADER, nowhere else
forwarder_headers = ""

# What Pillow remarks on a damaged photo: the client is told, and Python would remember each wording for good
warnings.filterwarnings("ignore", module=r"PIL\.")
logconfig_dict = settings.LOGGING
logger_class = "backend.server.worker.NoAccessLog"


def on_starting(server: Any) -> None:
    """In the master, before it listens: old counters go, and the model must be there."""
    import django

    metrics_dir.mkdir(mode=0o700, exist_ok=True)
    for old in metrics_dir.glob("*.db"):
        old.unlink()
    django.setup()
    _or_stop(check_model, server)
    server.handle_hup = lambda: server.kill_workers(signal.SIGHUP)


def when_ready(server: Any) -> None:
    """In the master, listening but before any worker: who may come in depends on where it listens."""
    from segmentation_api.access import check_start, check_stores
    from segmentation_api.startup import declare_listeners, listening_host

    declare_listeners([listening_host(listener.sock) for listener in server.LISTENERS])
    _or_stop(check_stores, server)
    _or_stop(check_start, server)
    server.log.info("API docs: http://%s/api/docs/", bind)


def post_worker_init(worker: Any) -> None:
    """In a worker, before it takes requests: load the models, and reload them on SIGHUP."""
    import threading

    import cv2

    from segmentation_api.engine import engine

    # As many as work on an image, not one a core: OpenCV's threads ask for work in a loop, while others have some
    cv2.setNumThreads(settings.INFERENCE_THREADS)
    engine.models()
    engine.warm_up()
    # What is here now stays: left among what the collector looks through, it would put off the next full collection
    # until a quarter as much were garbage
    gc.freeze()
    gc.collect()
    if hasattr(libc, "malloc_trim"):
        threading.Thread(target=_trim_heap, name="trim-heap", daemon=True).start()

    def reload_models(*_: object) -> None:
        threading.Thread(target=engine.reload, name="reload-models", daemon=True).start()

    signal.signal(signal.SIGHUP, reload_models)


def worker_exit(server: Any, worker: Any) -> None:
    """In a worker whose requests are answered: end now. Taking the inference threads apart can hang for good."""
    if worker.booted and os.getpid() == worker.pid:
        if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
            from segmentation_api.tracing import flush

            flush()
        logging.shutdown()
        os._exit(0)


def child_exit(server: Any, worker: Any) -> None:
    """A worker is gone: its share of the gauges goes with it."""
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)


def _trim_heap() -> None:
    """Give back, again and again, what lies free between the small blocks of the heap."""
    while True:
        time.sleep(10)
        libc.malloc_trim(0)


def _or_stop(check: Callable[[], None], server: Any) -> None:
    """Run a start check; what it finds ends the master with one line."""
    from django.db import connections

    try:
        check()
    except ImproperlyConfigured as error:
        server.log.error("Cannot start: %s", error)
        if server.pidfile is not None:
            server.pidfile.unlink()
        sys.exit(1)
    finally:
        connections.close_all()  # a connection must not cross the fork
