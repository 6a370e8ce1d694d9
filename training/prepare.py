"""Stage 2, prepare: build the network for the data's classes and save it with its initial weights."""

from training import needs  # noqa: F401  # isort: skip  # ends where a package is missing, before the rest fails

import json
from pathlib import Path
from typing import Any

from rich.console import Console

from ml_core.bundle import CARD, BundleError, ModelCard
from ml_core.unetr.config import UnetrConfig, preset
from ml_core.unetr.count import parameters
from ml_core.unetr.graphs import ONE_FILE
from ml_core.unetr.grow import go_on
from ml_core.unetr.model import build_unetr
from ml_core.unetr.vit import load_vit
from ml_core.unetr.weights import WeightsError, save_weights, seed
from training.config import ConfigError, Params, params_of
from training.history import Data, Start, check_data
from training.manifest import Manifest
from training.options import RunError, RunOptions, run_stage


def prepare(options: RunOptions, params: Params | None = None) -> None:
    """Write `<out>/network.json` and `<out>/initial.npz`: random weights, or those that --init names.

    `<out>/start.json` says which, for the history in the bundle, and for which data; `<out>/network.keras` is the
    network with these weights for use in Keras. With --resume all stay as they are. Raises RunError.
    """
    params = params_of(options, params)
    if options.resume:
        check_prepared(options, params)
        return
    net = _network(options, params)
    seed(params.fit(options.preset).seed)
    model = build_unetr(net)
    if options.init:
        try:
            told: list[str] = []
            if options.init.is_file():
                load_vit(model, net, options.init)
            else:
                weights, before = options.init / "weights.npz", _network_of(options.init)
                told = go_on(model, net, weights, before, new_head=_other_classes(options))
        except WeightsError as error:
            raise RunError(f"--init: {error}") from error
        for line in told:
            Console().print(f"--init: {line}", soft_wrap=True)
    start = Start.of(options.init)
    # Of an earlier run, which --resume must not take for this one's. network.json comes last: it says that all is there
    options.checkpoint.unlink(missing_ok=True)
    (options.out / "network.json").unlink(missing_ok=True)
    save_weights(model, options.out / "initial.npz")
    data = Data.of(Manifest.read(options.out / "data.json"))
    _write_json(options.out / "start.json", {**start.to_json(), "data": data.model_dump(mode="json")})
    path = options.out / "network.keras"
    model.save(path)
    _write_json(options.out / "network.json", net.to_dict())
    Console().print(
        f"{parameters(net).total:,} parameters; {path} opens with keras.saving.load_model "
        "after `import ml_core.unetr.layers`",
        soft_wrap=True,
    )


def _network_of(bundle: Path) -> UnetrConfig | None:
    """As its model.json has it; None for a folder with weights alone. Raises WeightsError."""
    if not (bundle / CARD).exists():
        return None
    try:
        network = ModelCard.read(bundle).network
        return None if network is None else UnetrConfig.from_dict(network)
    except (TypeError, ValueError) as error:
        raise WeightsError(f"{bundle / CARD}: network: {error}") from error


def check_prepared(options: RunOptions, params: Params) -> None:
    """Raises RunError unless the run was prepared for these options and data, and --resume has something to resume."""
    options.check_resume()
    check_data(options.out, Manifest.read(options.out / "data.json"))
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
    """The network that `prepare` chose. Raises RunError."""
    path = out / "network.json"
    if not path.exists():
        raise RunError(f"{path} is not there: run the prepare stage first")
    try:
        return UnetrConfig.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (AttributeError, TypeError, ValueError) as error:
        raise RunError(f"{path}: not readable, run the prepare stage again ({error})") from error


def _other_classes(options: RunOptions) -> bool:
    """Whether the bundle --init was trained for other classes than the data's; not, if it does not say."""
    assert options.init
    if not (options.init / CARD).exists():
        return False
    try:
        names = ModelCard.read(options.init).labels.names
    except BundleError as error:
        raise RunError(f"--init: {error}") from error
    return names != Manifest.read(options.out / "data.json").labels.names


def _network(options: RunOptions, params: Params) -> UnetrConfig:
    classes = len(Manifest.read(options.out / "data.json").labels)
    try:
        net = preset(options.preset, num_classes=classes, image_size=params.prepare.image_size)
    except ValueError as error:
        raise ConfigError(f"params.yaml: prepare: {error}") from error
    if (size := 4 * parameters(net).total) > ONE_FILE:
        raise RunError(
            f"--preset {options.preset}: its {size / 1e9:.1f} GB of weights do not fit into one model.onnx, which is "
            "what a bundle has; take large"
        )
    return net


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run_stage(prepare, __doc__)
