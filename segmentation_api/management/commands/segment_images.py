"""Parse photos without a server, through the service function that the API uses."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from segmentation_api.errors import problem_of
from segmentation_api.renderers import RENDERERS, OutputRenderer, render
from segmentation_api.services import OUTPUTS, SegmentOptions, resolve, segment_image

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif"}


class Command(BaseCommand):
    """`manage.py segment_images SRC [DST]`"""

    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of the API."""
        parser.add_argument("src", type=Path, help="a photo, or a folder of photos (with its subfolders)")
        parser.add_argument(
            "dst", type=Path, nargs="?", default=Path("outputs/predict"), help="default: %(default)s"
        )
        parser.add_argument("--output", choices=OUTPUTS, default="mask")
        parser.add_argument("--faces", choices=("auto", "whole"), default="auto")
        parser.add_argument(
            "--classes", help="comma list of class names or ids; the others become background"
        )
        parser.add_argument("--alpha", type=float, default=0.6, help="of the overlay, 0 to 1")
        parser.add_argument("--model", help="default: the setting MODEL")

    def handle(self, *args: Any, **options: Any) -> None:
        """Go on after a photo that fails; exit with 1 if any did."""
        if not 0 <= options["alpha"] <= 1:
            raise CommandError("--alpha must be from 0 to 1")
        asked = SegmentOptions(
            output=options["output"],
            classes=tuple(options["classes"].split(",")) if options["classes"] else None,
            alpha=options["alpha"],
            faces=options["faces"],
            model=options["model"],
        )
        renderer = next(one for one in RENDERERS if one.output == options["output"])
        pairs = _pairs(options["src"], options["dst"], renderer.suffix)
        try:
            resolve(asked)
        except Exception as error:
            raise CommandError(str(error)) from None
        failed = self._segment_all(pairs, asked, renderer)
        self.stdout.write(f"{len(pairs) - failed} of {len(pairs)} written to {options['dst']}")
        if failed:
            sys.exit(1)

    def _segment_all(
        self, pairs: list[tuple[Path, Path]], asked: SegmentOptions, renderer: OutputRenderer
    ) -> int:
        """How many failed."""
        failed = 0
        start = time.monotonic()
        for done, (source, target) in enumerate(pairs, 1):
            try:
                _segment(source, target, asked, renderer)
            except Exception as error:
                if problem_of(error) is None and not isinstance(error, OSError):
                    raise
                failed += 1
                self.stderr.write(f"{source}: {error}")
            self._show_progress(done, len(pairs), time.monotonic() - start)
        return failed

    def _show_progress(self, done: int, total: int, seconds: float) -> None:
        """One line that is written over, on a terminal only."""
        if self.stderr.isatty():
            rate = done / max(seconds, 1e-9)
            line = f"\r{done}/{total}  {rate:.1f} images/s  {(total - done) / rate:.0f} s left "
            self.stderr.write(line, ending="\n" if done == total else "")


def _segment(source: Path, target: Path, asked: SegmentOptions, renderer: OutputRenderer) -> None:
    body, _ = render(segment_image(data=source.read_bytes(), options=asked), renderer)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(body)


def _pairs(src: Path, dst: Path, suffix: str) -> list[tuple[Path, Path]]:
    """Each photo with the file it is answered in. Raises CommandError where an answer would replace a photo."""
    if not src.exists():
        raise CommandError(f"{src}: there is no such file or folder")
    photos = sorted(_photos(src)) if src.is_dir() else [src]
    if not photos:
        raise CommandError(f"{src}: no photos in there ({', '.join(sorted(SUFFIXES))})")
    root = src if src.is_dir() else src.parent
    pairs: dict[Path, Path] = {}
    for photo in photos:
        target = (dst / photo.relative_to(root)).with_suffix(suffix)
        if target in pairs:  # a.jpg and a.png
            target = target.with_name(f"{photo.name}{suffix}")
        pairs[target] = photo
    sources = {photo.resolve() for photo in photos}
    if clash := next((target for target in pairs if target.resolve() in sources), None):
        raise CommandError(f"{clash} is one of the photos; choose another DST")
    return [(photo, target) for target, photo in pairs.items()]


def _photos(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
