"""The reference matcher: which clusters could take a job, and which of them a draw picks."""

from pytest_compat.matching.index import Index
from pytest_compat.matching.selection import choose
from pytest_compat.matching.versions import in_range, parse_version

__all__ = ["Index", "choose", "in_range", "parse_version"]
