"""Models of success: how likely a build is to succeed with given versions, compiler and variants."""

from __future__ import annotations

from pytest_compat.models.additive import Additive
from pytest_compat.models.features import Features, read_features, split_packages
from pytest_compat.models.fit import BAYES, KINDS, ORDERED
from pytest_compat.models.prediction import Prediction, predict
from pytest_compat.models.stored import load, render
from pytest_compat.models.training import Models, PackageModel, read_builds, train

__all__ = [
    "BAYES",
    "KINDS",
    "ORDERED",
    "Additive",
    "Features",
    "Models",
    "PackageModel",
    "Prediction",
    "load",
    "predict",
    "read_builds",
    "read_features",
    "render",
    "split_packages",
    "train",
]
