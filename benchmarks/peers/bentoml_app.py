"""BentoML: a service with one worker a core; the photo comes as a file, as in its image examples."""

from pathlib import Path
from typing import Annotated

import bentoml
from bentoml.validators import ContentType

from benchmarks.peers.pipeline import CORES, Pipeline


@bentoml.service(workers=CORES, traffic={"timeout": 60})
class FaceParser:
    """Built once a worker."""

    def __init__(self) -> None:
        self.pipeline = Pipeline()

    @bentoml.api(route="/segment")
    def segment(self, image: Path) -> Annotated[bytes, ContentType("image/png")]:
        """One photo."""
        return self.pipeline(image.read_bytes())
