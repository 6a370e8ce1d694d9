"""Bodies in chunks: how many small ones are read."""

from collections.abc import Iterator

import pytest
from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.unreader import IterUnreader

from backend.server.chunks import FREE_CHUNKS, LEAST_MEAN, ChunkedBody


def body(sizes: list[int], *, segment: int = 1460) -> ChunkedBody:
    """A body in chunks of these sizes, which comes in segments of the network."""
    sent = b"".join(b"%x\r\n%b\r\n" % (size, b"a" * size) for size in [*sizes, 0])

    def segments() -> Iterator[bytes]:
        for start in range(0, len(sent), segment):
            yield sent[start : start + segment]

    return ChunkedBody(Body(ChunkedReader(None, IterUnreader(segments()))))


@pytest.mark.parametrize(
    "sizes", [[1] * (FREE_CHUNKS - 1), [2 * LEAST_MEAN] * (2 * FREE_CHUNKS), [4 << 20], [40_000] * 60]
)
def test_chunks_of_a_fair_size_are_read_whole(sizes: list[int]) -> None:
    stream = body(sizes)
    assert sum(len(block) for block in iter(lambda: stream.read(1 << 20), b"")) == sum(sizes)


@pytest.mark.parametrize(
    "sizes", [[1] * (FREE_CHUNKS + 100), [LEAST_MEAN // 2] * (3 * FREE_CHUNKS), [1 << 20] + [1] * 20_000]
)
def test_many_small_chunks_end_the_body(sizes: list[int]) -> None:
    stream = body(sizes)
    with pytest.raises(OSError, match="chunk"):
        stream.read(sum(sizes))
