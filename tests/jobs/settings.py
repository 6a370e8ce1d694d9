"""The service's settings with jobs switched on: for these tests, and for mypy, which reads the models."""

import os

os.environ["JOBS"] = "true"

from backend.settings import *  # noqa: F403
