"""What is checked once, where the service starts."""

import ipaddress
import os
import socket
import stat
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_on_loopback = False


def on_loopback() -> bool:
    """Whether the server is known to listen on loopback only."""
    return _on_loopback


def declare_listeners(hosts: Sequence[str]) -> None:
    """Say where this process, and those it forks, listen; only IP addresses and localhost can be loopback."""
    global _on_loopback
    _on_loopback = bool(hosts) and all(map(is_loopback, hosts))


def check_bind() -> None:
    """Raises ImproperlyConfigured if BIND is no address of this machine."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(settings.BIND, 0, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.bind(address)
    except (OSError, UnicodeError) as error:
        raise ImproperlyConfigured(f"BIND: cannot listen at {settings.BIND!r}: {error}") from None


def check_model() -> None:
    """Raises ImproperlyConfigured if the default model is missing or damaged."""
    from ml_core.bundle import Bundle, BundleError
    from ml_core.runtime import ProviderUnavailable, check_providers
    from segmentation_api.model_store import bundle_folders

    try:
        check_providers(settings.PROVIDERS)
    except ProviderUnavailable as error:
        raise ImproperlyConfigured(f"PROVIDERS: {error}") from None
    folders = bundle_folders()
    if settings.MODEL not in folders:
        where = f"{settings.MODELS_DIR} (there: {', '.join(folders) or 'none'})"
        raise ImproperlyConfigured(f"MODEL: no bundle {settings.MODEL!r} in {where}")
    try:
        Bundle.load(folders[settings.MODEL])
    except BundleError as error:
        raise ImproperlyConfigured(f"MODEL: {error}") from None


def run_dir() -> Path:
    """RUN_DIR, made if missing, for this user alone: pid file, counters, metrics; never anything of an upload.

    Raises ImproperlyConfigured if it cannot be made or others may enter it.
    """
    folder: Path = settings.RUN_DIR
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"RUN_DIR: {folder} cannot be made: {error.strerror}") from None
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ImproperlyConfigured(f"RUN_DIR: {folder} must be a folder that this user alone may enter")
    return folder


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine alone; of names only localhost is."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host == "localhost"
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
