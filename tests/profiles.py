"""ICC profiles made for tests: version 2, of three curves and a matrix, or of a grey curve, or of a CMYK table."""

import struct

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]

BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
D50 = np.array([0.9642, 1, 0.8249])
D65 = (0.3127, 0.3290)
SRGB = (0.64, 0.33), (0.30, 0.60), (0.15, 0.06)
P3 = (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)
ADOBE = (0.64, 0.33), (0.21, 0.71), (0.15, 0.06)
PROPHOTO = (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)


def rgb_profile(
    primaries: tuple[Point, ...], curve: bytes, white: Point = D65, name: bytes = b"test"
) -> bytes:
    """Of these primaries and white (x, y), with one curve for all channels."""
    columns = np.stack([_xyz(point) for point in primaries], axis=1)
    to_xyz = columns * np.linalg.solve(columns, _xyz(white))
    scale = np.diag((BRADFORD @ D50) / (BRADFORD @ _xyz(white)))
    adapted = np.linalg.solve(BRADFORD, scale @ BRADFORD) @ to_xyz
    tags = {f"{channel}XYZ".encode(): _xyz_tag(adapted[:, at]) for at, channel in enumerate("rgb")}
    return _profile(
        b"RGB ", b"XYZ ", {**tags, **{f"{channel}TRC".encode(): curve for channel in "rgb"}}, name=name
    )


def grey_profile(curve: bytes) -> bytes:
    """Of one curve."""
    return _profile(b"GRAY", b"XYZ ", {b"kTRC": curve})


def cmyk_profile() -> bytes:
    """Inks of which each lets through one part less of red, green and blue light: a table of 2 ** 4 colours."""
    ink = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    light = (1 - 0.8 * ink[:, :3]) * (1 - 0.9 * ink[:, 3:])
    y = light.mean(axis=1)
    lab = np.stack(
        [y * 65280, 32768 + 8000 * (light[:, 0] - light[:, 1]), 32768 + 8000 * (light[:, 1] - light[:, 2])], 1
    )
    identity = np.array([0, 65535], ">u2").tobytes()
    table = b"mft2" + bytes(4) + bytes([4, 3, 2, 0])
    table += b"".join(_fixed(value) for value in np.eye(3).ravel()) + struct.pack(">HH", 2, 2)
    table += identity * 4 + lab.round().astype(">u2").tobytes() + identity * 3
    return _profile(b"CMYK", b"Lab ", {b"A2B0": table}, kind=b"prtr")


def gamma(exponent: float) -> bytes:
    """A curve."""
    return b"curv" + bytes(4) + struct.pack(">IHxx", 1, round(exponent * 256))


def sampled(curve: NDArray[np.float64]) -> bytes:
    """A curve by its values 0..1."""
    return (
        b"curv" + bytes(4) + struct.pack(">I", len(curve)) + (curve * 65535).round().astype(">u2").tobytes()
    )


def parametric(kind: int, *values: float) -> bytes:
    """A curve by its formula."""
    return b"para" + bytes(4) + struct.pack(">Hxx", kind) + b"".join(map(_fixed, values))


def _profile(
    space: bytes, connection: bytes, tags: dict[bytes, bytes], kind: bytes = b"mntr", name: bytes = b"test"
) -> bytes:
    description = b"desc" + bytes(4) + struct.pack(">I", len(name) + 1) + name + bytes(79)
    tags = {b"desc": description, b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": _xyz_tag(D50), **tags}
    start = 128 + 4 + 12 * len(tags)
    table, content = struct.pack(">I", len(tags)), b""
    for name, tag in tags.items():
        table += name + struct.pack(">II", start + len(content), len(tag))
        content += tag + bytes(-len(tag) % 4)
    head = struct.pack(">I4sI4s4s4s", start + len(content), b"lcms", 0x02100000, kind, space, connection)
    head += struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + b"acspAPPL" + bytes(24) + b"".join(map(_fixed, D50))
    return head.ljust(128, b"\0") + table + content


def _xyz(point: Point) -> NDArray[np.float64]:
    x, y = point
    return np.array([x / y, 1, (1 - x - y) / y])


def _xyz_tag(values: NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, values))


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(float(value) * 65536))


SRGB_CURVE = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
