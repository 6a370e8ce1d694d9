"""A place for the test of processes that die; they import this module, so it needs no Django."""

import os
from dataclasses import dataclass

from segmentation_api.bulk.folder import Folder


@dataclass(frozen=True)
class Deadly(Folder):
    """A folder in which one photo ends the process that reads it, as a decoder's fault would."""

    def read(self, path: str, most: int) -> bytes:
        """The file's bytes; none of deadly.png."""
        if path == "deadly.png":
            os.abort()
        return super().read(path, most)
