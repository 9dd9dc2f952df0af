"""Experiments at scale, as declared: from YAML to a problem that can be run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_compat.declare.reading import read_declaration
from pytest_compat.errors import DeclarationError, known
from pytest_compat.matching.versions import parse_version
from pytest_compat.model import Requirement
from pytest_compat.scale.problem import FIELD, Problem, Scores, make_step
from pytest_compat.scale.scores import Meeting, ModelScores, TruthScores
from pytest_compat.scale.tables import Jobs, builds_as_jobs, read_clusters, read_requirements

if TYPE_CHECKING:
    from pytest_compat.builds.dataset import Dataset
    from pytest_compat.builds.environments import Environments
    from pytest_compat.builds.truth import Truth

SMALL, FULL = "small", "full"
"""How much of an experiment is run."""

TRUTH, MEETS = "truth", "meets"
"""Scores by the generator's truth, and by whether a cluster meets all that a job requires, revealed or not."""


@dataclass(frozen=True)
class GradientExperiment:
    """An experiment at scale.

    Args:
        name: Its name.
        path: The file it stands in.
        document: What that says, as its schema has it.
    """

    name: str
    path: Path
    document: Mapping[str, Any]

    def prepare(self, scale: str) -> Prepared:
        """Read or make all that it speaks of.

        Args:
            scale: SMALL or FULL.

        Raises:
            DeclarationError: A file is missing or not what it has to be, or what is declared does not fit together.
        """
        if missing := [name for name in ("pandas", "pyarrow") if find_spec(name) is None]:
            remedy = "pip install 'pytest-compat[models]'"
            raise DeclarationError(f"takes {' and '.join(missing)}; {remedy}", source=str(self.path))
        small = self.document.get("small", {}) if scale == SMALL else {}
        try:
            return _prepare(self, small)
        except DeclarationError as error:
            raise error.within(str(self.path)) from None


@dataclass(frozen=True)
class Prepared:
    """A problem, and what was noticed on the way to it.

    Args:
        problem: The experiment, ready to run.
        environments: What is installed on its clusters.
        remarks: What was left out of its data, and what is odd about it, as sentences.
    """

    problem: Problem
    environments: Environments
    remarks: tuple[str, ...]


def load_gradient(path: Path) -> GradientExperiment:
    """Read an experiment at scale; what it refers to is read when it is prepared.

    Raises:
        DeclarationError: The file is missing or is not what it has to be.
    """
    document = read_declaration(path, "gradient")
    return GradientExperiment(document["experiment"], path, document)


def _prepare(experiment: GradientExperiment, small: Mapping[str, int]) -> Prepared:
    document, folder = experiment.document, experiment.path.parent
    given = document["jobs"]
    dataset: Dataset | None = None
    trained: Dataset | None = None
    truth: Truth | None = None
    if "requirements" in given:
        jobs, remarks = read_requirements(folder / given["requirements"], folder / given["ranges"])
    else:
        dataset, truth = _builds(given, folder, small)
        trained = _training(document.get("train", "jobs"), given, small, dataset)
        jobs, remarks = builds_as_jobs(dataset, given.get("require", "exact"))
    jobs = jobs.first(small.get("jobs", len(jobs.names)))
    clusters = _clusters(document["clusters"], folder, dataset, small.get("clusters"))
    order = _order(document.get("order", 0), jobs, clusters.subsystems)[: small.get("subsystems")]
    steps = tuple(
        make_step(
            name,
            {job: Requirement(name, FIELD, **bounds) for job, bounds in jobs.required.get(name, {}).items()},
            clusters.versions[clusters.subsystems.index(name)],
            clusters.codes[clusters.subsystems.index(name)],
        )
        for name in order
    )
    remarks += _unplaced(jobs, clusters)
    scores: dict[str, Scores] = {}
    problem = Problem(experiment.name, jobs.names, jobs.packages, clusters.names, steps, scores)
    for number, name in enumerate(document["scores"]):
        scores[name], more = _scores(name, f"scores[{number}]", problem, folder, dataset, trained, truth, clusters)
        remarks += more
    return Prepared(problem, clusters, tuple(remarks))


def _builds(given: Mapping[str, Any], folder: Path, small: Mapping[str, int]) -> tuple[Dataset, Truth | None]:
    if "dataset" in given:
        from pytest_compat.builds.dataset import read_dataset

        return read_dataset(folder / given["dataset"]), None
    from pytest_compat.builds.dataset import Dataset
    from pytest_compat.builds.generate import generate_builds

    made = generate_builds(small.get("generated", given["generated"]), given.get("seed", 0))
    return Dataset(made.frame), made.truth


def _training(kind: str, given: Mapping[str, Any], small: Mapping[str, int], dataset: Dataset) -> Dataset:
    """Return the builds that models are trained on.

    Recorded builds seldom have what does not work, and a model that never saw it does not know: on clusters whose
    software was chosen by chance it expects too much. Explored ones have it as often as clusters do.
    """
    if kind == "jobs":
        return dataset
    if "generated" not in given:
        raise DeclarationError("found 'explored', which generated builds alone can be", path="train")
    from pytest_compat.builds.dataset import Dataset
    from pytest_compat.builds.generate import generate_builds

    jobs = small.get("generated", given["generated"])
    return Dataset(generate_builds(jobs, given.get("seed", 0), explored=True).frame)


def _clusters(given: Mapping[str, Any], folder: Path, dataset: Dataset | None, most: int | None) -> Environments:
    if "table" in given:
        return read_clusters(folder / given["table"], most)
    if dataset is None:
        raise DeclarationError("found a count, expected a table of clusters, as jobs have ranges", path="clusters")
    from pytest_compat.builds.environments import draw_environments, occurring

    return draw_environments(
        occurring(dataset.frame),
        min(given["count"], most or given["count"]),
        given.get("seed", 0),
        given.get("draw", "uniform"),
    )


def _order(given: int | Sequence[str], jobs: Any, subsystems: Sequence[str]) -> list[str]:
    """Return the subsystems in the order in which they are revealed: as declared, or by digests of seed and name."""
    if isinstance(given, int):
        if lacking := sorted(set(jobs.required) - set(subsystems)):
            raise DeclarationError(f"no cluster has {lacking[0]!r}, which jobs require", path="clusters")
        return sorted(subsystems, key=lambda name: blake2b(f"{given}/{name}".encode()).digest())
    for number, name in enumerate(given):
        if name not in subsystems:
            raise DeclarationError(known("subsystem", name, subsystems), path=f"order[{number}]")
    if silent := sorted(set(jobs.required) - set(given)):
        raise DeclarationError(f"found no {silent[0]!r}, which jobs require", path="order")
    return list(given)


def _unplaced(jobs: Jobs, clusters: Environments) -> list[str]:
    """Say which versions of clusters are in no range that jobs require."""
    ranged = {name for name, each in jobs.required.items() if any("match" not in bounds for bounds in each.values())}
    unplaced = [
        (name, version)
        for name, versions in zip(clusters.subsystems, clusters.versions, strict=True)
        for version in versions
        if name in ranged and parse_version(version) is None
    ]
    if not unplaced:
        return []
    name, version = unplaced[0]
    return [
        f"{len(unplaced)} versions of clusters have no place in the order of versions, such as {name} {version}: they "
        f"are in no range"
    ]


def _scores(
    name: str,
    place: str,
    problem: Problem,
    folder: Path,
    dataset: Dataset | None,
    trained: Dataset | None,
    truth: Truth | None,
    clusters: Environments,
) -> tuple[Scores, list[str]]:
    if name == MEETS:
        return Meeting(problem.steps, len(problem.clusters)), []
    if dataset is None:
        raise DeclarationError(f"found {name!r}, expected {MEETS!r}: jobs with ranges say nothing else", path=place)
    jobs = dataset.frame.iloc[: len(problem.jobs)]
    if name == TRUTH:
        if truth is None:
            raise DeclarationError("found 'truth', which generated builds alone have", path=place)
        return TruthScores(truth, jobs, clusters), []
    assert trained is not None
    return ModelScores.of(name, place, folder, trained, jobs, clusters)
