"""Find the faces of a photo, and say how each is cut out.

A finder is a class of `protocol.FaceFinder` in a file of its own; `default_finder` says which one serves.
"""

from functools import cache

from ml_core.faces.alignment import alignment
from ml_core.faces.centerface import CenterFace
from ml_core.faces.protocol import LANDMARKS, Face, FaceFinder

__all__ = ["LANDMARKS", "Face", "FaceFinder", "alignment", "default_finder"]


@cache
def default_finder(*, threads: int = 1) -> FaceFinder:
    """The default finder, cached per process; `threads` compute one inference (0: one per core)."""
    return CenterFace(threads=threads)
