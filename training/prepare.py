"""Stage 2, prepare: build the network for the data's classes and save it with its first weights."""

import json
from pathlib import Path
from typing import Any

from ml_core.bundle import CARD
from ml_core.unetr.config import UnetrConfig, preset
from ml_core.unetr.model import build_unetr
from ml_core.unetr.weights import WeightsError, load_weights, save_weights, seed
from training.config import Params, load_params
from training.ingest import DataError, Manifest
from training.options import RunError, RunOptions, run_stage


def prepare(options: RunOptions, params: Params | None = None) -> None:
    """Write `<out>/network.json` and `<out>/initial.npz`: random weights, or those of the bundle --init.

    `<out>/start.json` keeps which, so that `train`, perhaps in another process, can tell the whole story.
    """
    params = params or load_params()
    manifest = Manifest.read(options.out / "data.json")
    net = preset(options.preset, num_classes=len(manifest.labels), image_size=params.prepare.image_size)
    seed(params.train[options.preset].seed)
    model = build_unetr(net)
    if options.init:
        try:
            load_weights(model, options.init / "weights.npz")
        except WeightsError as error:
            raise RunError(f"--init: {error}") from error
    (options.out / "network.json").write_text(json.dumps(net.to_dict(), indent=2) + "\n", encoding="utf-8")
    save_weights(model, options.out / "initial.npz")
    start = json.dumps(_start(options.init), indent=2)
    (options.out / "start.json").write_text(start + "\n", encoding="utf-8")


def check_init(options: RunOptions) -> None:
    """Raises RunError where a stage after `prepare` is told --init, and `prepare` was told otherwise."""
    prepared = read_start(options.out)["init"]
    if options.init and _start(options.init)["init"] != prepared:
        start = prepared or "random weights"
        raise RunError(
            f"--init: {options.out} was prepared to start from {start}; the prepare stage takes --init"
        )


def _start(init: Path | None) -> dict[str, Any]:
    """What the run starts from, for its history: a bundle's name, and that bundle's own training."""
    if init is None:
        return {"init": None}
    path = init / CARD
    if not path.exists():
        return {"init": init.name}
    info = json.loads(path.read_text(encoding="utf-8"))
    return {"init": f"{info['name']} {info['version']}", "after": info.get("training")}


def read_start(out: Path) -> dict[str, Any]:
    """What `prepare` noted of the run's start: `init`, and `after` where that is a bundle with a history."""
    path = out / "start.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"init": None}
    return found


def read_network(out: Path) -> UnetrConfig:
    """The network that `prepare` chose. Raises DataError when it has not run."""
    path = out / "network.json"
    if not path.exists():
        raise DataError(f"{path} is not there: run the prepare stage first")
    return UnetrConfig.from_dict(json.loads(path.read_text(encoding="utf-8")))


if __name__ == "__main__":
    run_stage(prepare, __doc__)
