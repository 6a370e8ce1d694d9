"""`Client` and `AsyncClient`: the same methods, one for each use."""

import asyncio
import time
from collections.abc import Iterable
from typing import Any, Self, TypeVar, Unpack

import httpx

from face_parsing_client import calls, downloads
from face_parsing_client.calls import Call, Options, Output
from face_parsing_client.downloads import FilePath
from face_parsing_client.errors import ConnectionFailed, FaceParsingError, Problem
from face_parsing_client.photos import Photo
from face_parsing_client.retries import Retries
from face_parsing_client.schema import Answer, BatchEntry, Model, ModelDetail

T = TypeVar("T")
DEFAULT_URL = "http://localhost:8000"
DEFAULT_TIMEOUT = 60.0
DEFAULT_RETRIES = Retries()


def _base(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"The address begins with http:// or https://, not so {url!r}.")
    return f"{url.rstrip('/')}/api/"


def _headers(api_key: str | None) -> dict[str, str]:
    return {"Authorization": f"Api-Key {api_key}"} if api_key else {}


def _failed(error: httpx.RequestError, url: httpx.URL) -> FaceParsingError:
    kind = ConnectionFailed if isinstance(error, httpx.TransportError) else FaceParsingError
    if isinstance(error, httpx.LocalProtocolError):  # such as a file that changed as it was sent
        kind = FaceParsingError
    return kind(f"No answer from {url}: {str(error) or type(error).__name__}")


class Client:
    """The service at `url`; one for many calls and threads, closed by `with` or `close`.

    api_key     where the service asks for one
    timeout     seconds to connect, and between two pieces of data; or httpx.Timeout
    retries     how often and how long a call is tried again
    transport   httpx's, for proxies or certificates of your own

    Every method raises Problem for an error of the service, ConnectionFailed if no answer came.
    """

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout: float | httpx.Timeout = DEFAULT_TIMEOUT,
        retries: Retries = DEFAULT_RETRIES,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._retries = retries
        self._http = httpx.Client(
            base_url=_base(url), headers=_headers(api_key), timeout=timeout, transport=transport
        )

    def mask(self, photo: Photo, **options: Unpack[Options]) -> Output:
        """A palette PNG in the classes' colours; its pixels are class ids."""
        return self._send(calls.picture("mask", photo, options))

    def labels(self, photo: Photo, **options: Unpack[Options]) -> Output:
        """An 8-bit grey PNG of the class ids."""
        return self._send(calls.picture("labels", photo, options))

    def overlay(self, photo: Photo, *, lossless: bool = False, **options: Unpack[Options]) -> Output:
        """The photo with the class colours over it: a JPEG, or `lossless` a PNG."""
        kind = "image/png" if lossless else "image/jpeg"
        return self._send(calls.picture("overlay", photo, options, media_type=kind))

    def matte(self, photo: Photo, **options: Unpack[Options]) -> Output:
        """An 8-bit grey PNG: how much of each pixel belongs to `classes`."""
        return self._send(calls.picture("matte", photo, options))

    def cutout(self, photo: Photo, **options: Unpack[Options]) -> Output:
        """The photo's `classes` as an RGBA PNG, the rest transparent."""
        return self._send(calls.picture("cutout", photo, options))

    def instances(self, photo: Photo, **options: Unpack[Options]) -> Output:
        """An 8-bit grey PNG of face numbers from 1, 0 for none."""
        return self._send(calls.picture("instances", photo, options))

    def classes(self, photo: Photo, **options: Unpack[Options]) -> Output:
        """A zip of one 1-bit PNG a class, and classes.json; `files()` takes it apart."""
        return self._send(calls.picture("classes", photo, options))

    def output(self, name: str, photo: Photo, **options: Any) -> Output:
        """Any output by its name, with any options: for those of a service newer than this client."""
        return self._send(calls.picture(name, photo, options))

    def json(self, photo: Photo, **options: Unpack[Options]) -> Answer:
        """Everything that is known: faces, classes with their run lengths, warnings."""
        return self._send(calls.answer(photo, options))

    def batch(self, photos: Iterable[Photo], output: str = "mask", **options: Unpack[Options]) -> Output:
        """A zip of an output of each photo, by place, with results.json; a broken photo is an entry there."""
        return self._send(calls.batch(output, photos, options))

    def batch_json(self, photos: Iterable[Photo], **options: Unpack[Options]) -> list[BatchEntry]:
        """Of each photo its `result`, as `json` has it, or its `problem`."""
        return self._send(calls.batch_answers(photos, options))

    def models(self) -> list[Model]:
        """The models that are loaded."""
        return self._send(calls.models())

    def model(self, name: str) -> ModelDetail:
        """One model: class table, input size, metrics, licence."""
        return self._send(calls.model(name))

    def download_model(self, name: str, path: FilePath) -> bool:
        """Write a model's ONNX file to `path`, whole or not at all; False if it was there already."""
        with downloads.Download(name, path) as download:
            return self._send(download.call(), download)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _send(self, call: Call[T], download: downloads.Download | None = None) -> T:
        begun, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            try:
                return self._once(call, download)
            except FaceParsingError as error:
                time.sleep(self._retries.wait(error, attempt=attempt, begun=begun))

    def _once(self, call: Call[T], download: downloads.Download | None) -> T:
        try:
            with self._http.stream(call.method, call.path, **call.parts(blocking=True)) as response:
                if download is not None and response.is_success:
                    download.begin()
                    for chunk in response.iter_bytes():
                        download.write(chunk)
                else:
                    response.read()
                    _check(response)
                return call.read(response)
        except httpx.RequestError as error:
            raise _failed(error, self._http.base_url) from error


class AsyncClient:
    """`Client` for asyncio: the same arguments and methods, to be awaited; closed by `async with` or `close`."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout: float | httpx.Timeout = DEFAULT_TIMEOUT,
        retries: Retries = DEFAULT_RETRIES,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._retries = retries
        self._http = httpx.AsyncClient(
            base_url=_base(url), headers=_headers(api_key), timeout=timeout, transport=transport
        )

    async def mask(self, photo: Photo, **options: Unpack[Options]) -> Output:
        """See Client.mask."""
        return await self._send(calls.picture("mask", photo, options))

    async def labels(self, photo: Photo, **options: Unpack[Options]) -> Output:
        """See Client.labels."""
        return await self._send(calls.picture("labels", photo, options))

    async def overlay(self, photo: Photo, *, lossless: bool = False, **options: Unpack[Options]) -> Output:
        """See Client.overlay."""
        kind = "image/png" if lossless else "image/jpeg"
        return await self._send(calls.picture("overlay", photo, options, media_type=kind))

    async def matte(self, photo: Photo, **options: Unpack[Options]) -> Output:
        """See Client.matte."""
        return await self._send(calls.picture("matte", photo, options))

    async def cutout(self, photo: Photo, **options: Unpack[Options]) -> Output:
        """See Client.cutout."""
        return await self._send(calls.picture("cutout", photo, options))

    async def instances(self, photo: Photo, **options: Unpack[Options]) -> Output:
        """See Client.instances."""
        return await self._send(calls.picture("instances", photo, options))

    async def classes(self, photo: Photo, **options: Unpack[Options]) -> Output:
        """See Client.classes."""
        return await self._send(calls.picture("classes", photo, options))

    async def output(self, name: str, photo: Photo, **options: Any) -> Output:
        """See Client.output."""
        return await self._send(calls.picture(name, photo, options))

    async def json(self, photo: Photo, **options: Unpack[Options]) -> Answer:
        """See Client.json."""
        return await self._send(calls.answer(photo, options))

    async def batch(
        self, photos: Iterable[Photo], output: str = "mask", **options: Unpack[Options]
    ) -> Output:
        """See Client.batch."""
        return await self._send(calls.batch(output, photos, options))

    async def batch_json(self, photos: Iterable[Photo], **options: Unpack[Options]) -> list[BatchEntry]:
        """See Client.batch_json."""
        return await self._send(calls.batch_answers(photos, options))

    async def models(self) -> list[Model]:
        """See Client.models."""
        return await self._send(calls.models())

    async def model(self, name: str) -> ModelDetail:
        """See Client.model."""
        return await self._send(calls.model(name))

    async def download_model(self, name: str, path: FilePath) -> bool:
        """See Client.download_model."""
        with downloads.Download(name, path) as download:
            return await self._send(download.call(), download)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def _send(self, call: Call[T], download: downloads.Download | None = None) -> T:
        begun, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            try:
                return await self._once(call, download)
            except FaceParsingError as error:
                pause = self._retries.wait(error, attempt=attempt, begun=begun)
            await asyncio.sleep(pause)

    async def _once(self, call: Call[T], download: downloads.Download | None) -> T:
        try:
            async with self._http.stream(call.method, call.path, **call.parts(blocking=False)) as response:
                if download is not None and response.is_success:
                    download.begin()
                    async for chunk in response.aiter_bytes():
                        download.write(chunk)
                else:
                    await response.aread()
                    _check(response)
                return call.read(response)
        except httpx.RequestError as error:
            raise _failed(error, self._http.base_url) from error


def _check(response: httpx.Response) -> None:
    if not response.is_success and response.status_code != httpx.codes.NOT_MODIFIED:
        raise Problem.of(response)
