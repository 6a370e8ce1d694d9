"""Parse photos without a server: one, a folder or a bucket; on this machine or on a Ray cluster."""

import hashlib
import sys
import time
from argparse import ArgumentParser, BooleanOptionalAction
from collections import Counter
from contextlib import suppress
from dataclasses import fields
from datetime import timedelta
from functools import partial
from importlib.util import find_spec
from itertools import chain
from threading import Thread
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError
from rest_framework.exceptions import ValidationError
from rest_framework.fields import BooleanField, ChoiceField, empty

from ml_core.bundle import Bundle, BundleError
from ml_core.labels import UnknownClass
from ml_core.outputs import OutputOptions
from ml_core.runtime import ProviderUnavailable, check_providers
from segmentation_api.bulk import processes
from segmentation_api.bulk.places import shown
from segmentation_api.bulk.plan import OUTPUTS, Plan, plan
from segmentation_api.bulk.run import Engine, Tally, run
from segmentation_api.bulk.work import BulkError, Record, Work
from segmentation_api.errors import problem_of
from segmentation_api.model_store import bundle_folders
from segmentation_api.serializers import OptionsSerializer
from segmentation_api.services import SegmentOptions

OPTIONS = OptionsSerializer()
EXPECTED = (BulkError, BundleError, ImproperlyConfigured, OSError, ProviderUnavailable)
"""What is told in one line."""
LINE_SECONDS = 30.0
"""Between lines of progress where there is no terminal."""


class Command(BaseCommand):
    """`manage.py segment_images SRC [DST]`"""

    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options of the API, and how to compute."""
        parser.add_argument(
            "src", help="a photo, a folder of photos (with its subfolders), or s3://bucket/prefix"
        )
        parser.add_argument(
            "dst",
            nargs="?",
            default="outputs/predict",
            help="a folder or s3://bucket/prefix, in which the tree of SRC is mirrored beside a manifest; of one "
            "photo, or of coco or label-studio alone, also a file. Default: %(default)s",
        )
        parser.add_argument(
            "--output",
            default="mask",
            help=f"comma list of {', '.join(OUTPUTS)}; the last two make one file of all photos. Default: %(default)s",
        )
        for name, field in OPTIONS.fields.items():
            if name != "output":
                _add_option(parser, name, field)
        how = parser.add_argument_group("where it is computed")
        how.add_argument("--engine", choices=("local", "ray"), default="local", help="default: %(default)s")
        how.add_argument(
            "--workers", type=int, help="processes or Ray actors with a model each; default: one a core"
        )
        how.add_argument(
            "--resume",
            action="store_true",
            help="go on after a run that was ended, even by kill -9; add new photos",
        )
        how.add_argument("--ray-address", default="auto", help="of the cluster; default: %(default)s")
        how.add_argument("--ray-cpus", type=float, default=1, help="of an actor; default: %(default)s")
        how.add_argument("--ray-gpus", type=float, default=0, help="of an actor; default: %(default)s")

    def handle(self, *args: Any, **options: Any) -> None:
        """Go on after a photo that fails; exit with 1 if any did."""
        try:
            wanted = list(dict.fromkeys(word.strip() for word in options["output"].split(",")))
            planned = plan(str(options["src"]), str(options["dst"]), wanted)
            work, bundle = _work(planned, _checked(options))
            tally = self._run(work, bundle, planned, _engine(options), resume=options["resume"])
        except EXPECTED as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise CommandError("Stopped; --resume goes on from here.", returncode=130) from None
        if not tally.done:
            raise CommandError(f"{shown(options['src'])}: no photos in there")
        before = f", {tally.before} of them before" if tally.before else ""
        written = tally.ok + tally.before
        self.stdout.write(f"{written} of {tally.done} written to {shown(options['dst'])}{before}")
        if tally.failed:
            sys.exit(1)

    def _run(self, work: Work, bundle: Bundle, planned: Plan, engine: Engine, *, resume: bool) -> Tally:
        left: Counter[str] = Counter()

        def left_out(path: str, reason: str) -> None:
            left[reason] += 1
            self.stderr.write(f"{shown(path)}: left out: {reason}")

        items = planned.items(left_out)
        first = next(items, None)
        tally = Tally()
        if first:
            tally = run(
                work,
                chain([first], items),
                engine,
                bundle,
                Progress(self, planned),
                resume=resume,
                file=planned.file,
                manifests=planned.photo is None and planned.file is None,
                address=planned.address,
            )
        if left:
            reasons = ", ".join(f"{number} × {reason}" for reason, number in sorted(left.items()))
            self.stdout.write(f"{left.total()} left out: {reasons}")
        return tally


class Progress:
    """Tells of photos that failed and how far the run is: in a line that is written over, or one now and then."""

    def __init__(self, command: Command, planned: Plan) -> None:
        self._stderr = command.stderr
        self._total: int | None = None
        self._told = time.monotonic()
        Thread(target=self._count, args=(planned,), daemon=True).start()

    def __call__(self, tally: Tally, record: Record) -> None:
        """After each photo."""
        terminal = self._stderr.isatty()
        if record.row["error"]:
            over = f"\r{'':60}\r" if terminal else ""
            self._stderr.write(f"{over}{shown(record.row['path'])}: {record.row['error']}")
        if terminal:
            line, last = progress_line(tally, self._total), tally.done == self._total
            self._stderr.write(f"\r{line:60}", style_func=str, ending="\n" if last else "")
        elif time.monotonic() - self._told > LINE_SECONDS:
            self._told = time.monotonic()
            self._stderr.write(progress_line(tally, self._total))

    def _count(self, planned: Plan) -> None:
        """List all photos once more, ahead of the run: without their number no time left can be told."""
        with suppress(BulkError, OSError):
            self._total = sum(1 for _ in planned.items(lambda path, reason: None))


def progress_line(tally: Tally, total: int | None) -> str:
    """How far a run is, how fast, and how long it will take, where that can be said."""
    of = "" if total is None else f"/{total}"
    line = f"{tally.done}{of}  {tally.rate:.1f} images/s "
    if total is None or not tally.rate:  # not counted yet, or all so far was there before
        return line
    left = round(max(0, total - tally.done) / tally.rate)
    time_left = f"{left} s" if left < 100 else str(timedelta(seconds=left))
    return f"{line} {time_left} left "


def _add_option(parser: ArgumentParser, name: str, field: Any) -> None:
    """An option of the API."""
    how: dict[str, Any] = {"help": field.help_text}
    if isinstance(field, BooleanField):
        how |= {"action": BooleanOptionalAction, "default": field.default}
    elif field.default is not empty:
        how |= {"default": field.default, "help": f"{field.help_text} Default: %(default)s."}
    if isinstance(field, ChoiceField):
        how["choices"] = list(field.choices)
    parser.add_argument(f"--{name}", **how)


def _checked(options: dict[str, Any]) -> SegmentOptions:
    """The options of the API. Raises CommandError."""
    given = {name: [options[name]] for name, _ in OPTIONS.fields.items() if options.get(name) is not None}
    try:
        return SegmentOptions(**OPTIONS.run_validation({**given, "output": ["mask"]}))
    except ValidationError as error:
        problem = problem_of(error)
        raise CommandError(problem.detail if problem else str(error)) from None


def _work(planned: Plan, asked: SegmentOptions) -> tuple[Work, Bundle]:
    """Raises BulkError, BundleError, ProviderUnavailable, ImproperlyConfigured."""
    folders, name = bundle_folders(), asked.model or settings.MODEL
    if name not in folders:
        raise BulkError(f"model: {name[:50]!r} is not one of {', '.join(folders)}")
    check_providers(settings.PROVIDERS)
    bundle = Bundle.load(folders[name]).model_copy(update={"name": name})
    try:
        keep = None if asked.classes is None else bundle.labels.ids(asked.classes)
    except UnknownClass as error:
        raise BulkError(
            f"classes: {str(error)[:50]!r} is not one of {', '.join(bundle.labels.names)}"
        ) from None
    options = OutputOptions(**{one.name: getattr(asked, one.name) for one in fields(OutputOptions)})
    outputs = tuple((written.name, ending) for written, ending in planned.endings)
    how = (options, keep, asked.faces, asked.face, settings.MAX_IMAGE_PIXELS, planned.collected, outputs)
    work = Work(
        source=planned.source,
        sink=planned.sink,
        bundle=folders[name],
        name=name,
        endings=planned.endings,
        collected=planned.collected,
        options=options,
        keep=keep,
        faces=asked.faces,
        face=asked.face,
        max_pixels=settings.MAX_IMAGE_PIXELS,
        decode_seconds=settings.DECODE_TIMEOUT,
        providers=tuple(settings.PROVIDERS),
        threads=settings.INFERENCE_THREADS,
        settings=hashlib.sha256(repr((bundle.sha256, how)).encode()).hexdigest()[:12],
    )
    return work, bundle


def _engine(options: dict[str, Any]) -> Engine:
    """Raises CommandError."""
    workers = options["workers"]
    if workers is not None and not 1 <= workers <= 4096:
        raise CommandError("workers: must be from 1 to 4096")
    if options["engine"] == "local":
        return partial(processes.run, workers=workers or settings.INFERENCE_SLOTS)
    if find_spec("ray") is None:
        raise CommandError("--engine ray needs more packages: pip install -r requirements-ray.txt")
    from segmentation_api.bulk import cluster

    return partial(
        cluster.run,
        workers=workers,
        address=options["ray_address"],
        cpus=options["ray_cpus"],
        gpus=options["ray_gpus"],
    )
