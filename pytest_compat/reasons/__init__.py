"""Why a run failed, from its output: rules as data, read over the whole log."""

from __future__ import annotations

from pytest_compat.reasons.diagnosis import Complaint, Diagnosis, classify
from pytest_compat.reasons.rules import REASONS, Rules, load_rules

__all__ = ["REASONS", "Complaint", "Diagnosis", "Rules", "classify", "load_rules"]
