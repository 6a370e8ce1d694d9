"""The model card (README.md of a bundle), generated from what `train` and `evaluate` wrote into model.json."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ml_core.bundle import ModelCard
from training.history import Run
from training.pictures import curves_picture, figures_picture
from training.tables import cell

PICTURE, CURVES = "figures.png", "curves.png"

CARD = """# Model card: {name} {version}

A UNETR (Hatamizadeh et al. 2021) that {subject} into {classes} classes: {names}.
Input {width}x{height} RGB; `model.onnx` takes uint8 and normalises inside.

| | |
|---|---|
| Data | {data} |
| Training | {training} |
| Licence of the weights | {licence} |
| Parity | {parity} |
| sha256 of model.onnx | `{sha256}` |
{curves}
## Measured

{figures}

{use}
"""

FACE_USE = """## Intended use

Finding the parts of faces in photographs for editing, try-on, measuring pixels and research, on faces that the
service finds and cuts out itself (`faces=auto`), or on photos that are one centred face (`faces=whole`).

## Limits

- Faces are biometric data. This model must not be used to identify or track people, nor to infer sex, age,
  origin, health, feelings or any other trait from a face, nor to decide about a person. It has not been tested for
  any of these, and in many places they are against the law.
- {limits}
- Hair outlines are as coarse as the labels it learnt from. Ears count as skin; neck, clothes, hats and jewellery as
  background; what glasses cover was left out of training and measuring."""

OTHER_USE = """## Intended use

Photos like those of its data, each parsed as a whole: its `cut` is `whole`, which API and page follow."""

PHOTO_LIMITS = (
    "Trained mostly on celebrity portraits: adult, frontal, well lit. Expect worse results on children, profiles, "
    "covered faces, darkness and everyone such photographs show rarely. The project's docs/model.md has pictures of "
    "that, and published networks beside these weights."
)
DRAWN_LIMITS = "Trained on drawn faces only: it parses drawings like those, and no photographs."


def write_card(folder: Path) -> None:
    """Write the bundle's README.md, and figures.png and curves.png for it, from its model.json."""
    card = ModelCard.read(folder)
    if card.metrics:
        figures_picture(card.metrics, folder / PICTURE)
    faces = card.cut == "face"
    text = CARD.format(
        name=card.name,
        version=card.version,
        subject="parses one face" if faces else "segments a photo",
        classes=len(card.labels),
        names=", ".join(card.labels.names),
        width=card.input.width,
        height=card.input.height,
        data=_data(card.data),
        training=_training(card.training),
        licence=card.licence,
        parity=_parity(card.parity),
        sha256=card.sha256,
        curves=_curves(card.training, folder),
        figures="\n".join(_figures(card.metrics, faces=faces)) if card.metrics else "Not evaluated yet.",
        use=FACE_USE.format(limits=_limits(card.data)) if faces else OTHER_USE,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _limits(data: str | Mapping[str, Any]) -> str:
    drawn = not isinstance(data, str) and data["name"] == "synthetic"
    return DRAWN_LIMITS if drawn else PHOTO_LIMITS


def _data(info: str | Mapping[str, Any]) -> str:
    if isinstance(info, str):
        return info
    checksum = f" (sha256 `{info['sha256']}`)" if info["sha256"] else ""
    further = [*info["train_with"], *([f"{info['scenes']} as scenes"] if info["scenes"] else [])]
    return f"{info['name']}{checksum}" + (f", with {', '.join(further)}" if further else "")


def _training(info: Mapping[str, Any] | None) -> str:
    """All runs, first to last: one that started from a bundle continues the training of that bundle."""
    if not info:
        return "not recorded"
    runs = Run.model_validate(info).legs()
    told = [
        f"from {run.init or 'random weights'}: {run.epochs} epochs of at most {run.samples_per_epoch} "
        f"augmented samples, {run.minutes:.0f} minutes ({_sizes(run)}), validation mean F1 "
        f"{100 * run.validation_f1:.2f} %{_last_epochs(run)}"
        for run in runs
    ]
    minutes = sum(run.minutes for run in runs)
    total = f"{minutes:.0f} minutes in all; " if len(runs) > 1 else ""
    return (
        f"{total}{'; then '.join(told)}. AdamW, cosine schedule, averaged weights, cross-entropy + soft Dice"
    )


def _last_epochs(run: Run) -> str:
    """The last scores, by which one sees whether they still rose."""
    last = run.validation_f1_by_epoch[-4:]
    return f" (the last epochs: {', '.join(f'{100 * f1:.2f}' for f1 in last)})" if len(last) > 1 else ""


def _curves(info: Mapping[str, Any] | None, folder: Path) -> str:
    """The picture of the learning curves, if they have more than a point."""
    runs = Run.model_validate(info).legs() if info else []
    if sum(len(run.validation_f1_by_epoch) for run in runs) < 2:
        return ""
    curves_picture(runs, folder / CURVES)
    return f"\n![Validation F1 and training loss by epoch]({CURVES})\n"


def _sizes(run: Run) -> str:
    return ", ".join(f"{leg.size} px until {leg.until:.0%}" for leg in run.phases)


def _parity(info: Mapping[str, Any]) -> str:
    """How far the graph is from the Keras model, as far as it is recorded."""
    told = []
    if "max_logit_difference" in info:
        told.append(f"logits within {info['max_logit_difference']:.1e} of Keras on {info['photos']} photos")
    if "f1" in info:
        rows = ", ".join(f"{kind} {cell(f1)}" for kind, f1 in info["f1"].items())
        told.append(f"mean F1 % on {info['f1_photos']} validation photos: {rows}")
    return "; ".join(told) or "not recorded"


def _figures(metrics: Mapping[str, Any], *, faces: bool) -> Iterator[str]:
    taken = f"`faces={metrics['faces']}`" if faces else "each photo as a whole"
    found = metrics["calibration"]
    yield (
        f"On the {metrics['split']} split of {metrics['data']} ({'the first ' if metrics.get('quick') else ''}"
        f"{metrics['photos']} photos never trained or tuned on), "
        f"through the ONNX bundle, {taken}, at the labels' own size. *Confidence* is what the "
        "service says of a class on average, *right* the share of its pixels that are:"
    )
    yield ""
    yield "| class | F1 % | IoU % | confidence % | right % |"
    yield "|---|---|---|---|---|"
    for name, f1 in metrics["f1"].items():
        claim = found["by_class"].get(name, {"confidence": None, "right": None})
        row = f1, metrics["iou"][name], claim["confidence"], claim["right"]
        yield f"| {name} | {' | '.join(map(cell, row))} |"
    yield f"| **mean without background** | **{cell(metrics['mean_f1'])}** | **{cell(metrics['mean_iou'])}** | | |"
    yield ""
    yield (
        f"The expected calibration error is {cell(found['ece'])} %, from {cell(found['ece_before'])} % before a "
        "temperature for each class was fitted on the validation split (15 bins, all pixels). Of a mirrored photo, "
        f"{cell(metrics['flip_consistency'])} % of the pixels keep their class."
    )
    if len(metrics.get("providers", {})) > 1:
        yield ""
        told = (f"{name} {cell(row['mean_f1'])}" for name, row in metrics["providers"].items())
        yield f"Mean F1 % by execution provider: {', '.join(told)}."
    yield ""
    yield f"![F1 by class and condition, and the reliability diagram]({PICTURE})"
    yield from _strata(metrics["strata"], faces=faces)
    if "mosaics" in metrics:
        yield from _scenes(metrics["mosaics"], metrics["empty_scenes"])


FACE_CONDITIONS = (
    "Mean F1 on the same photos under other conditions, `faces=auto` unless said otherwise. Skin tone is the "
    "group of the individual typology angle (Chardon et al. 1991) of the labelled skin, with light and camera "
    "in it. Head turn is of a person never trained on, over hair with brows, eyes, nose and mouth:"
)

CONDITIONS = {
    "skin tone": "by skin tone, `faces=whole`",
    "turn": "turned, by the landmarks, `faces=whole`",
    "rotation": "turned by so many degrees",
    "blur": "Gaussian blur of so many pixels",
    "brightness": "brightness times",
    "scale": "at this share of the frame's width, in a scene",
}


def _strata(strata: Mapping[str, Any], *, faces: bool) -> Iterator[str]:
    if not strata:
        return
    yield ""
    yield FACE_CONDITIONS if faces else "Mean F1 on the same photos under other conditions:"
    yield ""
    yield "| condition | photos | mean F1 % |"
    yield "|---|---|---|"
    for group, rows in strata.items():
        counts = {row["photos"] for row in rows.values()}
        same = len(counts) == 1
        told = (
            f"{value}: {cell(row['mean_f1'])}" + ("" if same else f" ({row['photos']})")
            for value, row in rows.items()
        )
        photos = f"{counts.pop()} each" if same else sum(row["photos"] for row in rows.values())
        yield f"| {CONDITIONS.get(group, group)} | {photos} | {', '.join(told)} |"


def _scenes(mosaics: Mapping[str, Any], empty: Mapping[str, Any]) -> Iterator[str]:
    yield ""
    yield "In scenes that stayed out of training, `faces=auto`:"
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| mean F1 in {mosaics['scenes']} scenes with one to six faces | {cell(mosaics['mean_f1'])} % |"
    yield (
        f"| faces at least 64 pixels high that are found | {mosaics['found']} of {mosaics['faces']}, "
        f"{cell(mosaics['recall'])} % |"
    )
    yield f"| false among all faces found | {mosaics['false']}, {cell(mosaics['false_faces'])} % |"
    yield (
        f"| of {empty['scenes']} scenes without a face, more than 0.5 % painted as parts of a face | "
        f"{cell(empty['painted'])} % |"
    )
