"""A small experiment to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_compat.declare.catalog import Experiment, load_experiment

EXPERIMENT = """
experiment: tiny
clusters:
  subsystems:
    os: {os.name: [rocky, ubuntu]}
    mpi: {mpi.name: [mpich, openmpi]}
jobs:
  jobs:
    first: {requires: {os: {os.name: rocky}, mpi: {mpi.name: mpich}}}
    second: {requires: {os: {os.name: ubuntu}, mpi: {mpi.name: openmpi}}}
truth:
- {score: 1, unmet: []}
- {score: 0.5, unmet: [mpi]}
iterations: 3
"""


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    path = tmp_path / "experiment.yaml"
    path.write_text(EXPERIMENT, encoding="utf-8")
    return load_experiment(path)
