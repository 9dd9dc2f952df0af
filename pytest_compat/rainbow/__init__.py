"""The embedded rainbow: a gRPC server that speaks the wire contract of the rainbow scheduler.

It knows nothing of experiments. `python -m pytest_compat rainbow` serves it.
"""

DEFAULT_SECRET = "chocolate-cookies"  # noqa: S105, public knowledge
"""The registration secret of a rainbow that was not told another."""
