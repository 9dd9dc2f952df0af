"""What tests ask for by name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from pytest_compat.plugin.cases import CLUSTER, MARKER, LevelPlan
from pytest_compat.plugin.state import MEASURED, PLANNER, SETTINGS

if TYPE_CHECKING:
    from pytest_compat.model import Level
    from pytest_compat.rainbow.process import RainbowProcess
    from pytest_compat.run.case import Case
    from pytest_compat.run.world import Worlds


@pytest.fixture(scope="session")
def compat_worlds(request: pytest.FixtureRequest) -> Iterator[Worlds]:
    """The schedulers of this session, each started and given its clusters when a case first needs it."""
    from pytest_compat.plugin.progress import progress_board
    from pytest_compat.run.world import Worlds

    shared = None
    if "PYTEST_XDIST_TESTRUNUID" in os.environ and hasattr(request.config, "workerinput"):
        shared = (
            request.getfixturevalue("tmp_path_factory").getbasetemp().parent
            / "pytest-compat"
            / os.environ["PYTEST_XDIST_TESTRUNUID"]
        )
    worlds = Worlds(request.config.stash[SETTINGS].run_options, shared, progress_board(request.config))
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
    from pytest_compat.errors import CompatError, printable
    from pytest_compat.judge.gate import accuracy_limits, error_budget, parse_gate
    from pytest_compat.records import LevelKey
    from pytest_compat.run.case import Case

    plan = request.node.callspec.params["compat_level"]
    settings, planner = request.config.stash[SETTINGS], request.config.stash[PLANNER]
    gates = [*settings.gates, *map(parse_gate, planner.gates(plan.experiment.name))]
    key = LevelKey(plan.experiment.name, "", plan.level.name)
    cluster = request.getfixturevalue(CLUSTER) if CLUSTER in request.fixturenames else None
    problem = ""
    try:
        run = compat_worlds.level(plan.experiment, plan.level, accuracy_limits(gates, key))
    except CompatError as error:
        problem = f"{plan.experiment.name}: {printable(str(error))}"
    if problem:  # outside of the except, so that pytest tells this and not how it came about
        pytest.fail(problem, pytrace=False)
    request.node.stash[MEASURED] = (run, cluster)
    if request.config.pluginmanager.hasplugin("pytest-benchmark"):
        from pytest_compat.plugin.benchmarks import record

        record(request, run)
    case = Case.of(run, cluster, budgeted=error_budget(gates, key))
    if settings.junit:
        request.node.user_properties.extend(case.properties)
    return case


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
