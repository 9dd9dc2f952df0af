"""pytest-compat: how well a scheduler matches jobs to clusters, measured with pytest."""

__version__ = "0.1.0"
