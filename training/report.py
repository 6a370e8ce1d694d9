"""Pictures and the model card, from what training and `evaluate` wrote."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np

from ml_core.images import blend, colorize
from ml_core.metrics import Matrix
from ml_core.segmenter import Segmenter

matplotlib.use("Agg")

import matplotlib.pyplot as plt

CARD = """# Model card: {name} {version}

A UNETR (Hatamizadeh et al. 2021) that parses one face into {classes} classes: {names}.
Input {width}x{height} RGB; `model.onnx` takes uint8 and normalises inside.

| | |
|---|---|
| Data | {data} |
| Training | {training} |
| Licence of the weights | {licence} |
| ONNX against Keras | logits within {difference:.1e} on {photos} photos |
| sha256 of model.onnx | `{sha256}` |

## Measured

{figures}

## Intended use

Finding the parts of faces in photographs for editing, try-on, measuring pixels and research, on faces that the
service finds and cuts out itself (`faces=auto`), or on photos that are one centred face (`faces=whole`).

## Limits

- Faces are biometric data. This model must not be used to identify or track people, nor to infer sex, age,
  origin, health, feelings or any other trait from a face, nor to decide about a person. It has not been tested for
  any of these, and in many places they are against the law.
- {limits}
- Hair outlines are as coarse as the labels it learnt from. Ears count as skin; neck, clothes, hats and jewellery as
  background; what glasses cover was left out of training and measuring.
"""

PHOTO_LIMITS = (
    "Trained mostly on celebrity portraits: adult, frontal, well lit. Expect worse results on children, profiles, "
    "covered faces, darkness and everyone such photographs show rarely."
)
DRAWN_LIMITS = "Trained on drawn faces only: it parses drawings like those, and no photographs."


def write_card(folder: Path) -> None:
    """Write the bundle's README.md from its model.json."""
    info = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    names = [row["name"] for row in info["classes"]]
    text = CARD.format(
        name=info["name"],
        version=info["version"],
        classes=len(names),
        names=", ".join(names),
        width=info["input"]["width"],
        height=info["input"]["height"],
        data=_data(info["data"]),
        training=_training(info.get("training", {})),
        licence=info["licence"],
        difference=info["parity"]["max_logit_difference"],
        photos=info["parity"]["photos"],
        sha256=info["sha256"],
        figures=_figures(info["metrics"]),
        limits=DRAWN_LIMITS if info["data"]["name"] == "synthetic" else PHOTO_LIMITS,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _data(info: Mapping[str, Any]) -> str:
    checksum = f" (sha256 `{info['sha256']}`)" if info["sha256"] else ""
    further = [*info["train_with"], *([f"{info['scenes']} as scenes"] if info["scenes"] else [])]
    return f"{info['name']}{checksum}" + (f", with {', '.join(further)}" if further else "")


def _training(info: Mapping[str, Any]) -> str:
    if not info:
        return "not recorded"
    phases = ", ".join(f"{phase['size']} px until {phase['until']:.0%}" for phase in info["phases"])
    return (
        f"{info['epochs']} epochs of at most {info['samples_per_epoch']} augmented samples, "
        f"{info['minutes']:.0f} minutes "
        f"({phases}); AdamW, cosine schedule, averaged weights, cross-entropy + soft Dice; validation mean F1 "
        f"{100 * info['validation_f1']:.2f} %"
        + (f"; started from {info['init']}" if info.get("init") else "")
    )


def _figures(metrics: Mapping[str, Any]) -> str:
    if not metrics:
        return "Not evaluated yet."
    lines = [
        f"On the {metrics['split']} split of {metrics['data']} ({metrics['photos']} photos never trained or tuned on), "
        f"through the ONNX bundle, `faces={metrics['faces']}`, at the labels' own size:",
        "",
        "| class | F1 % | IoU % |",
        "|---|---|---|",
        *(f"| {name} | {_cell(f1)} | {_cell(metrics['iou'][name])} |" for name, f1 in metrics["f1"].items()),
        f"| **mean without background** | **{_cell(metrics['mean_f1'])}** | **{_cell(metrics['mean_iou'])}** |",
    ]
    return "\n".join(lines + _robustness(metrics.get("robustness", {})))


def _robustness(figures: Mapping[str, Any]) -> list[str]:
    """Rows for what was measured beyond the plain test photos."""
    if not figures:
        return []
    rows = [(f"turned by {degrees} degrees", f1) for degrees, f1 in figures["rotated"].items()]
    if "third_of_the_frame" in figures:
        mosaics, empty = figures["mosaics"], figures["empty_scenes"]
        rows += [
            ("at a third of the frame, in a scene", figures["third_of_the_frame"]),
            ("one to six faces in a scene", mosaics["mean_f1"]),
            (f"... of {mosaics['faces']} faces of 64 pixels and more, found", mosaics["recall"]),
            ("... of all faces found, false", mosaics["false_faces"]),
            (
                f"of {empty['scenes']} scenes without a face, more than 0.5 % painted as skin",
                empty["painted"],
            ),
        ]
    for name, turns in figures.items():
        if name.endswith(" by turn"):
            who = f"a person of {name.removesuffix(' by turn')} never trained on"
            rows += [(f"{who}, turned by {degrees} degrees", f1) for degrees, f1 in turns.items()]
    return [
        "",
        "The same with `faces=auto`, on photos turned, shrunk and pasted into scenes that stayed out of training",
        "(mean F1 unless said otherwise; of turned heads over hair with brows, eyes, nose and mouth):",
        "",
        "| | % |",
        "|---|---|",
        *(f"| {what} | {_cell(value)} |" for what, value in rows),
    ]


def _cell(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def contact_sheet(
    segmenter: Segmenter, photos: Sequence[tuple[Path, Path]], path: Path, *, side: int = 256
) -> None:
    """One row a photo: photo, overlay, prediction, labels. Shows photographs: keep it out of the repository."""
    rows = []
    for photo, label in photos:
        found = segmenter.predict(photo, faces="whole")
        truth = np.asarray(cv2.imread(str(label), cv2.IMREAD_UNCHANGED), np.uint8)
        pictures = [
            found.image,
            blend(found.image, found.labels, found.label_set, 0.6),
            colorize(found.labels, found.label_set),
            colorize(truth, found.label_set),
        ]
        rows.append(np.hstack([cv2.resize(picture, (side, side)) for picture in pictures]))
    cv2.imwrite(str(path), np.vstack(rows)[..., ::-1])


def confusion_picture(matrix: Matrix, names: Sequence[str], path: Path) -> None:
    """The confusion matrix with each row (truth) as shares of its pixels."""
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    figure, axes = plt.subplots(figsize=(8, 7), layout="constrained")
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel="predicted", ylabel="truth")
    for row, column in np.argwhere(shares >= 0.005):
        share = shares[row, column]
        axes.text(
            column, row, f"{100 * share:.0f}", ha="center", va="center", color="w" if share > 0.5 else "k"
        )
    figure.savefig(path, dpi=110)
    plt.close(figure)
