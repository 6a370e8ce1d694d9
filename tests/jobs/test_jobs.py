"""POST, GET and DELETE /api/jobs/, with a worker in this process."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.test import Client
from numpy.typing import NDArray

from segmentation_api.budgets import BytesInFlight
from segmentation_api.jobs import views
from tests.conftest import decode
from tests.jobs.conftest import only_job, run_tasks, zip_of

pytestmark = pytest.mark.django_db
Post = Callable[..., Any]


def unzipped(response: Any) -> zipfile.ZipFile:
    """The streamed zip."""
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert archive.testzip() is None
    return archive


def test_a_zip_becomes_a_zip_of_results_with_the_same_paths(
    client: Client, post: Post, face: NDArray[np.uint8]
) -> None:
    response = post()
    assert response.status_code == 202
    location, job = response["Location"], response.json()
    assert location == f"/api/jobs/{job['id']}/"
    assert (job["state"], job["progress"]) == ("queued", {"total": 3, "done": 0, "failed": 0})
    assert client.get(f"{location}result/").json()["type"] == "job_not_done"
    assert run_tasks() == 1
    job = client.get(location).json()
    assert (job["state"], job["progress"]) == ("done", {"total": 3, "done": 3, "failed": 1})
    assert job["result"] == f"{location}result/"
    result = client.get(job["result"])
    assert (result["Content-Type"], result["Cache-Control"]) == ("application/zip", "no-store")
    archive = unzipped(result)
    assert archive.namelist() == ["a.png", "sub/b.png", "manifest.jsonl"]
    made = datetime(*archive.getinfo("a.png").date_time, tzinfo=UTC)
    assert abs(datetime.now(UTC) - made) < timedelta(minutes=5)
    assert (decode(archive.read("sub/b.png")) == face).all()
    rows = [json.loads(line) for line in archive.read("manifest.jsonl").splitlines()]
    assert [row["path"] for row in rows] == ["a.png", "sub/b.png", "sub/broken.jpg"]
    assert [row["status"] for row in rows] == ["ok", "ok", "failed"]
    assert rows[2]["error"]["type"] == "unsupported_image"
    assert rows[0]["share"]["hair"] > 0


def test_a_form_several_outputs_and_options(client: Client, photos: dict[str, bytes]) -> None:
    archive = io.BytesIO(zip_of(photos))
    archive.name = "../../photos.zip"
    form = {"archive": archive, "output": "mask,json,overlay", "classes": "hair", "faces": "whole"}
    response = client.post("/api/jobs/", form)
    assert response.status_code == 202, response.content
    run_tasks()
    files = unzipped(client.get(f"{response['Location']}result/"))
    names = [f"{stem}.{end}" for stem in ("a", "sub/b") for end in ("mask.png", "json.json", "overlay.jpg")]
    assert files.namelist() == [*names, "manifest.jsonl"]
    assert set(np.unique(decode(files.read("a.mask.png")))) == {0, 10}, "hair alone"


def test_names_that_would_meet_keep_their_suffix(client: Client, post: Post, photo: bytes) -> None:
    job = post(zip_of({"a.png": photo, "a.jpg": photo, "a.jpg.png": photo, "b": photo}))["Location"]
    run_tasks()
    names = unzipped(client.get(f"{job}result/")).namelist()
    assert len(set(names)) == 5
    assert {"a.png.png", "b.png", "manifest.jsonl"} <= set(names)


@pytest.mark.parametrize(("output", "first"), [("mask", "a.jpg.png"), ("mask,json", "a.mask.png")])
def test_no_result_is_called_as_a_folder_of_others(
    client: Client, post: Post, photo: bytes, tmp_path: Path, output: str, first: str
) -> None:
    """Or the results could not be unpacked."""
    names = ["a.jpg", "a.png/b.png", "c.png", "c.jpg/d.png"]
    job = post(zip_of(dict.fromkeys(names, photo)), output=output)["Location"]
    run_tasks()
    with unzipped(client.get(f"{job}result/")) as archive:
        archive.extractall(tmp_path / "results")
        assert first in archive.namelist()
    found = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    assert len(found) == 1 + len(names) * len(output.split(","))


def test_what_is_left_in_archives_by_file_managers_is_no_photo(
    client: Client, post: Post, photo: bytes
) -> None:
    body = zip_of({"x/": b"", "x/a.png": photo, "__MACOSX/x/._a.png": b"1", "x/.DS_Store": b"1"})
    assert post(body).json()["progress"]["total"] == 1


@pytest.mark.parametrize(
    "name",
    ["at 10.00\u202fAM.png", "写真\u30001.png", "👨\u200d👧.png", "a\u00a0b.png", "1:1.png", "a b.png"],
)
def test_names_as_cameras_and_people_give_them_are_taken(post: Post, photo: bytes, name: str) -> None:
    assert post(zip_of({name: photo})).json()["progress"]["total"] == 1


def entry(name: str, body: bytes = b"x", **fields: Any) -> bytes:
    """A zip whose one entry has these fields."""
    target = io.BytesIO()
    info = zipfile.ZipInfo(name)
    for field, value in fields.items():
        setattr(info, field, value)
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr(info, body)
    return target.getvalue()


def encrypted() -> bytes:
    """A zip that says that its entry is."""
    body = bytearray(entry("a.png"))
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1
    return bytes(body)


def of_zip64() -> bytes:
    """A zip with a locator of the long directory, which would win over the short one."""
    body = entry("a.png")
    end = body.rindex(b"PK\x05\x06")
    return body[:end] + b"PK\x06\x07" + bytes(16) + body[end:]


REFUSED = {
    "link": (entry("a.png", external_attr=0o120777 << 16), 422, "archive_refused"),
    "device": (entry("a.png", external_attr=0o020666 << 16), 422, "archive_refused"),
    "up": (entry("../a.png"), 422, "archive_refused"),
    "up inside": (entry("a/../../b.png"), 422, "archive_refused"),
    "absolute": (entry("/etc/a.png"), 422, "archive_refused"),
    "backslash": (entry("a\\b.png"), 422, "archive_refused"),
    "drive": (entry("C:a.png"), 422, "archive_refused"),
    "control": (entry("a\nb.png"), 422, "archive_refused"),
    "another control": (entry("a\u0085b.png"), 422, "archive_refused"),
    "dot": (entry("./a.png"), 422, "archive_refused"),
    "long": (entry("a" * 600), 422, "archive_refused"),
    "lzma": (zip_of({"a.png": b"x"}, zipfile.ZIP_LZMA), 422, "archive_refused"),
    "bzip2": (zip_of({"a.png": b"x"}, zipfile.ZIP_BZIP2), 422, "archive_refused"),
    "encrypted": (encrypted(), 422, "archive_refused"),
    "zip64": (of_zip64(), 422, "archive_refused"),
    "empty zip": (zip_of({}), 422, "archive_refused"),
    "cut short": (zip_of({"a.png": b"x" * 100})[:-30], 422, "archive_refused"),
    "many": (zip_of({f"{index}.png": b"" for index in range(6)}), 413, "too_many_images"),
    "no zip": (b"no zip", 415, "unsupported_archive"),
    "nothing": (b"", 415, "unsupported_archive"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_an_archive_that_is_refused_leaves_nothing(
    post: Post, settings: Any, jobs_dir: Path, name: str
) -> None:
    settings.JOB_IMAGES = 5
    body, status, code = REFUSED[name]
    answer = post(body)
    assert (answer.status_code, answer.json()["type"]) == (status, code), answer.content
    assert answer["Content-Type"] == "application/problem+json"
    assert_nothing_is_left(jobs_dir)


def test_two_entries_of_one_name_are_refused(post: Post) -> None:
    body = bytearray(zip_of({"a.png": b"1", "b.png": b"2"})).replace(b"b.png", b"a.png")
    assert post(bytes(body)).json()["type"] == "archive_refused"


def test_a_directory_of_millions_is_refused_before_it_is_read(post: Post, settings: Any) -> None:
    settings.JOB_IMAGES = 1
    assert post(zip_of({f"{index:05}.png": b"" for index in range(30)})).json()["type"] == "too_many_images"


def test_an_entry_that_inflates_too_far_or_is_damaged_is_a_row(
    client: Client, post: Post, settings: Any, photo: bytes
) -> None:
    settings.MAX_UPLOAD_BYTES = 100_000
    body = bytearray(zip_of({"bomb.png": bytes(50_000_000), "cut.png": photo, "a.png": photo}))
    start = body.index(b"cut.png") + 7
    body[start : start + 40] = bytes(40)
    job = post(bytes(body))["Location"]
    run_tasks()
    rows = unzipped(client.get(f"{job}result/")).read("manifest.jsonl").splitlines()
    errors = [json.loads(row).get("error", {}).get("type") for row in rows]
    assert errors == ["upload_too_large", "broken_image", None]


@pytest.mark.parametrize("damage", ["a name that is none", "the beginning is missing"])
def test_a_zip_whose_entries_are_not_where_they_should_be_loses_those_alone(
    client: Client, post: Post, photo: bytes, damage: str
) -> None:
    body = bytearray(zip_of({"a.png": photo, "\xe9.png": photo, "z.png": photo}))
    if damage == "the beginning is missing":
        del body[:40]
        expected = ["broken_image", None, None]
    else:
        body[body.index("\xe9.png".encode())] = 0xFF
        expected = [None, "broken_image", None]
    job = post(bytes(body))["Location"]
    run_tasks()
    rows = unzipped(client.get(f"{job}result/")).read("manifest.jsonl").splitlines()
    assert [json.loads(row).get("error", {}).get("type") for row in rows] == expected


def test_an_upload_in_chunks_says_no_length(client: Client, photos: dict[str, bytes], settings: Any) -> None:
    body = zip_of(photos)

    def post_in_chunks() -> Any:
        as_served: dict[str, Any] = {
            "CONTENT_LENGTH": str(sys.maxsize),
            "HTTP_TRANSFER_ENCODING": "chunked",
            "wsgi.input": io.BytesIO(body),
        }
        return client.generic("POST", "/api/jobs/", content_type="application/zip", **as_served)

    answer = post_in_chunks()
    assert answer.status_code == 202
    assert only_job().bytes < 2 * len(body)
    settings.JOB_BYTES = len(body) - 1
    assert post_in_chunks().json()["type"] == "upload_too_large"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"output": "mask,movie"}, "output"),
        ({"output": ""}, "output"),
        ({"alpha": "2"}, "alpha"),
        ({"classes": "beard"}, "classes"),
        ({"model": "other"}, "model"),
        ({"beard": "1"}, "beard"),
        ({"callback": "https://evil.example/"}, "callback"),
        ({"source": "s3://bucket/photos"}, "source"),
    ],
)
def test_a_wrong_option_leaves_nothing(post: Post, jobs_dir: Path, query: dict[str, str], field: str) -> None:
    answer = post(**query)
    assert answer.status_code == 400, answer.content
    assert field in answer.json()["errors"]
    assert_nothing_is_left(jobs_dir)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"source": 5, "target": null}', "application/json", 400),
        (b'{"archive": "x"}', "application/json", 400),
        (b" " * 70_000, "application/json", 413),
        (b"<a/>", "text/xml", 415),
        (b"x", "multipart/form-data", 400),
        (b"x", "multipart/form-data; boundary=a", 400),
    ],
)
def test_a_wrong_body_leaves_nothing(post: Post, jobs_dir: Path, body: bytes, kind: str, status: int) -> None:
    answer = post(body, content_type=kind)
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), (
        answer.content
    )
    assert_nothing_is_left(jobs_dir)


FORM = b'--b\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n--b--\r\n'


@pytest.mark.parametrize(
    ("body", "kind", "headers", "status", "told"),
    [
        (FORM % (b"archive", b'; filename="x"', b"zip"), "multipart/form-data", {}, 400, "no boundary"),
        (
            FORM % (b"file", b'; filename="x"', b"zip"),
            "multipart/form-data; boundary=b",
            {},
            400,
            "`archive`",
        ),
        (FORM % (b"archive", b"", b"zip"), "multipart/form-data; boundary=b", {}, 400, "file name"),
        (FORM % (b"archive", b"", bytes(100_000)), "multipart/form-data; boundary=b", {}, 413, "file name"),
        (b"zip", "application/zip", {"Content-Encoding": "gzip"}, 415, "as it is"),
    ],
)
def test_a_wrong_upload_is_told_the_remedy(
    client: Client, jobs_dir: Path, body: bytes, kind: str, headers: dict[str, str], status: int, told: str
) -> None:
    answer = client.post("/api/jobs/", body, content_type=kind, headers=headers)
    assert answer.status_code == status
    assert told in answer.json()["detail"]
    assert_nothing_is_left(jobs_dir)


def test_a_form_of_countless_parts_is_refused(client: Client, jobs_dir: Path, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 5
    part = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'
    answer = client.post(
        "/api/jobs/", 6 * part + b"--b--\r\n", content_type="multipart/form-data; boundary=b"
    )
    assert (answer.status_code, answer.json()["type"]) == (400, "too_many_parts")
    assert_nothing_is_left(jobs_dir)


def test_a_zip_is_a_file_by_its_type_too(client: Client, photos: dict[str, bytes]) -> None:
    body = FORM % (b"archive", b"\r\nContent-Type: application/zip", zip_of(photos))
    answer = client.post("/api/jobs/?faces=whole", body, content_type="multipart/form-data; boundary=b")
    assert (answer.status_code, answer.json()["progress"]["total"]) == (202, 3)


def test_more_bytes_than_a_zip_may_have(client: Client, post: Post, settings: Any, jobs_dir: Path) -> None:
    settings.JOB_BYTES = 1024
    body = zip_of({"a.png": bytes(range(256)) * 300}, zipfile.ZIP_STORED)
    assert post(body).json()["type"] == "upload_too_large"
    form = {"archive": io.BytesIO(body[:50_000]), "output": "mask"}
    assert client.post("/api/jobs/", form).json()["type"] == "upload_too_large"
    assert_nothing_is_left(jobs_dir)


def assert_nothing_is_left(jobs_dir: Path) -> None:
    """No file and no row."""
    from django_tasks_db.models import DBTaskResult

    from segmentation_api.jobs.models import Job

    assert not Job.objects.exists()
    assert not DBTaskResult.objects.exists()
    assert not jobs_dir.exists() or not list(jobs_dir.rglob("*"))


def test_the_schema_has_each_parameter_of_a_path_once(client: Client) -> None:
    paths = json.loads(
        client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"}).content
    )["paths"]
    for path in ("/api/jobs/{id}/", "/api/jobs/{id}/result/"):
        for operation in paths[path].values():
            names = [one["name"] for one in operation["parameters"] if one["in"] == "path"]
            assert names == ["id"]
    assert {"202", "400", "413", "422", "429", "503", "507"} <= set(paths["/api/jobs/"]["post"]["responses"])


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}])
def test_pages_of_other_sites_neither_make_nor_remove_jobs(
    client: Client, post: Post, photos: dict[str, bytes], headers: dict[str, str], settings: Any
) -> None:
    location = post()["Location"]
    for answer in (
        client.post("/api/jobs/", zip_of(photos), content_type="application/zip", headers=headers),
        client.delete(location, headers=headers),
    ):
        assert (answer.status_code, answer.json()["type"]) == (403, "cross_site")
    assert client.get(location).json()["state"] == "queued"
    settings.CORS_ALLOWED_ORIGINS = ["https://evil.example"]
    if "Origin" in headers:
        assert client.delete(location, headers=headers).status_code == 204


def test_uploads_take_from_the_bytes_in_flight(
    client: Client, post: Post, jobs_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = BytesInFlight(views.IN_MEMORY)
    monkeypatch.setattr(views, "bytes_in_flight", budget)
    with budget.hold(1):
        answer = post()
    assert (answer.status_code, answer.json()["type"]) == (503, "too_busy")
    assert_nothing_is_left(jobs_dir)
    assert post().status_code == 202
    assert post().status_code == 202, "given back"
