"""What must be true before the service answers anybody: checked once, where it starts."""

import ipaddress
import os
import socket
import stat
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

LOOPBACK_VARIABLE = "_FACE_PARSING_ON_LOOPBACK"
"""How the server's process tells its workers that it listens on loopback addresses only; no setting."""


def on_loopback() -> bool:
    """Whether the server is known to listen on loopback only. Unknown means no."""
    return os.environ.get(LOOPBACK_VARIABLE) == "true"


def declare_listeners(addresses: list[str]) -> None:
    """Tell this process and its workers the hosts it listens on; anything but an IP counts as not loopback."""
    os.environ[LOOPBACK_VARIABLE] = "true" if addresses and all(map(_is_loopback, addresses)) else "false"


def listening_host(listener: socket.socket) -> str:
    """The address a listening socket is bound to; of a Unix socket its path."""
    name = listener.getsockname()
    return str(name[0]) if isinstance(name, tuple) else str(name)


def check_start() -> None:
    """Raises ImproperlyConfigured where the service must not start; its message names the setting."""
    from segmentation_api.access import keys_made

    if not (settings.API_PUBLIC or on_loopback() or keys_made()):
        raise ImproperlyConfigured(
            "API_PUBLIC: the service would be open to other machines. Make a key (manage.py create_api_key NAME), "
            "or set API_PUBLIC=true to let everybody in, or bind to 127.0.0.1 with docker/gunicorn.conf.py"
        )


def check_model() -> None:
    """Raises ImproperlyConfigured if the default model is not there or damaged."""
    from ml_core.bundle import Bundle, BundleError
    from ml_core.runtime import ProviderUnavailable, check_providers
    from segmentation_api.model_store import bundle_folders

    try:
        check_providers(settings.PROVIDERS)
    except ProviderUnavailable as error:
        raise ImproperlyConfigured(f"PROVIDERS: {error}") from None
    folders = bundle_folders()
    if settings.MODEL not in folders:
        there = ", ".join(folders) or "none"
        raise ImproperlyConfigured(
            f"MODEL: no bundle {settings.MODEL!r} in {settings.MODELS_DIR} (there: {there})"
        )
    try:
        Bundle.load(folders[settings.MODEL])
    except BundleError as error:
        raise ImproperlyConfigured(f"MODEL: {error}") from None


def run_dir() -> Path:
    """RUN_DIR, made for this user alone: pid file, locks, counters, metrics. Never anything of an upload."""
    folder: Path = settings.RUN_DIR
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ImproperlyConfigured(
            f"RUN_DIR: {folder} must be a folder that only its owner, this user, may enter"
        )
    return folder


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
