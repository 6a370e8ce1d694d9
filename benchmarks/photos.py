"""The photos every contender gets: the sample and drawn faces. Never a research photograph."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from training.synthetic import draw_face

ROOT = Path(__file__).resolve().parent.parent
BOUNDARY = "benchmark"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"


def photos(side: int = 512, drawn: int = 7) -> list[bytes]:
    """The sample, which is 512 x 512, and `drawn` faces of that side, all JPEG."""
    return [
        (ROOT / "samples" / "astronaut.jpg").read_bytes(),
        *(drawn_jpeg(side, seed) for seed in range(drawn)),
    ]


def drawn_jpeg(side: int, seed: int) -> bytes:
    """One drawn face."""
    return as_jpeg(drawn_face(side, seed))


def drawn_face(side: int, seed: int) -> Image.Image:
    """One drawn face, not encoded."""
    image, _ = draw_face(side, np.random.default_rng(seed))
    return Image.fromarray(image)


def as_jpeg(image: Image.Image) -> bytes:
    """As cameras and phones save it."""
    target = io.BytesIO()
    image.save(target, "JPEG", quality=92)
    return target.getvalue()


def form(photo: bytes, field: str = "image") -> bytes:
    """The photo as a multipart body: what all contenders can read."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="photo.jpg"\r\n'
    return f"{head}Content-Type: image/jpeg\r\n\r\n".encode() + photo + f"\r\n--{BOUNDARY}--\r\n".encode()
