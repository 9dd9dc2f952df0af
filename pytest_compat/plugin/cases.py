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
    "compat(experiment, gates=()): run the test once for each compatibility level of an experiment, given as the path "
    "of its YAML file relative to the test; and for each cluster, if the test uses compat_cluster. gates: what its "
    "levels have to come to, as in --compat-gate."
)
LEVEL = "compat_level"
CLUSTER = "compat_cluster"


@dataclass(frozen=True)
class LevelPlan:
    """A level that a case is to run."""

    experiment: Experiment
    level: Level


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
    _gates: dict[str, dict[str, None]] = field(default_factory=dict)

    def path(self, experiment: str) -> Path:
        """Return the file that an experiment of this session is declared in."""
        return self._paths[experiment]

    def gates(self, experiment: str) -> tuple[str, ...]:
        """Return what the markers ask of an experiment, each once."""
        return tuple(self._gates.get(experiment, ()))

    def asked_of(self, item: pytest.Item) -> tuple[str, ...]:
        """Return what the markers ask of the experiment of a case, each once."""
        plan = getattr(item, "callspec", None) and item.callspec.params.get(LEVEL)  # type: ignore[attr-defined]
        return self.gates(plan.experiment.name) if isinstance(plan, LevelPlan) else ()

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
        plans = [LevelPlan(experiment, level) for level in self._levels(experiment)]
        metafunc.parametrize(LEVEL, [_param(metafunc, plan) for plan in plans], indirect=True)
        if CLUSTER in metafunc.fixturenames:
            metafunc.parametrize(CLUSTER, [cluster.name for cluster in experiment.clusters], indirect=True)

    def _experiment(self, marker: pytest.Mark, test: Path) -> Experiment:
        from pytest_compat.declare.catalog import load_experiment
        from pytest_compat.errors import DeclarationError

        if len(marker.args) != 1 or marker.kwargs.keys() - {"gates"} or not isinstance(marker.args[0], str | Path):
            raise DeclarationError(
                f"found @pytest.mark.compat({_shown(marker)}), expected the path of an experiment, and gates=[...] or "
                f"nothing else",
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
        self._ask(experiment, marker.kwargs.get("gates", ()), test)
        return experiment

    def _ask(self, experiment: Experiment, gates: object, test: Path) -> None:
        from pytest_compat.errors import DeclarationError
        from pytest_compat.judge.gate import EVERY, parse_gate

        if not isinstance(gates, list | tuple) or not all(isinstance(text, str) for text in gates):
            raise DeclarationError(
                f"found gates={gates!r}, expected a list of texts, such as ['io.archspec+os:0.2']", source=str(test)
            )
        for text in gates:
            try:
                gate = parse_gate(text, experiment.name)
                named = gate.level.removeprefix(f"{experiment.name}:")
                if named != EVERY:
                    experiment.levels.canonical(named)
            except DeclarationError as error:
                raise error.within(str(test)) from None
            self._gates.setdefault(experiment.name, {})[gate.rule] = None

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


def _shown(marker: pytest.Mark) -> str:
    return ", ".join([*map(repr, marker.args), *(f"{name}={value!r}" for name, value in marker.kwargs.items())])
