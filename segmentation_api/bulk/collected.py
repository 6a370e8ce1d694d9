"""Outputs that make one file of all photos, for annotation tools: COCO and Label Studio.

Each photo's part is made where it is parsed and kept with its row; the file is written once at the end, photo by
photo, so that its size does not matter.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr  # nosec B406  # it writes an attribute and parses nothing

import numpy as np
from numpy.typing import NDArray

from ml_core.bundle import Bundle
from ml_core.outputs import OutputOptions
from ml_core.regions import Region, polygons, region_stats, rle
from ml_core.segmentation import Segmentation

Parts = Callable[[], Iterable[tuple[dict[str, Any], Any]]]
"""Each photo's row and its part, in order; may be gone through again."""
Address = Callable[[str], str]
"""What an annotation tool calls the photo of a path."""


@dataclass(frozen=True)
class Collected:
    """One file of all photos: `file` in DST unless DST is a file. `write` gets what `note` returned for each photo, and
    returns the names of the files that it made.
    """

    file: str
    note: Callable[[Segmentation, OutputOptions], Any]
    write: Callable[[Path, Bundle, Parts, Address], list[str]]


def coco_note(found: Segmentation, options: OutputOptions) -> list[dict[str, Any]]:
    """Annotations without their ids: each class of each face, which is in the attribute `face`.

    As exact run lengths, or as outlines where `polygons` says so.
    """
    return [
        {
            "category_id": region.id,
            "segmentation": polygons(mask) if options.polygons else rle(mask),
            "area": region.pixels,
            "bbox": list(region.box),
            "iscrowd": 0,
            "attributes": {"face": number},
        }
        for number, region, mask in _parts_of_faces(found)
    ]


def write_coco(file: Path, bundle: Bundle, parts: Parts, address: Address) -> list[str]:
    """COCO's instances: images, annotations, and a category for each class but the background."""
    with file.open("w", encoding="utf-8") as target:
        info = {"description": f"{bundle.name} {bundle.version}", "version": bundle.version}
        names = enumerate(bundle.labels.names)
        categories = [{"id": index, "name": name, "supercategory": "face"} for index, name in names if index]
        target.write(
            f'{{"info":{json.dumps(info)},"licenses":[],"categories":{json.dumps(categories)},"images":'
        )
        _write_list(target, _coco_images(parts))
        target.write(',"annotations":')
        _write_list(target, _coco_annotations(parts))
        target.write("}\n")
    return [file.name]


def label_studio_note(found: Segmentation, options: OutputOptions) -> list[dict[str, Any]]:
    """Regions of a prediction: a brush stroke for each class of each face, which its note names."""
    height, width = found.labels.shape
    names = found.bundle.labels.names
    return [
        {
            "id": f"{number}-{region.id}",
            "from_name": "part",
            "to_name": "image",
            "type": "brushlabels",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {"format": "rle", "rle": brush_rle(mask), "brushlabels": [names[region.id]]},
            "meta": {"text": [f"face {number}"]},
        }
        for number, region, mask in _parts_of_faces(found)
    ]


def write_label_studio(file: Path, bundle: Bundle, parts: Parts, address: Address) -> list[str]:
    """Tasks with predictions to import, and beside them the labelling interface that has the classes (.xml)."""
    version = f"{bundle.name}/{bundle.version}"
    with file.open("w", encoding="utf-8") as target:
        _write_list(
            target,
            (
                {
                    "data": {"image": address(row["path"])},
                    "predictions": [{"model_version": version, "result": regions}],
                }
                for row, regions in parts()
            ),
        )
    labels = "".join(
        f'    <Label value={quoteattr(name)} background="#{bytes(color).hex()}"/>\n'
        for name, color in list(zip(bundle.labels.names, bundle.labels.colors, strict=True))[1:]
    )
    interface = file.with_suffix(".xml")
    interface.write_text(
        '<View>\n  <Image name="image" value="$image" zoom="true"/>\n'
        f'  <BrushLabels name="part" toName="image">\n{labels}  </BrushLabels>\n</View>\n',
        encoding="utf-8",
    )
    return [file.name, interface.name]


COLLECTED = {
    "coco": Collected("coco.json", coco_note, write_coco),
    "label-studio": Collected("label-studio.json", label_studio_note, write_label_studio),
}


def local_files(path: str) -> str:
    """As Label Studio calls a photo of its LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT."""
    return f"/data/local-files/?d={quote(os.fsencode(path))}"


def brush_rle(mask: NDArray[np.bool_]) -> list[int]:
    """An (H, W) mask as Label Studio's brush has it: the bytes of run lengths of RGBA values, 255 where true.

    Bits: 32 of the number of values, 5 of a value's size less 1, four times 4 of a length's size less 1; then for each
    run 1 (it is a repeated value), 2 that choose the size, its length less 1, and the value.
    """
    values = mask.ravel()
    edges = np.flatnonzero(np.diff(values, prepend=~values[:1], append=~values[-1:]))
    bits = [f"{4 * values.size:032b}", f"{8 - 1:05b}", *(f"{size - 1:04b}" for size in (3, 4, 8, 16))]
    for start, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        value = "11111111" if values[start] else "00000000"
        left = 4 * (end - start)
        while left:
            length = min(left, 1 << 16)
            size, chosen = (3, "00") if length <= 8 else (8, "10") if length <= 256 else (16, "11")
            bits.append(f"1{chosen}{length - 1:0{size}b}{value}")
            left -= length
    text = "".join(bits)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))


def _parts_of_faces(found: Segmentation) -> Iterator[tuple[int, Region, NDArray[np.bool_]]]:
    """Face by face each class that it has but the background: the face's number, and the (H, W) mask."""
    for one in found.parsed:
        area, labels = found.own(one)
        for region in region_stats(labels, len(found.bundle.labels)):
            if region.id:
                x, y, width, height = region.box
                box = x + area[1].start, y + area[0].start, width, height
                mask = np.zeros(found.labels.shape, bool)
                mask[area] = labels == region.id
                yield one.number, Region(region.id, region.pixels, box), mask


def _coco_images(parts: Parts) -> Iterator[dict[str, Any]]:
    for number, (row, _) in enumerate(parts(), 1):
        yield {"id": number, "file_name": row["path"], "width": row["width"], "height": row["height"]}


def _coco_annotations(parts: Parts) -> Iterator[dict[str, Any]]:
    number = 0
    for image, (_, notes) in enumerate(parts(), 1):
        for note in notes:
            number += 1
            yield {"id": number, "image_id": image, **note}


def _write_list(target: IO[str], values: Iterable[Any]) -> None:
    """A JSON list, one value a line."""
    target.write("[")
    for number, value in enumerate(values):
        target.write(",\n" if number else "\n")
        json.dump(value, target, separators=(",", ":"))
    target.write("\n]")
