"""The four stages in a row, without DVC: what `manage.py train_unetr` runs."""

from rich.console import Console

from training.config import Config, Params, load_config, load_params
from training.evaluate import evaluate
from training.ingest import ingest
from training.logs import log_file
from training.options import RunOptions, run_stage
from training.prepare import prepare
from training.train import train


def run(options: RunOptions, *, params: Params | None = None) -> None:
    """Ingest, prepare, train, evaluate. Raises RunError, before any long work where possible."""
    options.check_resume()
    config, params = load_config(), params or load_params()
    params.fit(options.preset)
    console = Console()
    with log_file(options.out, "run"):
        _stages(options, config, params, console)
    bundles, name = options.bundle.parent, options.bundle.name
    served = f"{name}-int8" if (bundles / f"{name}-int8").exists() else name
    console.print(
        f"the bundle is {bundles / served}; serve it with MODELS_DIR={bundles} MODEL={served} make serve",
        soft_wrap=True,
    )


def _stages(options: RunOptions, config: Config, params: Params, console: Console) -> None:
    console.rule("1/4 ingest")
    manifest = ingest(options, config)
    console.print(f"{manifest.name}: {manifest.counts} in {manifest.root}")
    console.rule("2/4 prepare")
    prepare(options, params)
    console.rule("3/4 train")
    train(options, params)
    console.rule("4/4 evaluate")
    evaluate(options, params)


if __name__ == "__main__":
    run_stage(run, __doc__)
