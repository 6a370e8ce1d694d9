"""gunicorn: its configuration, and the worker class."""
