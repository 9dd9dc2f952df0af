"""Ground truth: how well a cluster suits a job, whatever a level showed of it."""

from pytest_compat.truth.rules import GroundTruth, Judgement

__all__ = ["GroundTruth", "Judgement"]
