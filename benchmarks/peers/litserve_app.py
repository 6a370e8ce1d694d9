"""LitServe: a LitAPI with a copy of the model in each worker process, one worker a core."""

import sys
from typing import Any

import litserve as ls
from fastapi import Request, Response

from benchmarks.peers.pipeline import CORES, Pipeline


class FaceParser(ls.LitAPI):
    """Each method as LitServe names it."""

    def setup(self, device: str) -> None:
        """Once a worker."""
        self.pipeline = Pipeline()

    def decode_request(self, request: Request) -> bytes:
        """The form, which LitServe has read."""
        form: Any = request
        content: bytes = form["image"].file.read()
        return content

    def predict(self, x: bytes) -> bytes:
        """One photo."""
        return self.pipeline(x)

    def encode_response(self, output: bytes) -> Response:
        """A picture, not JSON."""
        return Response(output, media_type="image/png")


if __name__ == "__main__":
    server = ls.LitServer(FaceParser(api_path="/segment"), accelerator="cpu", workers_per_device=CORES)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
