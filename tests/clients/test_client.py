"""The Python client against the live service, blocking and under asyncio."""

import asyncio
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from face_parsing_client import AsyncClient, Client, Output, Problem
from ml_core.outputs import FORMATS
from tests.conftest import Server, decode

Caller = Callable[..., Any]


@pytest.fixture(scope="module")
def live(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service with its own time limits."""
    running = Server(tmp_path_factory.mktemp("live"), models_dir)
    yield running.wait_until_ready()
    running.stop()


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest, live: Server) -> Caller:
    """Call a method of the client by name."""

    def blocking(name: str, *arguments: Any, **options: Any) -> Any:
        with Client(live.url) as client:
            return getattr(client, name)(*arguments, **options)

    async def awaited(name: str, *arguments: Any, **options: Any) -> Any:
        async with AsyncClient(f"{live.url}/") as client:
            return await getattr(client, name)(*arguments, **options)

    if request.param == "sync":
        return blocking
    return lambda *arguments, **options: asyncio.run(awaited(*arguments, **options))


def test_both_clients_have_the_same_methods_and_one_for_each_output() -> None:
    methods = {name for name in vars(Client) if not name.startswith("_")}
    assert methods == {name for name in vars(AsyncClient) if not name.startswith("_")}
    assert {one.name for one in FORMATS} <= methods


def test_pictures(ask: Caller, photo: bytes, face: NDArray[np.uint8]) -> None:
    for name in ("mask", "labels"):
        got = ask(name, photo, faces="whole")
        assert isinstance(got, Output)
        assert (got.media_type, got.model, got.warnings) == ("image/png", "tiny/1.0.0", ())
        assert got.request_id
        assert np.array_equal(got.array(), face)
    some = ask("labels", photo, faces="whole", classes=["hair", 1])
    assert set(np.unique(some.array())) == {0, 1, 10}
    assert ask("overlay", photo, faces="whole").media_type == "image/jpeg"
    plain = ask("overlay", photo, faces="whole", lossless=True, alpha=0)
    assert np.array_equal(plain.array(), decode(photo))
    assert ask("instances", photo, faces="whole").array().shape == face.shape
    assert ask("matte", photo, faces="whole", classes="skin").array().ndim == 2
    assert ask("cutout", photo, faces="whole", classes="skin").array().shape == (*face.shape, 4)
    assert np.array_equal(ask("output", "labels", photo, faces="whole").array(), face)


def test_zip_and_data(ask: Caller, photo: bytes, face: NDArray[np.uint8]) -> None:
    files = ask("classes", photo, faces="whole").files()
    rows = json.loads(files["classes.json"])
    assert [row["pixels"] for row in rows] == [int((face == row["id"]).sum()) for row in rows]
    assert all(np.array_equal(decode(files[row["file"]]) > 0, face == row["id"]) for row in rows)
    answer = ask("json", photo, faces="whole", rle=False, polygons=True, inline=("mask", "labels"))
    assert answer["image"] == {"width": 64, "height": 64}
    assert "rle" not in answer["classes"][0]
    assert answer["classes"][0]["polygons"]
    assert set(answer["inline"]) == {"mask", "labels"}


@pytest.mark.parametrize("kind", ["bytearray", "memoryview", "strided", "str", "path", "file", "pipe"])
def test_photos_of_all_kinds(
    ask: Caller, photo: bytes, face: NDArray[np.uint8], tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "photo"
    path.write_bytes(photo)
    file = io.BytesIO(b"before" + photo)
    file.seek(len(b"before"))
    pipe = io.BytesIO(photo)
    pipe.seekable = lambda: False  # type: ignore[method-assign]
    kinds: dict[str, Any] = {
        "bytearray": bytearray(photo),
        "memoryview": memoryview(photo),
        "strided": np.repeat(np.frombuffer(photo, np.uint8), 2).data[::2],
        "str": str(path),
        "path": path,
        "file": file,
        "pipe": pipe,
    }
    assert np.array_equal(ask("labels", kinds[kind], faces="whole").array(), face)
    assert not file.closed


def test_a_photo_of_many_chunks(ask: Caller, tmp_path: Path) -> None:
    pixels = np.random.default_rng(7).integers(0, 256, (640, 800, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "noise.png")
    assert (tmp_path / "noise.png").stat().st_size > 1_000_000
    for photo in (tmp_path / "noise.png", (tmp_path / "noise.png").read_bytes()):
        got = ask("overlay", photo, faces="whole", lossless=True, alpha=0)
        assert np.array_equal(got.array(), pixels)


def test_what_is_no_photo_is_not_sent(ask: Caller, tmp_path: Path) -> None:
    for wrong in (3, None, io.StringIO("text")):
        with pytest.raises(TypeError, match="bytes, a path or a binary file"):
            ask("mask", wrong)
    with pytest.raises(ValueError, match="empty"):
        ask("mask", b"")
    with pytest.raises(FileNotFoundError):
        ask("mask", tmp_path / "none.jpg")
    with pytest.raises(TypeError, match="a list of photos"):
        ask("batch", b"photo")


def test_batch(ask: Caller, photo: bytes, face: NDArray[np.uint8], tmp_path: Path) -> None:
    (tmp_path / "one.png").write_bytes(photo)
    files = ask("batch", [tmp_path / "one.png", b"no photo"], "labels", faces="whole").files()
    assert set(files) == {"000.png", "results.json"}
    assert np.array_equal(decode(files["000.png"]), face)
    first, second = ask("batch_json", iter([photo, b"no photo"]), faces="whole")
    assert first["result"]["image"]["width"] == 64
    assert second["problem"]["type"] == "unsupported_image"


def test_warnings(ask: Caller, photo: bytes) -> None:
    flat = io.BytesIO()
    Image.new("RGB", (64, 64), "grey").save(flat, "PNG")
    assert ask("mask", flat.getvalue()).warnings == ("no_face_found",)
    assert ask("json", flat.getvalue())["warnings"] == ["no_face_found"]


def test_models_and_their_file(ask: Caller, models_dir: Path, tmp_path: Path) -> None:
    [row] = ask("models")
    table = ask("model", row["name"])
    assert (row["name"], table["classes"][10]["name"]) == ("tiny", "hair")
    target = tmp_path / "model.onnx"
    assert ask("download_model", "tiny", target) is True
    assert target.read_bytes() == (models_dir / "tiny" / "model.onnx").read_bytes()
    assert hashlib.sha256(target.read_bytes()).hexdigest() == row["sha256"]
    assert ask("download_model", "tiny", target) is False
    target.write_bytes(b"old")
    assert ask("download_model", "tiny", str(target)) is True
    with pytest.raises(Problem) as caught:
        ask("download_model", "no/such", target)
    assert caught.value.status == 404
    assert [path.name for path in tmp_path.iterdir()] == ["model.onnx"]


def test_problems(ask: Caller, photo: bytes) -> None:
    with pytest.raises(Problem, match="alpha") as caught:
        ask("overlay", photo, alpha=2)
    problem = caught.value
    assert (problem.code, problem.status) == ("invalid_request", 400)
    assert list(problem.errors) == ["alpha"]
    assert problem.request_id in str(problem)
    with pytest.raises(Problem) as caught:
        ask("json", b"no photo")
    assert (caught.value.code, caught.value.status) == ("unsupported_image", 415)
    with pytest.raises(Problem) as caught:
        ask("mask", bytes(20_000_000))
    assert (caught.value.code, caught.value.status) == ("upload_too_large", 413)
    with pytest.raises(Problem) as caught:
        ask("output", "hologram", photo)
    assert list(caught.value.errors) == ["output"]
