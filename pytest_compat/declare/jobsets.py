"""Job sets: what all jobs ask for, and what each needs of which subsystem."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import product
from math import prod
from typing import Any

from pytest_compat.declare.jobspec import read_jobspec, requirement
from pytest_compat.declare.pools import HOST
from pytest_compat.errors import DeclarationError, JobspecError
from pytest_compat.model import Jobspec, Requirement, Resource

DEFAULT_RESOURCES = {"type": HOST, "replicas": 1}
DEFAULT_COMMAND = ["true"]

MAX_JOBS = 1_000_000
"""Bound on the jobs that axes stand for."""


def build_jobs(jobset: Mapping[str, Any]) -> tuple[Jobspec, ...]:
    """Return the jobs of a set, each with everything it requires, in the order declared.

    Args:
        jobset: A document that fits the schema `jobs`.

    Raises:
        DeclarationError: Its resources are no resources, or ask for no node that could carry requirements.
    """
    group = jobset.get("jobset", "job")
    jobs = []
    for name, path, job in _listed(jobset):
        template = read_jobspec(
            {
                "version": 1,
                "resources": {group: job.get("resources", jobset.get("resources", DEFAULT_RESOURCES))},
                "tasks": [{"command": job.get("command", jobset.get("command", DEFAULT_COMMAND)), "resources": group}],
                "attributes": jobset.get("attributes", {}),
            },
            name=name,
        )
        needs = tuple(_requirements(job.get("requires", {}), f"{path}.requires"))
        asked, placed = _require(template.groups[group], needs)
        if needs and not placed:
            raise DeclarationError(
                f"found resources without a {HOST!r}, expected one to require {needs[0]} of", path=f"{path}.resources"
            )
        jobs.append(replace(template, groups={group: asked}))
    return tuple(jobs)


def _listed(jobset: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield name, place and declaration of every job, with what is required of all."""
    common = jobset.get("requires", {})
    for name, job in jobset.get("jobs", {}).items():
        path = f"jobs.{name}"
        yield name, path, {**job, "requires": _joined([("all jobs", common), (name, job.get("requires", {}))], path)}
    axes = [
        [(value, declared or {}) for value, declared in values.items()] for values in jobset.get("axes", {}).values()
    ]
    if (count := prod(map(len, axes))) > MAX_JOBS:
        raise DeclarationError(f"found axes of {count} combinations, expected {MAX_JOBS} at most", path="axes")
    names = set()
    for combination in product(*axes) if axes else ():
        name = "-".join(value for value, _ in combination)
        if name in names:
            raise DeclarationError(f"found two jobs called {name!r}, expected names that differ", path="axes")
        names.add(name)
        merged = {key: each for _, declared in combination for key, each in declared.items()}
        required = [("all jobs", common), *((value, declared.get("requires", {})) for value, declared in combination)]
        yield name, "axes", {**merged, "requires": _joined(required, "axes")}


def _joined(parts: Iterable[tuple[str, Mapping[str, Mapping[str, Any]]]], path: str) -> dict[str, dict[str, Any]]:
    """Return what several parts of a job require together."""
    found: dict[str, dict[str, Any]] = {}
    who: dict[tuple[str, str], str] = {}
    for part, needs in parts:
        for subsystem, fields in needs.items():
            for field, value in fields.items():
                before = who.setdefault((subsystem, field), part)
                if before != part:
                    raise DeclarationError(f"found {subsystem} {field} required by {before} and by {part}", path=path)
                found.setdefault(subsystem, {})[field] = value
    return found


def _requirements(needs: Mapping[str, Mapping[str, Any]], path: str) -> Iterator[Requirement]:
    for subsystem, fields in needs.items():
        for field, value in fields.items():
            verbs: Mapping[str, Any] = value if isinstance(value, dict) else {"match": value}
            try:
                yield requirement({"name": subsystem, "field": field, **verbs}, f"{path}.{subsystem}.{field}")
            except JobspecError as error:
                raise DeclarationError(error.problem, path=error.path) from None


def _require(resource: Resource, needs: tuple[Requirement, ...]) -> tuple[Resource, bool]:
    """Return the resource with the needs on every outermost node in it, and whether there was one."""
    if resource.type == HOST:
        return replace(resource, requires=resource.requires + needs), True
    below = [_require(child, needs) for child in resource.within]
    return replace(resource, within=tuple(child for child, _ in below)), any(placed for _, placed in below)
