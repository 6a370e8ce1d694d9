"""Stage 4, evaluate: score every exported bundle on the test split, through the code that serves it.

With --bundle, a bundle from elsewhere is scored on --data, in place of the run's own.
"""

from training import needs  # noqa: F401  # isort: skip  # ends where a package is missing, before the rest fails

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from rich.console import Console

from ml_core.bundle import CARD, Bundle, BundleError
from ml_core.runtime import ProviderUnavailable
from ml_core.segmenter import Segmenter
from training.bundle_files import replacing, update_model_json
from training.calibration import Temperatures, calibrate
from training.config import Params, measuring_params
from training.ingest import gather
from training.logs import LOG, log_file
from training.manifest import Manifest
from training.measure import expected_minutes, measure
from training.options import RunError, RunOptions, add_arguments, ending_in_one_line
from training.pictures import confusion_picture, contact_sheet
from training.report import write_card
from training.tables import confusion_table, print_metrics
from training.tracking import Tracker

CONSOLE = Console()


def evaluate(
    options: RunOptions,
    params: Params | None = None,
    *,
    bundle: Path | None = None,
    manifest: Manifest | None = None,
) -> dict[str, Any]:
    """Write figures, pictures, and finished bundles: what was exported, figures and card.

    `<out>/figures.json` is {bundle: {provider: figures}}; the bundle has the figures of the first available provider,
    and `metrics.json` the few of them that one compares runs by. An earlier run's int8 bundle goes if this has none.
    Raises RunError if there is no bundle, none for this data, or no provider.
    """
    params = measuring_params(options, params)
    manifest = manifest or Manifest.read(options.out / "data.json")
    folders = (
        [bundle.resolve()] if bundle else sorted(path.parent for path in options.exported.glob(f"*/{CARD}"))
    )
    if not folders:
        raise RunError(f"{options.exported} holds no bundle: run the train stage first")
    results = {folder.name: _finish(folder, options.out, manifest, params) for folder in folders}
    few = {name: _few(next(iter(found.values()))) for name, found in results.items()}
    for name, values in (("figures", results), ("metrics", few)):
        text = json.dumps(values, indent=2) + "\n"
        (options.out / f"{name}.json").write_text(text, encoding="utf-8")
    LOG.info("measured: %s", few)
    if not bundle:
        _remove_stale(options.bundle.parent, results)
        _track(options.out, results)
    return results


def _remove_stale(bundles: Path, results: dict[str, Any]) -> None:
    """Remove the int8 bundle of an earlier run where this one has none: it is of other weights."""
    for name in results:
        stale = bundles / f"{name}-int8"
        if stale.name not in results and stale.exists():
            stale.unlink() if stale.is_symlink() else shutil.rmtree(stale)
            CONSOLE.print(f"removed: {stale}, of an earlier run; this one has no int8 bundle", soft_wrap=True)


def _few(figures: dict[str, Any]) -> dict[str, float | None]:
    """In percent."""
    return {
        **{name: figures[name] for name in ("mean_f1", "mean_iou", "flip_consistency")},
        "calibration_error": figures["calibration"]["ece"],
        **{f"f1_{name}": value for name, value in figures["f1"].items()},
    }


def _track(out: Path, results: dict[str, Any]) -> None:
    """Add the figures and the model cards to the run in MLflow."""
    figures = {
        f"test_mean_f1_{name}": row["mean_f1"]
        for name, providers in results.items()
        for row in list(providers.values())[:1]
        if row["mean_f1"] is not None
    }
    Tracker(out).finish(
        figures, [out / "figures.json", *(out / "bundles" / name / "README.md" for name in results)]
    )


def _finish(source: Path, out: Path, manifest: Manifest, params: Params) -> dict[str, Any]:
    """Measure one bundle with each provider and write it, finished, to <out>/bundles/<name>."""
    target = out / "bundles" / source.name
    bundle = _open(source, manifest)
    fitted: Temperatures | None = None
    found: dict[str, Any] = {}
    for provider in params.evaluate.providers:
        try:
            segmenter = Segmenter(bundle, providers=(provider,), threads=1)
        except ProviderUnavailable as error:
            CONSOLE.print(f"not measured with {provider}: {error}", style="yellow")
            continue
        minutes = expected_minutes(segmenter, manifest, params.evaluate)
        less = "" if params.evaluate.photos else "; --quick does less"
        CONSOLE.print(f"evaluating {source.name} with {provider}: about {_told(minutes)}{less}")
        if fitted is None:
            fitted = calibrate(segmenter, manifest.files("val")[: params.evaluate.photos])
            bundle = bundle.model_copy(
                update={"temperature": fitted.overall, "class_temperatures": fitted.by_class}
            )
            segmenter = Segmenter(bundle, providers=(provider,), threads=1)
        measured = measure(segmenter, manifest, params.evaluate)
        tag = f"{source.name}-{provider}" if found else source.name
        if not found and not source.name.endswith("-int8"):
            confusion_table(measured.matrix, manifest.labels.names, out / "confusion.csv")
        confusion_picture(measured.matrix, manifest.labels.names, out / f"confusion-{tag}.png")
        if measured.worst:
            contact_sheet(segmenter, measured.worst, out / f"worst-{tag}.png")
        print_metrics(CONSOLE, f"{source.name}, {provider}", measured.metrics)
        found[provider] = measured.metrics
    if fitted is None:
        raise RunError(f"evaluate.providers: none of {', '.join(params.evaluate.providers)} is available")
    _write(source, target, fitted, found)
    CONSOLE.print(f"finished: {target}")
    return found


def _told(minutes: float) -> str:
    return f"{minutes:.0f} minutes" if minutes >= 1.5 else f"{max(60 * minutes, 1):.0f} seconds"


def _open(source: Path, manifest: Manifest) -> Bundle:
    try:
        bundle = Bundle.load(source)
    except BundleError as error:
        raise RunError(str(error)) from error
    if bundle.labels.names != manifest.labels.names:
        raise RunError(f"{source} has other classes than {manifest.name}")
    return bundle


def _write(source: Path, target: Path, fitted: Temperatures, found: dict[str, Any]) -> None:
    with replacing(target) as folder:
        shutil.copytree(source, folder, dirs_exist_ok=True)
        update_model_json(
            folder,
            temperature=fitted.overall,
            class_temperatures=fitted.by_class,
            metrics=_for_the_bundle(found),
        )
        write_card(folder)


def _for_the_bundle(found: dict[str, Any]) -> dict[str, Any]:
    """The first provider's figures, and the means of every provider."""
    means = {name: {key: row[key] for key in ("mean_f1", "mean_iou")} for name, row in found.items()}
    return {**next(iter(found.values())), "providers": means}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser)
    parser.add_argument("--bundle", type=Path, metavar="DIR", help="score this bundle, wherever it was made")
    values = vars(parser.parse_args())
    bundle, options = values.pop("bundle"), RunOptions(**values)
    with ending_in_one_line(), log_file(options.out, "evaluate"):
        evaluate(options, bundle=bundle, manifest=gather(options) if bundle else None)


if __name__ == "__main__":
    main()
