"""What SRC and DST mean: which photos, which results, under which names."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ml_core.outputs import FORMATS, Format
from segmentation_api.bulk.bucket import Bucket, is_object, split
from segmentation_api.bulk.collected import COLLECTED, Address, local_files
from segmentation_api.bulk.folder import Folder
from segmentation_api.bulk.places import NAMED, SCRATCH, Item, LeftOut, Place, named
from segmentation_api.bulk.work import BulkError

OUTPUTS = (*dict.fromkeys(written.name for written in FORMATS), *COLLECTED)
FILES = NAMED | {written.suffix for written in FORMATS}
"""Suffixes by which a DST that is not there is a file."""


@dataclass(frozen=True)
class Plan:
    """From where to where.

    photo      the one photo of SRC and its base, None where SRC is a folder or a prefix
    file       the name of the one file that DST is, None where it is a folder or a prefix
    endings    as in Work
    collected  as in Work
    """

    source: Place
    sink: Place
    photo: Item | None
    file: str | None
    endings: tuple[tuple[Format, str], ...]
    collected: tuple[str, ...]
    address: Address

    def items(self, left_out: LeftOut) -> Iterator[Item]:
        """All photos, as a stream. Raises BulkError where a result would be among the photos, and OSError."""
        if self.photo:
            yield self.photo
            return
        photos, results = self.source.address, self.sink.address
        own = {COLLECTED[name].file for name in self.collected}
        skip = results if results != photos and results.startswith(photos) else None
        for item in named(self.source.photos(left_out, skip)):
            if photos.startswith(results) and f"{results}{item.base}".startswith(photos):
                raise BulkError(f"{results}{item.base} would be among the photos; choose another DST")
            met = any(f"{item.base}{ending}" in own for _, ending in self.endings)
            yield item._replace(base=item.path) if met else item


def plan(src: str, dst: str, outputs: Sequence[str]) -> Plan:
    """Raises BulkError for what cannot be, before anything is written, and OSError where S3 cannot be asked."""
    for which, place in (("SRC", src), ("DST", dst)):
        if not place:  # a variable of the shell that is not set; not the folder one happens to be in
            raise BulkError(f"{which} is empty")
    if unknown := [name for name in outputs if name not in OUTPUTS]:
        raise BulkError(f"output: {unknown[0]!r} is not one of {', '.join(OUTPUTS)}")
    collected = tuple(name for name in outputs if name in COLLECTED)
    pictures = [name for name in outputs if name not in COLLECTED]
    source, path = _source(src)
    if _is_file(dst, path is not None or not pictures):
        if len(outputs) > 1:
            raise BulkError(
                f"{dst} is one file, and {', '.join(outputs)} are several; choose a folder as DST"
            )
        sink, name = _parent(dst)
        base, suffix = PurePosixPath(name).stem, PurePosixPath(name).suffix
        endings = tuple((_format(output, dst), suffix) for output in pictures)
        if collected and suffix.lower() != ".json":
            raise BulkError(f"{dst}: {collected[0]} is a .json file")
        file = name
    else:
        sink, file, base = _folder(dst), None, PurePosixPath(path).stem if path else ""
        formats = [next(one for one in FORMATS if one.name == output) for output in pictures]
        alone = len(formats) == 1
        endings = tuple(
            (one, one.suffix if alone else f".{one.name}".removesuffix(one.suffix) + one.suffix)
            for one in formats
        )
        if path:
            sink = replace(sink, scratch=f".{PurePosixPath(path).name}{SCRATCH}")
    photo = Item(path, base) if path else None
    if photo and any(sink.address + base + end == source.address + photo.path for _, end in endings):
        raise BulkError(f"{dst}: the result is one of the photos; choose another DST")
    if (not path or file is None) and endings and source.address == sink.address:
        raise BulkError(f"{dst}: a result could replace what is one of the photos; choose another DST")
    address = local_files if isinstance(source, Folder) else lambda path: source.address + path
    return Plan(source, sink, photo, file, endings, collected, address)


def _source(src: str) -> tuple[Folder | Bucket, str | None]:
    """The place, and the photo's path in it where SRC is one."""
    if src.startswith("s3://"):
        place, (bucket, key) = _bucket(src), split(src)
        if key and not key.endswith("/") and is_object(bucket, key):
            folder, _, name = key.rpartition("/")
            return Bucket(bucket, f"{folder}/" if folder else ""), name
        return place, None
    if Path(src).is_file():
        return Folder(str(Path(src).parent)), Path(src).name
    if not Path(src).is_dir():
        raise BulkError(f"{src}: there is no such file or folder")
    return Folder(src), None


def _is_file(dst: str, may_be: bool) -> bool:
    """Whether DST is a file: by what is there, else by its suffix."""
    if dst.endswith("/") or (not dst.startswith("s3://") and Path(dst).is_dir()):
        return False
    there = not dst.startswith("s3://") and Path(dst).exists()
    found = there or PurePosixPath(dst).suffix.lower() in FILES
    if found and not may_be:
        raise BulkError(f"{dst} is a file; the results of many photos need a folder as DST")
    return found


def _format(output: str, dst: str) -> Format:
    """The format of that output whose suffix DST has."""
    suffix = PurePosixPath(dst).suffix.lower().replace(".jpeg", ".jpg")
    formats = {one.suffix: one for one in FORMATS if one.name == output}
    if suffix not in formats:
        raise BulkError(f"{dst}: {output} is a {' or '.join(formats)} file")
    return formats[suffix]


def _parent(dst: str) -> tuple[Folder | Bucket, str]:
    """Where a file is to be, and its name there."""
    folder, _, name = dst.rpartition("/")
    place = (
        _bucket(folder)
        if dst.startswith("s3://")
        else Folder(folder or ("/" if dst.startswith("/") else "."))
    )
    return replace(place, scratch=f".{name}{SCRATCH}"), name


def _folder(dst: str) -> Folder | Bucket:
    return _bucket(dst) if dst.startswith("s3://") else Folder(dst)


def _bucket(url: str) -> Bucket:
    bucket, key = split(url)
    if not bucket:
        raise BulkError(f"{url}: an address is s3://bucket or s3://bucket/prefix")
    return Bucket(bucket, f"{key.strip('/')}/" if key.strip("/") else "")
