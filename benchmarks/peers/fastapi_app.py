"""FastAPI: a plain `def` endpoint, which FastAPI runs in its thread pool, under one uvicorn worker a core."""

from fastapi import FastAPI, Response, UploadFile

from benchmarks.peers.pipeline import Pipeline

app = FastAPI()
pipeline = Pipeline()


@app.get("/health")
def health() -> str:
    """Ready: the session was built at import."""
    return "ok"


@app.post("/segment")
def segment(image: UploadFile) -> Response:
    """One photo."""
    return Response(pipeline(image.file.read()), media_type="image/png")
