"""The Django project: settings, URLs, the server. It wires the rest together and is imported by nothing."""

__version__ = "0.2.0"
"""Of package, API and page."""
