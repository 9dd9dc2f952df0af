"""Finding, reading and naming experiments; the only place that turns a name into a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pytest_compat
from pytest_compat.declare.digest import content_version
from pytest_compat.declare.jobsets import build_jobs
from pytest_compat.declare.levels import GROUPS, NONE, Levels
from pytest_compat.declare.pools import build_clusters
from pytest_compat.declare.reading import check, read_declaration
from pytest_compat.errors import DeclarationError, LevelError, known
from pytest_compat.model import Cluster, Jobspec, Level

EXPERIMENT = "experiment.yaml"
"""What the file of an experiment is called in a folder of its own."""

DEFAULT_ITERATIONS = 20
DEFAULT_LEVELS = (NONE, "prefix")


@dataclass(frozen=True)
class Rule:
    """A rule of ground truth: when everything it says holds, it gives its score.

    Args:
        score: 0 to 1, as written.
        unmet: The subsystems that have to be unmet, these and no others; None when that does not matter.
        job: What the job has to require, by attribute.
        cluster: What the cluster has to have, by attribute.
    """

    score: str
    unmet: frozenset[str] | None = None
    job: Mapping[str, str] | None = None
    cluster: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Published:
    """Figures of others: points by level, out of `of`, and where they stand."""

    source: str
    of: float
    points: Mapping[str, float]


@dataclass(frozen=True)
class Experiment:
    """Clusters x jobs x levels x ground truth, as declared.

    Args:
        name: Its name, unique in a run.
        path: The file it stands in.
        clusters: One or more, with unique names.
        jobs: One or more, with unique names and all their requirements.
        levels: The levels it knows and those it publishes.
        truth: The rules of ground truth, of which the first that holds decides; a pair that none speaks of scores 0.
        iterations: Submissions of each job per level, unless the command line says otherwise.
        published: Figures to show beside the measured ones.
        description: What it is about, in a line.
    """

    name: str
    path: Path
    clusters: tuple[Cluster, ...]
    jobs: tuple[Jobspec, ...]
    levels: Levels
    truth: tuple[Rule, ...]
    iterations: int
    published: tuple[Published, ...] = ()
    description: str = ""

    @cached_property
    def version(self) -> str:
        """Digest of clusters, jobs and ground truth: results of two versions are not to be compared."""
        return content_version(self.clusters, self.jobs, self.truth)


@lru_cache(maxsize=64)
def load_experiment(path: Path) -> Experiment:
    """Read an experiment and all it refers to.

    Pools and job sets are named (`lammps`: the first `clusters/lammps.yaml` going up from the experiment's folder, then
    those that ship with this package), given as a path that ends in .yaml, relative to the experiment, or written out.

    Raises:
        DeclarationError: A file is missing or is not what it has to be, names are unknown, or a job requires a
            subsystem that no cluster has and `absent` does not list.
    """
    document = read_declaration(path, "experiment")
    try:
        return _build(document, path)
    except DeclarationError as error:
        raise error.within(str(path)) from None


def _build(document: Mapping[str, Any], path: Path) -> Experiment:
    clusters = _part(document["clusters"], "clusters", path, build_clusters)
    jobs = _part(document["jobs"], "jobs", path, lambda jobset, _: build_jobs(jobset))
    truth = _truth(document, jobs)
    _check_attributes(clusters, jobs, truth, frozenset(document.get("absent", ())))
    levels = _levels(document, jobs)
    return Experiment(
        name=document["experiment"],
        path=path,
        clusters=clusters,
        jobs=jobs,
        levels=levels,
        truth=truth,
        iterations=document.get("iterations", DEFAULT_ITERATIONS),
        published=_published(document, levels),
        description=document.get("description", ""),
    )


def _part(
    given: str | Mapping[str, Any],
    kind: str,
    path: Path,
    build: Callable[[Mapping[str, Any], Path], tuple[Any, ...]],
) -> tuple[Any, ...]:
    """Build the clusters or jobs that an experiment names or writes out."""
    if not isinstance(given, str):
        try:
            check(given, kind)
            return build(given, path.parent)
        except DeclarationError as error:
            place = ".".join(part for part in (kind, error.path) if part)
            raise type(error)(error.problem, source=error.source or str(path), path=place) from None
    found = find(given, kind, path)
    try:
        return build(read_declaration(found, kind), found.parent)
    except DeclarationError as error:
        raise error.within(str(found)) from None


def find(name: str, kind: str, experiment: Path) -> Path:
    """Return the file of a pool (kind `clusters`) or job set (kind `jobs`) that an experiment names.

    Raises:
        DeclarationError: There is none; the error lists the names there are.
    """
    if name.endswith((".yaml", ".yml")):
        return experiment.parent / name
    folder = {"clusters": "clusters", "jobs": "jobspecs"}[kind]
    names: list[str] = []
    for place in _places(experiment):
        there = {path.stem: path for path in sorted((place / folder).glob("*.yaml"))}
        if name in there:
            return there[name]
        names += there
    raise DeclarationError(known(f"entry of {folder}/", name, dict.fromkeys(names)), source=str(experiment), path=kind)


def find_experiment(name_or_path: str, start: Path) -> Path:
    """Return the file of an experiment.

    Args:
        name_or_path: A path that ends in .yaml or that of a folder with an `experiment.yaml`, relative to `start`; or
            the name of such a folder in the first `suites/` that has it, going up from `start`, then as shipped.
        start: Where to begin.

    Raises:
        DeclarationError: There is none; the error lists the names there are.
    """
    path = start / name_or_path
    if path.suffix in (".yaml", ".yml"):
        return path
    if (path / EXPERIMENT).is_file():
        return path / EXPERIMENT
    names: list[str] = []
    for place in _places(start / EXPERIMENT):
        there = {found.parent.name: found for found in sorted(place.glob(f"suites/*/{EXPERIMENT}"))}
        if name_or_path in there:
            return there[name_or_path]
        names += there
    raise DeclarationError(f"{known('experiment', name_or_path, dict.fromkeys(names))}; a YAML file will do as well")


def _places(experiment: Path) -> Iterator[Path]:
    yield from experiment.absolute().parents
    package = Path(pytest_compat.__file__).parent
    yield package  # where a wheel has them
    yield package.parent  # where a checkout has them


def _check_attributes(
    clusters: tuple[Cluster, ...], jobs: tuple[Jobspec, ...], rules: tuple[Rule, ...], absent: frozenset[str]
) -> None:
    """Refuse jobs and rules that ask for what no cluster has: it is misspelt more often than meant."""
    there: dict[str, dict[str, None]] = {}
    for cluster in clusters:
        for subsystem, graph in cluster.subsystems.items():
            there.setdefault(subsystem, {}).update(
                dict.fromkeys(name for vertex in graph.vertices.values() for name, _ in vertex.attributes)
            )
    problems = []
    for job in jobs:
        for requirement in job.requirements():
            subsystem, field = requirement.subsystem, requirement.field
            if absent & {subsystem, f"{subsystem}:{field}"}:
                continue
            if subsystem not in there:
                lacking = f"a subsystem that no cluster has: {known('subsystem', subsystem, there)}"
            elif field not in there[subsystem]:
                lacking = f"what no cluster has: {known(f'attribute of {subsystem}', field, there[subsystem])}"
            else:
                continue
            problems.append(f"job {job.name!r} requires {lacking}")
    if problems:
        more = f" (and {len(problems) - 1} more like it)" if len(problems) > 1 else ""
        raise DeclarationError(f"{problems[0]}{more}; if that is on purpose, list it under `absent`", path="jobs")
    required = dict.fromkeys(requirement.field for job in jobs for requirement in job.requirements())
    has = dict.fromkeys(field for fields in there.values() for field in fields)
    for number, rule in enumerate(rules):
        for key, asked, names in (("job", rule.job, required), ("cluster", rule.cluster, has)):
            for field in asked or ():
                if field not in names and not absent:
                    raise DeclarationError(known("attribute", field, names), path=f"truth[{number}].{key}")


def _levels(document: Mapping[str, Any], jobs: tuple[Jobspec, ...]) -> Levels:
    required = dict.fromkeys(requirement.subsystem for job in jobs for requirement in job.requirements())
    attributes = frozenset(
        f"{requirement.subsystem}:{requirement.field}" for job in jobs for requirement in job.requirements()
    )
    order = tuple(document.get("order", required))
    for subsystem in order:
        if subsystem in GROUPS:
            raise DeclarationError(f"found a subsystem called {subsystem!r}, which levels are called", path="order")
        if subsystem not in required:
            raise DeclarationError(known("subsystem", subsystem, required), path="order")
    for subsystem in required:
        if subsystem not in order:
            raise DeclarationError(f"found no {subsystem!r}, which jobs require", path="order")
    named: dict[str, Level] = {}
    published: list[str] = []
    plain = Levels(order, attributes)
    for number, entry in enumerate(document.get("levels", DEFAULT_LEVELS)):
        try:
            if isinstance(entry, str):
                if "all" in (name.strip() for name in entry.split(",")):
                    raise LevelError("found 'all', which is what this list declares")
                plain.resolve([entry])
                published.append(entry)
                continue
            ((name, reveals),) = entry.items()
            if name in named or name in GROUPS or name in order:
                raise LevelError(f"found {name!r}, a name that is taken")
            named[name] = Level(name, plain.joined(reveals).reveals)
            published.append(name)
        except LevelError as error:
            raise LevelError(error.problem, path=f"levels[{number}]") from None
    return Levels(order, attributes, named, tuple(published))


def _truth(document: Mapping[str, Any], jobs: tuple[Jobspec, ...]) -> tuple[Rule, ...]:
    required = {requirement.subsystem for job in jobs for requirement in job.requirements()}
    subsystems = sorted(required | {"resources", "combination"})
    rules = []
    for number, rule in enumerate(document.get("truth", [{"score": 1, "unmet": []}])):
        unmet = rule.get("unmet")
        for subsystem in unmet or ():
            if subsystem not in subsystems:
                raise DeclarationError(known("subsystem", subsystem, subsystems), path=f"truth[{number}].unmet")
        rules.append(
            Rule(
                str(rule["score"]),
                frozenset(unmet) if unmet is not None else None,
                rule.get("job"),
                rule.get("cluster"),
            )
        )
    return tuple(rules)


def _published(document: Mapping[str, Any], levels: Levels) -> tuple[Published, ...]:
    names = [level.name for level in levels.resolve(["all"])]
    figures = []
    for number, entry in enumerate(document.get("published", ())):
        for name in entry["points"]:
            if name not in names:
                raise DeclarationError(known("level", name, names), path=f"published[{number}].points")
        figures.append(Published(entry["source"], float(entry["of"]), entry["points"]))
    return tuple(figures)
