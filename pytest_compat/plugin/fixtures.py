"""What tests ask for by name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_compat.plugin.cases import CLUSTER, MARKER, LevelPlan
from pytest_compat.plugin.state import MEASURED, SETTINGS

if TYPE_CHECKING:
    from pytest_compat.model import Level
    from pytest_compat.rainbow.process import RainbowProcess
    from pytest_compat.run.case import Case
    from pytest_compat.run.world import Worlds


@pytest.fixture(scope="session")
def compat_worlds(request: pytest.FixtureRequest) -> Iterator[Worlds]:
    """The schedulers of this session, each started and given its clusters when a case first needs it."""
    from pytest_compat.run.world import Worlds

    shared = None
    if "PYTEST_XDIST_TESTRUNUID" in os.environ and hasattr(request.config, "workerinput"):
        shared = (
            request.getfixturevalue("tmp_path_factory").getbasetemp().parent
            / "pytest-compat"
            / os.environ["PYTEST_XDIST_TESTRUNUID"]
        )
    worlds = Worlds(request.config.stash[SETTINGS].run_options, shared)
    yield worlds
    worlds.close()


@pytest.fixture
def compat_level(request: pytest.FixtureRequest) -> Level:
    """The compatibility level of this case."""
    return _plan(request).level


@pytest.fixture
def compat_cluster(request: pytest.FixtureRequest) -> str:
    """Name of the cluster of this case."""
    if not hasattr(request, "param"):
        _unmarked(request)
    return str(request.param)


@pytest.fixture
def compat_case(request: pytest.FixtureRequest, compat_level: Level, compat_worlds: Worlds) -> Case:
    """The case, run: what was assigned at its level, and to its cluster if the test also uses compat_cluster.

    Recorded for the report when the test ends, whether it passes or fails.
    """
    from pytest_compat.errors import CompatError
    from pytest_compat.run.case import Case

    plan = request.node.callspec.params["compat_level"]
    cluster = request.getfixturevalue(CLUSTER) if CLUSTER in request.fixturenames else None
    problem = ""
    try:
        run = compat_worlds.level(plan.experiment, plan.level, plan.position)
    except CompatError as error:
        problem = f"{plan.experiment.name}: {error}"
    if problem:  # outside of the except, so that pytest tells this and not how it came about
        pytest.fail(problem, pytrace=False)
    request.node.stash[MEASURED] = (run, cluster)
    return Case.of(run, cluster)


@pytest.fixture(scope="session")
def compat_rainbow() -> Iterator[RainbowProcess]:
    """An embedded rainbow for tests of one's own: its `address` and registration `secret`."""
    from pytest_compat.rainbow.process import RainbowProcess

    with RainbowProcess() as process:
        yield process


def _plan(request: pytest.FixtureRequest) -> LevelPlan:
    if not hasattr(request, "param"):
        _unmarked(request)
    plan = request.param
    assert isinstance(plan, LevelPlan)
    return plan


def _unmarked(request: pytest.FixtureRequest) -> None:
    pytest.fail(
        f"{request.fixturename} needs to know the experiment: mark the test with "
        f"@pytest.mark.{MARKER}('experiment.yaml')",
        pytrace=False,
    )
