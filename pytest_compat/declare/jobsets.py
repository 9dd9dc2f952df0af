"""Job sets: what all jobs ask for, and what each needs of which subsystem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from pytest_compat.declare.jobspec import read_jobspec, requirement
from pytest_compat.declare.pools import HOST
from pytest_compat.errors import DeclarationError, JobspecError
from pytest_compat.model import Jobspec, Requirement, Resource

DEFAULT_RESOURCES = {"type": HOST, "replicas": 1}
DEFAULT_COMMAND = ["true"]


def build_jobs(jobset: Mapping[str, Any]) -> tuple[Jobspec, ...]:
    """Return the jobs of a set, each with everything it requires, in the order declared.

    Args:
        jobset: A document that fits the schema `jobs`.

    Raises:
        DeclarationError: Its resources are no resources, or ask for no node that could carry requirements.
    """
    group = jobset.get("jobset", "job")
    jobs = []
    for name, job in jobset["jobs"].items():
        path = f"jobs.{name}"
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
