"""Client of the face-parsing service: `Client` blocks, `AsyncClient` has the same methods for asyncio."""

from face_parsing_client.calls import Options, Output
from face_parsing_client.client import AsyncClient, Client
from face_parsing_client.errors import ConnectionFailed, FaceParsingError, Problem
from face_parsing_client.photos import Photo
from face_parsing_client.retries import Retries
from face_parsing_client.schema import Answer, BatchEntry, Model, ModelDetail

__version__ = "0.2.0"

__all__ = [
    "Answer",
    "AsyncClient",
    "BatchEntry",
    "Client",
    "ConnectionFailed",
    "FaceParsingError",
    "Model",
    "ModelDetail",
    "Options",
    "Output",
    "Photo",
    "Problem",
    "Retries",
]
