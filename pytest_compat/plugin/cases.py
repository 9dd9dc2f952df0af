"""From the `compat` marker to one case per level and, where the test asks for it, per cluster."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_compat.plugin.options import Settings

if TYPE_CHECKING:
    from pytest_compat.declare.catalog import Experiment
    from pytest_compat.model import Level

MARKER = "compat"
MARKER_HELP = (
    "compat(experiment): run the test once for each compatibility level of an experiment, given as the path of its "
    "YAML file relative to the test; and for each cluster, if the test uses compat_cluster."
)
LEVEL = "compat_level"
CLUSTER = "compat_cluster"


@dataclass(frozen=True)
class LevelPlan:
    """A level that a case is to run, and its place among those of the session."""

    experiment: Experiment
    level: Level
    position: int


@dataclass
class Planner:
    """Turns marked tests into cases and remembers what could not be.

    Args:
        settings: What the session was asked for.
    """

    settings: Settings
    _paths: dict[str, Path] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)
    _unknown: dict[str, str] = field(default_factory=dict)

    def plan(self, metafunc: pytest.Metafunc) -> None:
        """Parametrize a marked test.

        Raises:
            pytest.Collector.CollectError: The marker or the experiment it names is not what it has to be.
        """
        marker = metafunc.definition.get_closest_marker(MARKER)
        if marker is None:
            return
        from pytest_compat.errors import DeclarationError

        try:
            experiment = self._experiment(marker, metafunc.definition.path)
        except DeclarationError as error:
            raise pytest.Collector.CollectError(f"compat: {error}") from None
        if LEVEL not in metafunc.fixturenames:
            own = any(mark.name == MARKER for mark in metafunc.definition.own_markers)
            if own or CLUSTER in metafunc.fixturenames:
                raise pytest.Collector.CollectError(
                    f"compat: {metafunc.definition.name} measures nothing: it uses neither compat_case nor compat_level"
                )
            return  # marked with the rest of its class or module
        plans = [LevelPlan(experiment, level, number) for number, level in enumerate(self._levels(experiment))]
        metafunc.parametrize(LEVEL, [_param(metafunc, plan) for plan in plans], indirect=True)
        if CLUSTER in metafunc.fixturenames:
            metafunc.parametrize(CLUSTER, [cluster.name for cluster in experiment.clusters], indirect=True)

    def _experiment(self, marker: pytest.Mark, test: Path) -> Experiment:
        from pytest_compat.declare.catalog import load_experiment
        from pytest_compat.errors import DeclarationError

        if len(marker.args) != 1 or marker.kwargs or not isinstance(marker.args[0], str | Path):
            raise DeclarationError(
                f"found @pytest.mark.compat with {(*marker.args, *marker.kwargs.items())}, expected the path of an "
                f"experiment",
                source=str(test),
            )
        path = (test.parent / marker.args[0]).resolve()
        experiment = load_experiment(path)
        before = self._paths.setdefault(experiment.name, path)
        if before != path:
            raise DeclarationError(
                f"found a second experiment called {experiment.name!r} (the other is {before}), expected unique names",
                source=str(path),
                path="experiment",
            )
        return experiment

    def _levels(self, experiment: Experiment) -> list[Level]:
        """Return the levels asked for that this experiment knows; another one may know the others."""
        from pytest_compat.errors import LevelError

        specs = []
        for spec in (part.strip() for given in self.settings.levels for part in given.split(",")):
            try:
                experiment.levels.resolve([spec])
            except LevelError as error:
                self._unknown.setdefault(spec, error.problem)
            else:
                self._known.add(spec)
                specs.append(spec)
        return experiment.levels.resolve(specs)

    def usage_error(self) -> str | None:
        """Return what to say of the levels that no experiment knows, None when there are none."""
        for spec, problem in self._unknown.items():
            if spec not in self._known:
                return f"--compat-level: {problem}"
        return None


def _param(metafunc: pytest.Metafunc, plan: LevelPlan) -> Any:
    marks = []
    if metafunc.config.pluginmanager.hasplugin("xdist"):
        # With --dist=loadgroup the cases of a level stay together and nobody waits for another worker's run of it.
        marks.append(pytest.mark.xdist_group(f"{plan.experiment.name}:{plan.level.name}"))
    return pytest.param(plan, id=plan.level.name, marks=marks)
