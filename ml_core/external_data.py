"""Whether an ONNX file keeps weights in other files, which its own checksum does not cover.

Reads the wire format of Protocol Buffers by the field numbers of onnx.proto, since serving has no `onnx` package: of
each message only what may hold a tensor is looked into.
"""

import mmap
from collections.abc import Iterator
from pathlib import Path

EXTERNAL = {13, 14}
"""Of TensorProto: external_data, and data_location where it is not 0."""
INSIDE: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "tensor": {},
}
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


def has_external_data(path: Path) -> bool:
    """Whether any tensor of the model lies in another file. Raises ValueError for what is no ONNX file."""
    with path.open("rb") as file:
        if not path.stat().st_size:
            raise ValueError("empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            waiting = [("model", 0, len(data))]
            while waiting:
                message, start, end = waiting.pop()
                for field, kind, value, after in _fields(data, start, end):
                    if message == "tensor" and field in EXTERNAL and (kind == BYTES or value):
                        return True
                    if kind == BYTES and field in INSIDE[message]:
                        waiting.append((INSIDE[message][field], value, after))
    return False


def _fields(data: mmap.mmap, at: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Number, wire type, value (of BYTES: where they start) and end of each field of a message."""
    while at < end:
        tag, at = _varint(data, at, end)
        value, kind = at, tag & 7
        if kind == VARINT:
            value, at = _varint(data, at, end)
        elif kind == BYTES:
            size, value = _varint(data, at, end)
            at = value + size
        elif kind in (FIXED64, FIXED32):
            at += 8 if kind == FIXED64 else 4
        else:
            raise ValueError("not an ONNX file")
        if at > end:
            raise ValueError("cut short")
        yield tag >> 3, kind, value, at


def _varint(data: mmap.mmap, at: int, end: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
    raise ValueError("not an ONNX file")
