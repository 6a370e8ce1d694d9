"""Why an image cannot be used. `str()` of each is a sentence fit for the person who sent it.

ImageError
├── ImageTooLarge
├── UnsupportedImage
├── BrokenImage
├── TooComplex
└── DecodingStopped
"""


class ImageError(ValueError):
    """An image that cannot be used."""


class ImageTooLarge(ImageError):
    """More pixels than allowed, by the header."""


class UnsupportedImage(ImageError):
    """Not an image, or not of a format or pixel type that is read."""


class BrokenImage(ImageError):
    """The start of an image of a known format, but cut short or damaged."""


class TooComplex(ImageError):
    """A structure that no camera or editor writes and that would take far more work than its pixels."""


class DecodingStopped(ImageError):
    """Decoding took more time or memory than an image may take."""
