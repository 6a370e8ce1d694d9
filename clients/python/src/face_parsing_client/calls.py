"""Each call as a request and how its answer is read; nothing here does I/O on the network."""

import io
import json
import os
import zipfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, TypedDict, TypeVar, cast
from urllib.parse import quote

import httpx

from face_parsing_client.errors import FaceParsingError
from face_parsing_client.photos import Photo, Upload
from face_parsing_client.schema import Answer, BatchEntry, Model, ModelDetail

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")
IMAGE, ZIP, JSON = "image/", "application/zip", "application/json"
ONNX = "application/octet-stream"
FILES = {IMAGE: "a picture", ZIP: "a zip", JSON: "JSON", ONNX: "a model"}
MEDIA_TYPES = {
    **dict.fromkeys(("mask", "labels", "overlay", "matte", "cutout", "instances"), IMAGE),
    "classes": ZIP,
    "json": JSON,
}
"""How the media type of each output begins; those of a newer service are not known."""


class Options(TypedDict, total=False):
    """Options of a parse, as docs/api.md explains them; left out, the service's default holds."""

    classes: str | Iterable[str | int]
    alpha: float
    face: int
    faces: Literal["auto", "whole"]
    model: str
    rle: bool
    polygons: bool
    inline: str | Iterable[str]


@dataclass(frozen=True)
class Output:
    """A picture or a zip.

    content      its bytes
    media_type   such as image/png
    model        name/version of the model that answered
    warnings     as docs/api.md lists them: no_face_found, image_damaged, faces_left_out
    request_id   finds the line in the service's log
    """

    content: bytes = field(repr=False)
    media_type: str
    model: str
    warnings: tuple[str, ...]
    request_id: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to a file."""
        Path(path).write_bytes(self.content)

    def array(self) -> "NDArray[np.uint8]":
        """The picture's pixels, uint8: class ids (H, W) of a mask or labels, else (H, W), (H, W, 3) or (H, W, 4).

        Needs numpy and Pillow: `pip install face-parsing-client[arrays]`.
        """
        try:
            import numpy as np
            from PIL import Image
        except ImportError as error:
            raise ImportError(
                "array() needs numpy and Pillow: install face-parsing-client[arrays]."
            ) from error
        with Image.open(io.BytesIO(self.content)) as picture:
            return np.array(picture, np.uint8)

    def files(self) -> dict[str, bytes]:
        """The files of a zip, by name."""
        with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}


@dataclass(frozen=True)
class Call(Generic[T]):
    """One request, which can be sent again, and the reader of its answer."""

    method: str
    path: str
    read: Callable[[httpx.Response], T]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    upload: Upload | None = None
    files: tuple[tuple[str, bytes], ...] = ()

    def parts(self, *, blocking: bool) -> dict[str, Any]:
        """The arguments of httpx's `stream` beside method and address, for one attempt."""
        parts: dict[str, Any] = {"params": self.query, "headers": dict(self.headers)}
        if self.upload is not None:
            parts["content"] = self.upload.chunks() if blocking else self.upload.async_chunks()
            parts["headers"] |= {
                "Content-Type": "application/octet-stream",
                "Content-Length": str(self.upload.size),
            }
        elif self.files:
            parts["files"] = [("images", (name, data)) for name, data in self.files]
        return parts


def picture(name: str, photo: Photo, options: Mapping[str, Any], *, media_type: str = "*/*") -> Call[Output]:
    """Any output of one photo, as its bytes."""
    query = {**query_of(options), "output": name}
    read = partial(output_of, expected=MEDIA_TYPES.get(name, ""))
    return Call("POST", "segment/", read, query, {"Accept": media_type}, Upload(photo))


def answer(photo: Photo, options: Mapping[str, Any]) -> Call[Answer]:
    """The data of one photo."""
    query = {**query_of(options), "output": "json"}
    return Call("POST", "segment/", lambda got: cast(Answer, json_of(got)), query, upload=Upload(photo))


def batch(name: str, photos: Iterable[Photo], options: Mapping[str, Any]) -> Call[Output]:
    """An output of each photo, in one zip."""
    query = {**query_of(options), "output": name}
    read = partial(output_of, expected=JSON if name == "json" else ZIP)
    return Call("POST", "segment/batch/", read, query, files=form_of(photos))


def batch_answers(photos: Iterable[Photo], options: Mapping[str, Any]) -> Call[list[BatchEntry]]:
    """The data of each photo, or its problem."""
    query = {**query_of(options), "output": "json"}
    files = form_of(photos)
    return Call(
        "POST", "segment/batch/", lambda got: cast(list[BatchEntry], json_of(got)), query, files=files
    )


def models() -> Call[list[Model]]:
    """The list of models."""
    return Call("GET", "models/", lambda got: cast(list[Model], json_of(got)))


def model(name: str) -> Call[ModelDetail]:
    """All of one model."""
    return Call("GET", f"models/{quote(name, safe='')}/", lambda got: cast(ModelDetail, json_of(got)))


def query_of(options: Mapping[str, Any]) -> dict[str, str]:
    """Options as query parameters: lists by commas, booleans in lower case, None left out."""
    return {name: _text(value) for name, value in options.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str) or not isinstance(value, Iterable):
        return str(value)
    return ",".join(str(one) for one in value)


def form_of(photos: Iterable[Photo]) -> tuple[tuple[str, bytes], ...]:
    """(file name, content) of each photo; a batch is small enough to be held."""
    if isinstance(photos, str | bytes | bytearray | memoryview | os.PathLike):
        raise TypeError("A batch is a list of photos, not one.")
    files = tuple((f"{index:03d}", b"".join(Upload(photo).chunks())) for index, photo in enumerate(photos))
    if not files:
        raise ValueError("A batch has at least one photo.")
    return files


def json_of(response: httpx.Response) -> Any:
    """The body; see `media_type_of` for one that is no JSON."""
    try:
        return response.json()
    except ValueError as error:
        raise _of_another_server(response, "JSON") from error


def media_type_of(response: httpx.Response, expected: str = "") -> str:
    """The body's, which begins as expected.

    Raises FaceParsingError for another one, or any text: the page of a proxy, or of a network that wants a login.
    """
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not media_type.startswith(expected) or media_type.startswith("text/"):
        raise _of_another_server(response, FILES.get(expected, "a file"))
    return str(media_type)


def output_of(response: httpx.Response, *, expected: str = "") -> Output:
    """The answer's body, with what its headers say."""
    headers = response.headers
    warnings = (word.strip() for word in headers.get("X-Warnings", "").split(","))
    return Output(
        content=response.content,
        media_type=media_type_of(response, expected),
        model=headers.get("X-Model", ""),
        warnings=tuple(word for word in warnings if word),
        request_id=headers.get("X-Request-Id", ""),
    )


def _of_another_server(response: httpx.Response, wanted: str) -> FaceParsingError:
    came = response.headers.get("Content-Type", "no media type")
    return FaceParsingError(
        f"{response.url} answered with {came}, not with {wanted}: is it a face-parsing service?"
    )
