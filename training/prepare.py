"""Stage 2, prepare: build the network for the data's classes and save it with its initial weights."""

import json
from pathlib import Path
from typing import Any

from ml_core.unetr.config import UnetrConfig, preset
from ml_core.unetr.model import build_unetr
from ml_core.unetr.weights import WeightsError, load_weights, save_weights, seed
from training.config import ConfigError, Params, load_params
from training.history import Start
from training.manifest import Manifest
from training.options import RunError, RunOptions, run_stage


def prepare(options: RunOptions, params: Params | None = None) -> None:
    """Write `<out>/network.json` and `<out>/initial.npz`: random weights, or those of the bundle --init.

    `<out>/start.json` says which, for the history in the bundle. With --resume all three stay as they are.
    Raises RunError.
    """
    params = params or load_params()
    if options.resume:
        check_prepared(options, params)
        return
    net = _network(options, params)
    seed(params.fit(options.preset).seed)
    model = build_unetr(net)
    if options.init:
        try:
            load_weights(model, options.init / "weights.npz")
        except WeightsError as error:
            raise RunError(f"--init: {error}") from error
    start = Start.of(options.init)
    _write_json(options.out / "network.json", net.to_dict())
    save_weights(model, options.out / "initial.npz")
    _write_json(options.out / "start.json", start.to_json())


def check_prepared(options: RunOptions, params: Params) -> None:
    """Raises RunError unless the run was prepared for these options, and --resume has something to resume."""
    options.check_resume()
    if read_network(options.out) != _network(options, params):
        told = "--resume: " if options.resume else ""
        raise RunError(
            f"{told}{options.out} was prepared for another network than --preset {options.preset}, "
            "prepare.image_size and the data's classes ask for"
        )
    prepared = Start.read(options.out).init
    if options.init and Start.of(options.init).init != prepared:
        raise RunError(
            f"--init: {options.out} was prepared to start from {prepared or 'random weights'}; "
            "the prepare stage takes --init"
        )


def read_network(out: Path) -> UnetrConfig:
    """The network that `prepare` chose. Raises RunError when it has not run."""
    path = out / "network.json"
    if not path.exists():
        raise RunError(f"{path} is not there: run the prepare stage first")
    return UnetrConfig.from_dict(json.loads(path.read_text(encoding="utf-8")))


def _network(options: RunOptions, params: Params) -> UnetrConfig:
    classes = len(Manifest.read(options.out / "data.json").labels)
    try:
        return preset(options.preset, num_classes=classes, image_size=params.prepare.image_size)
    except ValueError as error:
        raise ConfigError(f"params.yaml: prepare: {error}") from error


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_stage(prepare, __doc__)
