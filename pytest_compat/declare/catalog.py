"""Finding, reading and naming experiments; the only place that turns a name into a path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import pytest_compat
from pytest_compat.declare.digest import content_version
from pytest_compat.declare.jobsets import build_jobs
from pytest_compat.declare.levels import Levels, build_levels, named
from pytest_compat.declare.pools import build_clusters
from pytest_compat.declare.reading import check, read_declaration
from pytest_compat.declare.rules import Rule, attributes, build_rules
from pytest_compat.errors import DeclarationError, known
from pytest_compat.model import Cluster, Jobspec

EXPERIMENT = "experiment.yaml"
"""What the file of an experiment is called in a folder of its own."""

DEFAULT_ITERATIONS = 20


@dataclass(frozen=True)
class Published:
    """Figures of others.

    Args:
        source: Where they stand.
        of: Points that a level could reach, the number of its submissions.
        points: What each level reached.
        reasons: By level, how many submissions fell short for which reason.
    """

    source: str
    of: int
    points: Mapping[str, float]
    reasons: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


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
    document = _read(path)
    try:
        return _build(document, path)
    except DeclarationError as error:
        raise error.within(str(path)) from None


def _read(path: Path) -> Mapping[str, Any]:
    """Return an experiment as written, with what it does not say itself from the one that it extends."""
    document = read_declaration(path, "experiment")
    if "extends" in document:
        base = path.parent / document["extends"]
        inherited = read_declaration(base, "experiment")
        if "extends" in inherited:
            raise DeclarationError("found `extends`, expected none in what others extend", source=str(base))
        document = {**inherited, **document}
    for part in ("clusters", "jobs"):
        if part not in document:
            raise DeclarationError(f"found no {part!r}, expected it here or in what this extends", source=str(path))
    return document


def _build(document: Mapping[str, Any], path: Path) -> Experiment:
    clusters = _part(document["clusters"], "clusters", path, build_clusters)
    every = _part(document["jobs"], "jobs", path, lambda jobset, _: build_jobs(jobset))
    names = named([job.name for job in every], document.get("only", ["*"]), "only")
    jobs = tuple(job for job in every if job.name in names)
    truth = build_rules(document, clusters, jobs, path.parent)
    _check_requirements(clusters, jobs, frozenset(document.get("absent", ())))
    levels = build_levels(document, every, names)
    return Experiment(
        name=document["experiment"],
        path=path,
        clusters=clusters,
        jobs=jobs,
        levels=levels,
        truth=truth,
        iterations=document.get("iterations", DEFAULT_ITERATIONS),
        published=_published(document, levels, truth),
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
        name_or_path: A path that ends in .yaml or that of a folder with an `experiment.yaml`, relative to `start`; the
            name of such a folder in the first `suites/` that has it, going up from `start`, then as shipped; or what an
            experiment in `start` or in any of these `suites/` calls itself.
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
    places = list(_places(start / EXPERIMENT))
    for place in places:
        there = {found.parent.name: found for found in sorted(place.glob(f"suites/*/{EXPERIMENT}"))}
        if name_or_path in there:
            return there[name_or_path]
        names += there
    called: dict[str, Path] = {}
    for found in (
        *sorted(start.glob("*.yaml")),
        *(path for place in places for path in sorted(place.glob("suites/*/*.yaml"))),
    ):
        called.setdefault(_own_name(found), found)
    if name_or_path in called:
        return called[name_or_path]
    names += [name for name in called if name]
    raise DeclarationError(f"{known('experiment', name_or_path, dict.fromkeys(names))}; a YAML file will do as well")


def _own_name(path: Path) -> str:
    """Return what the experiment in a file calls itself; empty for other files."""
    try:
        return str(read_declaration(path, "experiment")["experiment"])
    except DeclarationError:
        return ""


def _places(experiment: Path) -> Iterator[Path]:
    yield from experiment.absolute().parents
    package = Path(pytest_compat.__file__).parent
    yield package  # where a wheel has them
    yield package.parent  # where a checkout has them


def _check_requirements(clusters: tuple[Cluster, ...], jobs: tuple[Jobspec, ...], absent: frozenset[str]) -> None:
    """Refuse jobs that ask for what no cluster has: it is misspelt more often than meant."""
    there = attributes(clusters)
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


def _published(document: Mapping[str, Any], levels: Levels, truth: tuple[Rule, ...]) -> tuple[Published, ...]:
    names = [level.name for level in levels.resolve(["all"])]
    known_reasons = {reason for rule in truth for reason in rule.reasons()}
    figures = []
    for number, entry in enumerate(document.get("published", ())):
        place = f"published[{number}]"
        reasons = entry.get("reasons", {})
        for key, by_level in (("points", entry["points"]), ("reasons", reasons)):
            for name in by_level:
                if name not in names:
                    raise DeclarationError(known("level", name, names), path=f"{place}.{key}")
        for name in reasons:
            if name not in entry["points"]:
                raise DeclarationError(
                    "found reasons, expected points of the level too", path=f"{place}.reasons.{name}"
                )
        for name, points in entry["points"].items():
            if not 0 <= points <= entry["of"]:
                raise DeclarationError(f"found {points}, expected 0 to {entry['of']}", path=f"{place}.points.{name}")
        for name, counts in reasons.items():
            where = f"{place}.reasons.{name}"
            for reason in counts:
                if reason not in known_reasons:
                    raise DeclarationError(known("reason", reason, sorted(known_reasons)), path=where)
            if (total := sum(counts.values())) > entry["of"]:
                raise DeclarationError(f"found {total} submissions, expected {entry['of']} at most", path=where)
        figures.append(Published(entry["source"], entry["of"], entry["points"], reasons))
    return tuple(figures)
