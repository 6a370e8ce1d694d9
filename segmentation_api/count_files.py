"""The throttles' counts as files, where there is no Redis: all that CACHES is used for."""

import time
from pathlib import Path
from typing import ClassVar

from django.core.cache.backends.filebased import FileBasedCache


class CountFiles(FileBasedCache):
    """Django's cache in files, but that each goes when its time is over, and no other does.

    Django's own lets go of a third of all at random once there are 300, and with them of counts that still run;
    and it keeps one that is over for as long as nobody asks for it.
    """

    MOST = 100_000
    SWEEP_SECONDS = 60.0
    _swept: ClassVar[float] = float("-inf")

    def __init__(self, dir: str, params: dict[str, object]) -> None:
        super().__init__(dir, {**params, "max_entries": self.MOST})

    def _cull(self) -> None:
        """Called before each write; the caller holds the throttles' lock."""
        if time.monotonic() < CountFiles._swept + self.SWEEP_SECONDS:
            return
        CountFiles._swept = time.monotonic()
        for name in self._list_cache_files():  # type: ignore[attr-defined]  # django-stubs knows what is public
            with Path(name).open("rb") as file:
                self._is_expired(file)  # type: ignore[attr-defined]  # which deletes it
        super()._cull()  # type: ignore[misc]
