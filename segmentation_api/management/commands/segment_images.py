"""Parse photos without a server, through the service function that the API uses."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rest_framework.fields import BooleanField, ChoiceField, empty

from segmentation_api.errors import problem_of
from segmentation_api.renderers import RENDERERS, OutputRenderer, render
from segmentation_api.serializers import OptionsSerializer
from segmentation_api.services import SegmentOptions, resolve, segment_image

OPTIONS = OptionsSerializer()
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
        for name, field in OPTIONS.fields.items():
            how: dict[str, Any] = {"help": field.help_text}
            if isinstance(field, BooleanField):
                how["action"] = "store_true"
            elif field.default is not empty:
                how |= {"default": field.default, "help": f"{field.help_text} Default: %(default)s."}
            if isinstance(field, ChoiceField):
                how["choices"] = list(field.choices)
            parser.add_argument(f"--{name}", **how)
        parser.set_defaults(output="mask")

    def handle(self, *args: Any, **options: Any) -> None:
        """Go on after a photo that fails; exit with 1 if any did."""
        given = {name: [options[name]] for name, _ in OPTIONS.fields.items() if options[name] is not None}
        try:
            asked = SegmentOptions(**OPTIONS.run_validation(given))
            resolve(asked)
        except Exception as error:
            problem = problem_of(error)
            raise CommandError(problem.detail if problem else str(error)) from None
        renderer = next(one for one in RENDERERS if one.output == asked.output)
        pairs = _pairs(options["src"], options["dst"], renderer.suffix)
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
                body, _ = render(segment_image(data=source.read_bytes(), options=asked), asked, renderer)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(body)
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


def _pairs(src: Path, dst: Path, suffix: str) -> list[tuple[Path, Path]]:
    """Each photo with the file it is answered in. Raises CommandError where an answer would replace a photo."""
    if not src.exists():
        raise CommandError(f"{src}: there is no such file or folder")
    root, photos = src.parent, [src]
    if src.is_dir():
        root = src
        photos = sorted(path for path in src.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    if not photos:
        raise CommandError(f"{src}: no photos in there ({', '.join(sorted(SUFFIXES))})")
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
