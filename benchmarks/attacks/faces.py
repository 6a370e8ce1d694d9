"""Small photos that take long, and clients that do not wait for their answer."""

import io
import threading
import time

from PIL import Image

from benchmarks.attacks import Target, attack
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


def post(target: Target, clients: int, photo: bytes, *, wait: float) -> None:
    """So many clients send the photo again and again, and wait so many seconds for each answer."""
    head = f"POST /api/segment/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\nContent-Length: {len(photo)}"

    def work() -> None:
        while not target.over():
            try:
                with target.connect(timeout=wait) as connection:
                    connection.sendall(head.encode() + b"\r\n\r\n" + photo)
                    connection.recv(1)
            except OSError:
                time.sleep(0.05)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(clients)]
    for thread in threads:
        thread.start()
    while not target.over():
        time.sleep(0.2)


@attack("crowds")
def crowds(target: Target) -> None:
    """Six clients send a photo of 196 faces."""
    post(target, 6, crowd(1792, 14), wait=60)


@attack("gone-clients")
def gone_clients(target: Target) -> None:
    """Twelve clients send a photo of 196 faces and leave after half a second."""
    post(target, 12, crowd(1792, 14), wait=0.5)
