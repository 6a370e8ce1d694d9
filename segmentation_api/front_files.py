"""Large files that the front sends, from the folder FRONT_FILES that it shares with the service (docker/Caddyfile).

The service decides who gets a file and with which headers; its answer has no body, and names the file by the checksum
of its content, so that services of several versions can share the folder.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from tempfile import NamedTemporaryFile

import structlog
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from ml_core.bundle import sha256_of

logger = structlog.get_logger(__name__)

HEADER = "X-Accel-Redirect"
LEAST = 1 << 20
"""Bytes of a file that is handed over."""
BLOCK = 1 << 20


def middleware(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Around WhiteNoise's, where FRONT_FILES is set."""

    def hand_over_files(request: HttpRequest) -> HttpResponseBase:
        request.META.pop("HTTP_RANGE", None)  # the front sends the part
        response = get_response(request)
        file = getattr(response, "file_to_stream", None)
        if file is None or int(response.get("Content-Length", "0")) < LEAST:
            return response
        path = Path(file.name)
        changed = path.stat().st_mtime_ns
        return handed_over(response, _digest(path, changed), lambda: _blocks(path), changed=changed)

    return hand_over_files


def handed_over(
    response: HttpResponseBase, digest: str, blocks: Callable[[], Iterable[bytes]], *, changed: int = 0
) -> HttpResponseBase:
    """The answer without its body, which is put into FRONT_FILES unless it is there; as it is where that fails.

    digest   SHA-256 of the body, in hexadecimal
    changed  when the file was last changed, in nanoseconds since 1970
    """
    file = Path(settings.FRONT_FILES or "", digest)
    if not os.access(file, os.R_OK):
        try:
            _write(file, blocks(), changed)
        except OSError as error:
            logger.error("front_files_failed", reason=error.strerror)
            return response
    handed = HttpResponse(status=response.status_code, headers=response.headers)
    handed["Content-Length"] = "0"
    handed[HEADER] = f"/{digest}"
    response.close()
    return handed


def _write(file: Path, blocks: Iterable[bytes], changed: int) -> None:
    draft = NamedTemporaryFile(dir=file.parent, delete=False)  # noqa: SIM115  # renamed, not removed
    try:
        with draft:
            draft.writelines(blocks)
        os.utime(draft.name, ns=(changed, changed))
        Path(draft.name).chmod(0o644)  # the front is another user
        Path(draft.name).replace(file)
    except OSError:
        with suppress(OSError):
            Path(draft.name).unlink()
        raise


@lru_cache(maxsize=256)
def _digest(path: Path, changed: int) -> str:
    return sha256_of(path)


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            yield block
