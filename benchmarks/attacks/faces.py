"""Small photos that take long, and clients that do not wait for their answer."""

import io
import time

from PIL import Image

from benchmarks.attacks import Target, attack
from benchmarks.attacks.bytes_in_flight import head
from benchmarks.photos import ROOT


def crowd(side: int, faces: int) -> bytes:
    """The sample's face `faces` x `faces` times in a square photo."""
    with Image.open(ROOT / "samples" / "astronaut.jpg") as sample:
        face = sample.convert("RGB").crop((149, 22, 303, 204)).resize((side // faces, side // faces))
    photo = Image.new("RGB", (side, side))
    for index in range(faces * faces):
        photo.paste(face, (index % faces * face.width, index // faces * face.height))
    target = io.BytesIO()
    photo.save(target, "JPEG", quality=75)
    return target.getvalue()


def post(
    target: Target, clients: int, body: bytes, *, wait: float, kind: str = "image/jpeg", path: str = ""
) -> None:
    """So many clients send it again and again, and wait so many seconds for the first byte of each answer."""

    def work(_: int) -> None:
        with target.connect(timeout=wait) as connection:
            connection.sendall(head(kind, len(body), path) + body)
            connection.recv(1)

    target.at_once(clients, work)


@attack("crowds")
def crowds(target: Target) -> None:
    """Six clients send a photo of 196 faces."""
    post(target, 6, crowd(1792, 14), wait=60)


@attack("gone-clients")
def gone_clients(target: Target) -> None:
    """Twelve clients send a photo of 196 faces and leave after half a second."""
    post(target, 12, crowd(1792, 14), wait=0.5)


@attack("large-crowds")
def large_crowds(target: Target) -> None:
    """Four clients send a photo of 49 megapixels with 400 faces, and ask for cut-outs of them all."""
    post(target, 4, crowd(7000, 20), wait=60, path="?output=cutout")


@attack("crowds-in-batches")
def crowds_in_batches(target: Target) -> None:
    """Six clients send batches of 32 photos of 196 faces; every other one leaves after two seconds."""
    part = b'--b\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n' + crowd(1792, 14)
    body = (part + b"\r\n") * 32 + b"--b--\r\n"
    kind = "multipart/form-data; boundary=b"

    def work(number: int) -> None:
        with target.connect(timeout=2 if number % 2 else 60) as connection:
            connection.sendall(head(kind, len(body), "batch/") + body)
            connection.recv(1)

    target.at_once(6, work)


@attack("slow-answers")
def slow_answers(target: Target) -> None:
    """120 clients ask for overlays of a noisy photo of nine megapixels, and take 5 kB/s of their 10 MB."""
    file = io.BytesIO()
    Image.effect_noise((3000, 3000), 90).convert("RGB").save(file, "JPEG", quality=50)
    photo = file.getvalue()

    def work(_: int) -> None:
        with target.connect(timeout=60) as connection:
            connection.sendall(head("image/jpeg", len(photo), "?output=overlay") + photo)
            while connection.recv(2500) and not target.over():
                time.sleep(0.5)

    target.at_once(120, work)
