"""Requests that are wrong, whatever image they bring: HTTP itself, multipart, JSON, options."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from tests.segmentation_api.corpus import BOUNDARY, FORM, Case, case, form, part, request
from tests.segmentation_api.corpus_images import encoded

PHOTO = encoded("png")
CLOSED = 0
HEAD = b"POST /api/segment/?faces=whole HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: image/png\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


def families() -> dict[str, list[Case]]:
    """By what is wrong."""
    return {
        "request lines and headers": list(heads()),
        "lengths": list(lengths()),
        "chunks": list(chunks()),
        "multipart": list(multipart()),
        "multipart without end": list(multipart_without_end()),
        "json": list(json_bodies()),
        "options": list(options()),
        "batch": list(batches()),
        "other sites": list(other_sites()),
    }


def heads() -> Iterator[Case]:
    """What comes before the body."""
    long = "x" * 8000
    yield case("huge header", 431, request(PHOTO, headers={"X": "x" * 100_000}))
    yield case("header of 8000 bytes", 200, request(PHOTO, headers={"X": long}))
    yield case("500 headers", 431, request(PHOTO, headers={f"X-{n}": "1" for n in range(500)}))
    yield case("uri of 100 KB", 414, request(PHOTO, query="faces=whole&x=" + "x" * 100_000))
    yield case("content type of 8000 bytes", 415, request(PHOTO, "image" + long))
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "a",
        "/",
        ";",
        "image",
        "multipart/mixed",
        "\xff",
    ):
        yield case(f"content type {kind!r}", 415, request(PHOTO, kind))
    kinds: tuple[str | None, ...] = (
        "image/anything",
        "IMAGE/PNG",
        "image/png; charset=utf-16",
        "application/octet-stream",
        None,
    )
    for declared in kinds:
        yield case(f"content type {declared!r} of an image", 200, request(PHOTO, declared))
    for name, value in {
        "X-Request-Id": "<script>" * 100,
        "Accept-Language": "\xff" * 100,
        "Accept-Encoding": "gzip;q=x",
        "Cookie": "sessionid=" + "x" * 4000,
        "Authorization": "Api-Key " + "\xe9" * 1000,
        "X-Forwarded-For": "::1, ' OR 1=1",
        "X-HTTP-Method-Override": "DELETE",
        "Range": "bytes=0-",
        "If-Match": '"x"',
    }.items():
        yield case(f"strange {name}", 200, request(PHOTO, headers={name: value}))
    yield case(
        "a million ranges in Accept", 200, request(PHOTO, headers={"Accept": "image/png," + "a/b," * 1900})
    )
    yield case("nothing acceptable", 406, request(PHOTO, headers={"Accept": "text/html;q=0.9, video/*"}))
    yield case("foreign host", 400, request(PHOTO).replace(b"localhost", b"evil.example", 1))
    yield case("host with a slash", 400, request(PHOTO).replace(b"localhost", b"local/../host", 1))
    hostless = request(PHOTO).replace(b"Host: localhost\r\n", b"", 1)
    yield case("no host", 400, hostless)
    yield case(
        "no host, with a form", 400, request(form(part(PHOTO)), FORM).replace(b"Host: localhost\r\n", b"", 1)
    )
    yield case("no host, HTTP/1.0", (200, 400), hostless.replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    yield case("two hosts", 400, request(PHOTO, headers={"Host": "localhost"}))
    for coding in (
        "gzip",
        "GZIP",
        "br",
        "deflate",
        "zstd",
        "aws-chunked",
        "gzip, identity",
        "x" * 1000,
        "\xff",
    ):
        yield case(
            f"Content-Encoding {coding[:20]!r}", 415, request(PHOTO, headers={"Content-Encoding": coding})
        )
    for coding in ("identity", "Identity", ""):
        yield case(f"Content-Encoding {coding!r}", 200, request(PHOTO, headers={"Content-Encoding": coding}))
    yield case("expects what nobody knows", 417, request(PHOTO, headers={"Expect": "a miracle"}))
    yield case("expects 100-continue", 200, request(PHOTO, headers={"Expect": "100-continue"}))
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"):
        yield case(f"method {method}", 405, request(PHOTO, method=method))
    # gunicorn's own verdicts: 405 is Django's for a method that is a token
    for line in (
        b"post / HTTP/1.1",
        b"PO ST / HTTP/1.1",
        b"POST /",
        b"POST / HTTP/9.9",
        b"\x16\x03\x01\x02\0\x01",
        b"PRI * HTTP/2.0",
    ):
        yield case(f"request line {line!r}", (400, 404, 405, 505), line + b"\r\nHost: localhost\r\n\r\n")
    for header in (b"X y: 1", b": 1", b"X: 1\r\n folded", b"X: \0", b"X", b"Transfer_Encoding: chunked"):
        yield case(
            f"header {header!r}",
            (200, 400, 411),
            HEAD + header + b"\r\nContent-Length: %d\r\n\r\n" % len(PHOTO) + PHOTO,
        )
    for path in (
        "/api/segment/../../etc/passwd",
        "/api/%2e%2e/",
        "/api/models/%00/",
        "//",
        "/api/segment/%",
    ):
        yield case(f"path {path!r}", 404, request(b"", None, path=path, query="", method="GET"))


def lengths() -> Iterator[Case]:
    """Content-Length and what really comes."""
    for value in (b"-1", b"abc", b"1e3", b"0x10", b"", b"1, 1", b"\xb2", b"9" * 40):
        allowed = (400, 413)
        yield case(
            f"Content-Length {value!r}", allowed, HEAD + b"Content-Length: " + value + b"\r\n\r\n" + PHOTO
        )
    two = b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n"
    yield case("two lengths", 400, HEAD + two + PHOTO)
    both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    yield case("length and chunks", 400, HEAD + both)
    for length in (30 << 20, 1 << 40, 10**18):
        yield case(f"{length} bytes announced", 413, request(b"x" * 10, length=length))
    yield case("less than announced", 408, request(PHOTO, length=len(PHOTO) + 100), half_close=True)
    yield case(
        "form, less than announced",
        408,
        request(form(part(PHOTO)), FORM, length=10**6),
        half_close=True,
    )
    yield case(
        "json, less than announced", 400, request(b"{}", "application/json", length=10**4), half_close=True
    )
    yield case("more than announced", (400, 422), request(PHOTO, length=len(PHOTO) // 2))
    yield case("no length", 400, HEAD + b"\r\n")


def chunks() -> Iterator[Case]:
    """Chunked bodies, malformed."""
    size = b"%x\r\n" % len(PHOTO)
    good = size + PHOTO + b"\r\n"
    yield case("chunked", 200, CHUNKED + good + b"0\r\n\r\n")
    yield case("chunk extensions", 200, CHUNKED + size.replace(b"\r", b";a=b\r") + PHOTO + b"\r\n0\r\n\r\n")
    yield case("trailers", 200, CHUNKED + good + b"0\r\nX-Trailer: 1\r\n\r\n")
    bad = {
        "size is no number": b"zz\r\n",
        "size is negative": b"-5\r\nhello\r\n0\r\n\r\n",
        "size with 0x": b"0x5\r\nhello\r\n0\r\n\r\n",
        "size with underscore": b"1_0\r\n" + bytes(16) + b"\r\n0\r\n\r\n",
        "no line end behind the data": b"5\r\nhelloX0\r\n\r\n",
        "size too small": b"2\r\n" + PHOTO + b"\r\n0\r\n\r\n",
        "empty line first": b"\r\n" + good + b"0\r\n\r\n",
    }
    for name, body in bad.items():
        yield case(f"chunks: {name}", 400, CHUNKED + body)
    for name, body in {"in a size": b"1f", "in the data": size + PHOTO[:40], "before the last": good}.items():
        yield case(f"chunks: broken off {name}", 400, CHUNKED + body, half_close=True)
    yield case("chunks: size of 60 digits", (400, 413), CHUNKED + b"f" * 60 + b"\r\nx", half_close=True)
    yield case("chunks: an endless size line", (400, 413), CHUNKED + b"0" * 200_000, half_close=True)
    yield case("chunks: 5000 of one byte", 415, CHUNKED + b"1\r\nx\r\n" * 5000 + b"0\r\n\r\n")
    yield case("chunks: 20,000 of one byte", 400, CHUNKED + b"1\r\nx\r\n" * 20_000 + b"0\r\n\r\n")
    for coding in (
        b"gzip",
        b"chunked, gzip",
        b"identity, chunked",
        b"xchunked",
        b"chunked\r\nTransfer-Encoding: chunked",
    ):
        head = HEAD + b"Transfer-Encoding: " + coding + b"\r\n\r\n"
        yield case(f"coding {coding!r}", (200, 400, 501), head + good + b"0\r\n\r\n")


def multipart() -> Iterator[Case]:
    """Forms that are not as they should be."""
    good = part(PHOTO)
    yield case("form", 200, request(form(good), FORM))
    for name in ("../../../etc/passwd", "C:\\x.png", "x" * 800, "\u202egnp.exe", "%00.png", "con", "..png"):
        yield case(f"file name {name[:20]!r}", 200, request(form(part(PHOTO, filename=name)), FORM))
    bad = {
        "no boundary stated": (form(good), "multipart/form-data"),
        "another boundary": (form(good), "multipart/form-data; boundary=other"),
        "boundary of 500": (form(good), "multipart/form-data; boundary=" + "b" * 500),
        "boundary not in ASCII": (form(good), "multipart/form-data; boundary=\xe9"),
        "only the end": (form(), FORM),
        "nothing": (b"", FORM),
        **{
            f"field {name!r}": (form(part(PHOTO, name)), FORM)
            for name in ("photo", "file", "image[]", "images", "")
        },
        "no boundary after a semicolon": (form(good), "multipart/form-data; boundary="),
        "image as text": (form(part(b"x", filename=None)), FORM),
        "empty image": (form(part(b"")), FORM),
        "two images": (form(good, good), FORM),
        "an option twice": (
            form(good, part(b"1", "alpha", filename=None), part(b"1", "alpha", filename=None)),
            FORM,
        ),
        "an unknown option": (form(good, part(b"1", "a", filename=None)), FORM),
        "an option as a file": (form(good, part(b"0.5", "alpha")), FORM),
        "an option not in UTF-8": (form(good, part(b"\xff\xfe", "alpha", filename=None)), FORM),
        "an option with a zero byte": (form(good, part(b"\0", "model", filename=None)), FORM),
        "no name": (form(good.replace(b' name="image";', b"")), FORM),
        "no headers": (b"--" + BOUNDARY.encode() + b"\r\n\r\n" + PHOTO + form(), FORM),
        "broken base64": (form(part(b"@@@", extra="Content-Transfer-Encoding: base64\r\n")), FORM),
    }
    for name, (body, kind) in bad.items():
        yield case(f"form: {name}", 400, request(body, kind))
    nameless = part(PHOTO, filename=None, extra="Content-Type: image/png\r\n")
    yield case("form: an image without a file name", 200, request(form(nameless), FORM))
    large = part(PHOTO + bytes(200_000), filename=None, extra="content-type: IMAGE/PNG; x=y\r\n")
    yield case("form: a large image without a file name", 200, request(form(large), FORM))
    inner = form(good).replace(b"--corpus", b"--inner")
    nested = form(part(inner, extra="Content-Type: multipart/mixed; boundary=inner\r\n"))
    yield case("form: a form in a form", (400, 415), request(nested, FORM))
    encoded_part = part(base64.b64encode(PHOTO), extra="Content-Transfer-Encoding: base64\r\n")
    yield case("form: in base64", 200, request(form(encoded_part), FORM))
    yield case("form: preamble and epilogue", 200, request(b"before\r\n" + form(good) + b"after", FORM))
    yield case(
        "form: 4000 bytes of part header",
        (200, 400),
        request(form(part(PHOTO, extra=f"X: {'x' * 4000}\r\n")), FORM),
    )
    yield case("form: charset of nonsense", 200, request(form(good), FORM + "; charset=nonsense"))


def multipart_without_end() -> Iterator[Case]:
    """Thousands of parts, and parts that break off."""
    few = (400, 413)
    yield case(
        "3000 fields", 400, request(form(*(part(b"1", f"f{n}", filename=None) for n in range(3000))), FORM)
    )
    yield case("3000 files", 400, request(form(*(part(b"1") for _ in range(3000))), FORM))
    yield case("3000 nameless parts", 400, request((b"--corpus\r\n\r\nx\r\n" * 3000) + form(), FORM))
    yield case("20,000 boundaries", 400, request(b"--corpus\r\n" * 20_000 + form(), FORM))
    yield case("a field of 1 MB", few, request(form(part(b"x" * (1 << 20), "model", filename=None)), FORM))
    yield case("a field name of 1 MB", few, request(form(part(b"x", "n" * (1 << 20), filename=None)), FORM))
    yield case("2000 headers in a part", few, request(form(part(PHOTO, extra="X: x\r\n" * 2000)), FORM))
    yield case("1 MB of dashes", few, request(b"-" * (1 << 20), FORM))
    yield case("1 MB of line ends", few, request(b"\r\n" * (1 << 19), FORM))
    whole = form(part(PHOTO))
    for place in (5, 20, 60, 100, len(whole) // 2):
        yield case(f"form cut at {place}", 400, request(whole[:place], FORM))
    yield case("form without its last boundary", 400, request(form(part(PHOTO), end=b""), FORM))


def json_bodies() -> Iterator[Case]:
    """JSON that is none, or brings what no image is."""
    text = base64.b64encode(PHOTO).decode()

    def post(body: Any, **extra: Any) -> bytes:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return request(raw, "application/json", **extra)

    yield case("json", 200, post({"image": text}))
    yield case(
        "json in lines", 200, post({"image": "\n".join(text[n : n + 76] for n in range(0, len(text), 76))})
    )
    yield case("json, data: URL", 200, post({"image": f"data:image/png;base64,{text}"}))
    for image in (
        *(
            "@@@",
            "abc",
            text[:-2] + "é",
            "data:,x",
            "data:image/png;base64",
            "data:" + "," * 1000,
            "\ud800",
            "\0",
        ),
        *("http://169.254.169.254/latest/meta-data/", "file:///etc/passwd", "//localhost/x", "/etc/passwd"),
        *(7, 1.5, True, None, [], {}, [text], {"url": "http://localhost"}, ""),
    ):
        # An address may be base64 by chance; then its bytes are no image. It is never fetched.
        yield case(f"json image {str(image)[:30]!a}", (400, 415), post({"image": image}))
    raw = {
        "nothing": b"",
        "a list": b"[]",
        "a string": b'"x"',
        "null": b"null",
        "not UTF-8": b'{"image": "\xff"}',
        "UTF-16": json.dumps({"image": "x"}).encode("utf-16"),
        "not closed": b'{"image": "',
        "100,000 brackets": b"[" * 100_000,
        "100,000 braces": b'{"a":' * 100_000,
        "1e999999": b'{"image": "", "alpha": 1e999999}',
        "NaN": b'{"image": NaN}',
        "a name twice": b'{"image": "a", "image": "b"}',
        "a name of a zero byte": b'{"\\u0000": 1}',
        "a lone surrogate as option": b'{"image": "", "\\ud800": "\\udfff"}',
    }
    for name, body in raw.items():
        yield case(f"json: {name}", 400, post(body))
    for name, body in {
        "a number of 100,000 digits": b'{"image": ' + b"9" * 100_000 + b"}",
        "10,000 options": json.dumps({f"n{n}": n for n in range(10_000)}).encode(),
        "a photo under another name": json.dumps({"photo": text * 2000}).encode(),
    }.items():
        yield case(f"json: {name}", 413, post(body))
    yield case("json, URL-safe", 200, post({"image": base64.urlsafe_b64encode(PHOTO).decode()}))
    lost = text.replace("+", " ", 1)
    yield case("json, a plus sign lost", 400, post({"image": lost}))
    yield case("json, a space more", 400, post({"image": f"{text[:40]} {text[40:]}"}))
    for name, value in {
        "alpha": "\ud800",
        "classes": [[]],
        "model": {},
        "inline": [None],
        "polygons": "\udfff",
    }.items():
        yield case(f"json option {name}", 400, post({"image": text, name: value}))


def options() -> Iterator[Case]:
    """Values out of range, repeated, unknown, or hostile."""
    wrong = {
        "output": ("video", "", "mask,json", "MASK", "\0", "../x", "mask%0d%0aX: y"),
        "alpha": ("1.0001", "-1e-9", "nan", "inf", "1e999", "", "x", "0x1", "1" * 5000),
        "faces": ("none", "", "1", "auto whole"),
        "model": ("other", "", "../tiny", "tiny/", "\0", "x" * 200, "tiny\ud7ff"),
        "classes": ("beard", ",", "hair,", "11", "-1", "1.0", "skin;hair", "0,,1", "\0", "💇"),
        "polygons": ("maybe", "", "2"),
        "inline": ("classes", "", ",", "mask,,overlay"),
        "image": ("x",),
        "': drop table": ("1",),
        "__proto__": ("1",),
        "\0": ("1",),
    }
    for name, values in wrong.items():
        for value in values:
            query = f"{quote(name)}={quote(value)}"
            yield case(f"{name}={value[:20]!a}", 400, request(PHOTO, query=query))
    for query in (
        "alpha=0.1&alpha=0.2",
        "&".join(f"q{n}=1" for n in range(900)),
        "%ff=%ff",
        "=",
        "alpha=%",
        "%",
    ):
        yield case(f"query {query[:20]!r}", 400, request(PHOTO, query=query))


def other_sites() -> Iterator[Case]:
    """Uploads that a page of another site makes a browser send."""
    plain = form(part(PHOTO)), FORM
    for path, (body, kind) in {
        "/api/segment/": (PHOTO, "image/png"),
        "/api/segment/?faces=auto": plain,
        "/api/segment/batch/": (form(part(PHOTO, "images")), FORM),
    }.items():
        for headers in (
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://localhost:81"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site", "Origin": "http://localhost"},
        ):
            name = f"{path} from {' '.join(headers.values())}"
            yield case(name, 403, request(body, kind, path=path, query="", headers=headers))
    for headers in (
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
    ):
        yield case(f"from {' '.join(headers.values())}", 200, request(PHOTO, headers=headers))


def batches() -> Iterator[Case]:
    """Several photos: one broken is an entry, too many or none is an error."""
    path = "/api/segment/batch/"
    images = [
        part(PHOTO, "images"),
        part(b"no image", "images"),
        part(PHOTO[:50], "images"),
        part(b"", "images"),
    ]
    yield case("batch with broken ones", 200, request(form(*images), FORM, path=path))
    yield case(
        "batch with broken ones, json", 200, request(form(*images), FORM, path=path, query="output=json")
    )
    yield case("batch of nothing", 400, request(form(), FORM, path=path))
    yield case("batch of 33", 400, request(form(*images[:1] * 33), FORM, path=path))
    yield case("batch of 500", 400, request(form(*images[1:2] * 500), FORM, path=path))
    yield case("batch of texts", 400, request(form(part(b"x", "images", filename=None)), FORM, path=path))
    yield case("batch of another field", 400, request(form(part(PHOTO)), FORM, path=path))
    yield case("batch that is no form", 415, request(PHOTO, path=path))
    yield case("batch of 80 MB by its header", 413, request(b"x", FORM, path=path, length=100 << 20))
    yield case("batch of an unknown model", 400, request(form(*images), FORM, path=path, query="model=x"))
