"""The models of this process: built once, after the fork, and swapped without a pause when they are reloaded."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import structlog
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from PIL import Image

from ml_core.bundle import GOLDEN, Bundle, BundleError
from ml_core.faces import default_finder
from ml_core.sandbox import Sandbox
from ml_core.segmenter import Segmenter
from segmentation_api.errors import invalid, not_ready
from segmentation_api.model_store import bundle_folders
from segmentation_api.telemetry import RELOADS

logger = structlog.get_logger(__name__)

GOLDEN_SHARE = 0.99
"""A model is served if at least this share of its golden image gets the golden labels."""

WARM_SIDE = 1600
"""Pixels: the networks see no more of a larger photo."""
WARM_AT_ONCE = 3
"""The photos that one process may compute at once on two cores, and one for fragmentation."""


class Engine:
    """The models by name. A request takes what is there; a reload builds aside and swaps."""

    def __init__(self) -> None:
        self._models: dict[str, Segmenter] = {}
        self._loaded = False
        self._lock = threading.Lock()
        self.sandbox = Sandbox(seconds=min(settings.DECODE_TIMEOUT, settings.MAX_CPU_SECONDS))

    def segmenter(self, name: str | None = None) -> Segmenter:
        """The named or the default model. Raises Problem: 400 for an unknown name, 503 if the default is missing."""
        models = self.models()
        if found := models.get(name or settings.MODEL):
            return found
        if name is None:
            raise not_ready("No model is loaded.")
        raise invalid("model", f"{name[:50]!r} is not one of {', '.join(models)}")

    def models(self) -> dict[str, Segmenter]:
        """All models by name, loaded when first asked for."""
        if not self._loaded:
            with self._lock:
                if not self._loaded:
                    self._load()
        return self._models

    def ready(self) -> bool:
        """Whether the default model is loaded, and so has passed its golden image."""
        return self._loaded and settings.MODEL in self._models

    def reload(self) -> dict[str, str]:
        """Load what is in MODELS_DIR now; a model that fails keeps its old version. Returns the reasons by name."""
        with self._lock:
            return self._load()

    def warm_up(self) -> None:
        """Parse a large photo with the default model, several times at once.

        The memory this takes is kept for later photos. It would otherwise grow over thousands of requests, until the
        largest photos have come at the same time.
        """
        segmenter = self.models().get(settings.MODEL)
        if segmenter is None:
            return
        with Image.open(segmenter.bundle.path / GOLDEN) as golden:
            photo = golden.convert("RGB").resize((WARM_SIDE, WARM_SIDE))
        with ThreadPoolExecutor(WARM_AT_ONCE) as pool:
            list(pool.map(segmenter.predict, [photo] * 2 * WARM_AT_ONCE))
        logger.info("warmed_up", model=settings.MODEL)

    def _load(self) -> dict[str, str]:
        models: dict[str, Segmenter] = {}
        folders: dict[str, Path] = {}
        refused: dict[str, str] = {}
        try:
            folders = bundle_folders()
        except ImproperlyConfigured as error:
            refused = dict.fromkeys([settings.MODEL, *self._models], str(error))
        if settings.MODEL not in folders:
            refused.setdefault(settings.MODEL, "the default model is gone from MODELS_DIR")
        for name, folder in folders.items():
            try:
                models[name] = self._open(name, folder)
            except Exception as error:  # ONNX Runtime raises many kinds
                refused[name] = str(error)
        for name, reason in refused.items():
            kept = name in self._models
            logger.error("model_refused", model=name, reason=reason, old_one_kept=kept)
            if kept:
                models[name] = self._models[name]
        for name in folders:
            RELOADS.labels(name, "refused" if name in refused else "ok").inc()
        logger.info("models_loaded", models=sorted(models), refused=sorted(refused))
        self._models, self._loaded = models, True
        return refused

    def _open(self, name: str, folder: Path) -> Segmenter:
        """A segmenter that passes its golden image: the running one if its bundle is unchanged."""
        if not name.isprintable():  # it stands in a header of each answer
            raise BundleError(f"{str(folder)!a}: the folder's name has control characters")
        bundle = Bundle.load(folder).model_copy(update={"name": name})
        segmenter = self._models.get(name)
        if segmenter is None or segmenter.bundle != bundle or not segmenter.file.intact():
            segmenter = Segmenter(
                bundle,
                providers=settings.PROVIDERS,
                threads=settings.INFERENCE_THREADS,
                finder=default_finder(threads=settings.INFERENCE_THREADS),
                read=self.sandbox.read,
            )
        agreement = segmenter.golden_agreement()
        if agreement < GOLDEN_SHARE:
            raise ValueError(f"its golden image agrees on {agreement:.1%} of the pixels only")
        return segmenter


engine = Engine()
